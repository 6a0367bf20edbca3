"""The platform as its users have it: one process on embedded parts, or eight on real ones.

The processes are those of the command line; the tests speak to the one origin, over HTTP.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

from sightloop.dev.process import free_port
from sightloop.dev.s3 import S3Server
from sightloop.dlq import BUS_ADDRESS
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.embedded.privileges import dying_with_us
from sightloop.keys import Keys
from sightloop.targets import SERVICES, schema_of
from tests.support.parts import run_now

_START_SECONDS = 300.0
_STOP_SECONDS = 120.0


@dataclass
class Process:
    """A process of the platform; its output is kept for the failure."""

    name: str
    command: list[str]
    environment: dict[str, str]
    address: str
    log: Path
    popen: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                dying_with_us(self.command),
                env=self.environment,
                stdout=output,
                stderr=output,
                cwd=self.log.parent,
                process_group=0,
            )

    def wait_ready(self) -> None:
        """Return when the process says that it is ready."""
        assert self.popen is not None
        deadline = time.monotonic() + _START_SECONDS
        while True:
            if self.popen.poll() is not None:
                raise AssertionError(f"{self.name} ended: {self.tail()}")
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.address}/readyz", timeout=30).status_code == 200:
                    return
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} is not ready: {self.tail()}")
            time.sleep(0.05)

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self.popen is not None
        self.popen.send_signal(signal.SIGTERM)
        self.popen.send_signal(signal.SIGCONT)
        try:
            return self.popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise AssertionError(f"{self.name} did not stop: {self.tail()}") from late

    def kill(self) -> None:
        """SIGKILL."""
        assert self.popen is not None
        self.popen.kill()
        self.popen.wait()

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


@dataclass
class Platform:
    """A running platform. `processes` by name: `up`, or a service each.

    `cameras`: the folder of the one place that images may be registered from, called so.
    """

    mode: str
    url: str
    token: str
    organization: str
    bus_url: str
    cameras: Path
    processes: dict[str, Process] = field(default_factory=dict)

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120.0)

    def restart(self, name: str, *, kill: bool) -> None:
        """End the process that runs a service and start it again, at the same address."""
        process = self.processes.get(name) or self.processes["up"]
        if kill:
            process.kill()
        else:
            assert process.stop() == 0, process.tail()
        process.start()
        process.wait_ready()


def environment_of(**variables: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SIGHTLOOP_")}
    tree = str(Path(__file__).parents[2])
    return inherited | {"PYTHONPATH": tree, "ORT_DISABLE_TELEMETRY": "1"} | variables


@contextlib.contextmanager
def embedded(folder: Path, token: str) -> Iterator[Platform]:
    """`sightloop up` in one process."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    ready = folder / "ready.json"
    cameras = folder / "cameras"
    cameras.mkdir()
    command = [
        sys.executable, "-P", "-m", "sightloop", "up", "--data", str(folder / "data"),
        "--port", str(port), "--ready-file", str(ready),
    ]  # fmt: skip
    environment = environment_of(
        SIGHTLOOP_BOOTSTRAP_TOKEN=token,
        SIGHTLOOP_SERVING_CACHE=str(folder / "models"),
        SIGHTLOOP_INGEST_PLACES=json.dumps({"cameras": f"file://{cameras}"}),
    )
    up = Process("up", command, environment, address, folder / "up.log")
    up.start()
    try:
        up.wait_ready()
        while not ready.exists():
            time.sleep(0.01)
        told = json.loads(ready.read_text())
        bus = (folder / "data" / BUS_ADDRESS).read_text()
        organization = told["organization"]
        yield Platform("embedded", address, token, organization, bus, cameras, {"up": up})
    finally:
        if up.popen is not None and up.popen.poll() is None:
            assert up.stop() == 0, up.tail()


@contextlib.contextmanager
def split(
    folder: Path, token: str, *, keys: Keys, postgres: EmbeddedPostgres, kafka: str, s3: S3Server
) -> Iterator[Platform]:
    """A process for each service, on Kafka, PostgreSQL and S3."""
    prefix = f"e{uuid4().hex[:8]}_"
    for name in SERVICES:
        if schema_of(name) is not None:
            run_now(postgres.create_database(f"{prefix}{name}"))
    ports = {name: free_port() for name in SERVICES}
    addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    origin = addresses["gateway"]
    upstreams = {name: url for name, url in addresses.items() if name != "gateway"}
    cameras = folder / "cameras"
    cameras.mkdir()
    shared = environment_of(
        SIGHTLOOP_DATABASE_URL=postgres.dsn_template(prefix),
        SIGHTLOOP_BUS_URL=f"kafka://{kafka}",
        SIGHTLOOP_BLOBS_URL=s3.url,
        SIGHTLOOP_PUBLIC_URL=origin,
        SIGHTLOOP_INTERNAL_URL=origin,
        SIGHTLOOP_MONITOR_URL=addresses["ingest"],
        SIGHTLOOP_BOOTSTRAP_TOKEN=token,
        SIGHTLOOP_GATEWAY_UPSTREAMS=json.dumps(upstreams),
        SIGHTLOOP_SERVING_CACHE=str(folder / "models"),
        SIGHTLOOP_INGEST_PLACES=json.dumps({"cameras": f"file://{cameras}"}),
        SIGHTLOOP_LOG_FORMAT="console",
        SIGHTLOOP_LOG_LEVEL="WARNING",
        **keys.environment(),
    )
    processes = {
        name: Process(
            name,
            [sys.executable, "-P", "-m", "sightloop", "serve", name, "--migrate"],
            shared | {"SIGHTLOOP_PORT": str(ports[name])},
            addresses[name],
            folder / f"{name}.log",
        )
        for name in SERVICES
    }
    try:
        for process in processes.values():
            process.start()
        for process in processes.values():
            process.wait_ready()
        with httpx.Client(base_url=origin, headers={"Authorization": f"Bearer {token}"}) as client:
            me = client.get("/api/gateway/v1/me").raise_for_status().json()
        organization = me["organization"]["id"]
        bus = f"kafka://{kafka}"
        yield Platform("split", origin, token, organization, bus, cameras, processes)
    finally:
        stuck: list[Process] = []
        running = [p for p in processes.values() if p.popen and p.popen.poll() is None]
        for process in running:
            assert process.popen is not None
            process.popen.send_signal(signal.SIGTERM)
        for process in running:
            assert process.popen is not None
            try:
                process.popen.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                stuck.append(process)
        shutil.rmtree(folder / "models", ignore_errors=True)
        assert not stuck, "\n".join(f"{p.name} did not stop: {p.tail()}" for p in stuck)
