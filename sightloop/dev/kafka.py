"""One real Kafka broker on this machine: KRaft, one node, loopback only."""

import asyncio
import os
import struct
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from sightloop.dev.java import fetch_java, find_java
from sightloop.dev.kafka_jars import KAFKA_VERSION, fetch_jars, jars_folder
from sightloop.dev.part import Available, Missing, PartFailed
from sightloop.dev.process import ServerProcess, free_port
from sightloop.embedded.privileges import dying_with_us

_CLUSTER_ID = "sightloop-dev-broker-1"  # 22 characters, as Kafka wants an identifier
_START_SECONDS = 60.0
_JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
# The session is short because a killed broker is let in again only when its last one has ended.
_PROPERTIES = """process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={logs}
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


class KafkaBroker:
    """`async with KafkaBroker(folder) as broker`: `broker.bootstrap_servers` takes clients.

    The folder keeps records and port, so that `restart` after `kill` is the same broker.
    """

    name = "kafka"

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.resolve()
        self._process: ServerProcess | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @staticmethod
    def available() -> Available | Missing:
        """Whether jars and a Java are here."""
        java, jars = find_java(), jars_folder()
        if jars is None:
            return Missing("Kafka's jars are not in the cache: run `sightloop dev fetch`")
        if java is None:
            return Missing("no Java 17 or later: run `sightloop dev fetch`")
        return Available(f"Kafka {KAFKA_VERSION} in {jars}, {java}")

    @staticmethod
    def fetch() -> None:
        """Bring jars and, where there is none, a Java into the cache. Raises FetchFailed."""
        fetch_java()
        fetch_jars()

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def variables(self) -> dict[str, str]:
        """The settings that make Sightloop use this broker."""
        return {"SIGHTLOOP_BUS_URL": f"kafka://{self.bootstrap_servers}"}

    async def start(self) -> None:
        """Format the folder when new, start, return when requests are answered."""
        java, jars = find_java(), jars_folder()
        if java is None or jars is None:
            raise PartFailed("Kafka is not in the cache: run `sightloop dev fetch`")
        properties = self._data_dir / "server.properties"
        run_java = [str(java), *_JVM, "-cp", f"{jars}/*"]
        if not properties.exists():
            await asyncio.to_thread(_format, self._data_dir, run_java)
        lines = dict(line.split("=", 1) for line in properties.read_text().splitlines())
        self._port = int(lines["listeners"].split(",")[0].rsplit(":", 1)[1])
        self._process = ServerProcess(
            "Kafka",
            [
                *(run_java[0], "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
                *(*run_java[1:], "kafka.Kafka", str(properties)),
            ],
            log=self._data_dir / "broker.log",
            env=os.environ,
        )
        await self._process.until_ready(self._answers, seconds=_START_SECONDS)

    async def stop(self) -> None:
        """Shut the broker down in order. Idempotent."""
        if self._process is not None:
            await self._process.stop()
            self._process = None

    async def kill(self) -> None:
        """`kill -9` the broker."""
        if self._process is not None:
            await self._process.kill()

    async def restart(self) -> None:
        """Start again on the same data and port, after `kill` or in order."""
        await self.stop()
        await self.start()

    async def _answers(self) -> bool:
        """Ask for the versions of the protocol: the first thing a client does."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        try:
            api_versions, version, correlation, no_client = 18, 0, 7, -1
            request = struct.pack(">hhih", api_versions, version, correlation, no_client)
            writer.write(struct.pack(">i", len(request)) + request)
            async with asyncio.timeout(5):
                answer = await reader.readexactly(10)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return False
        else:
            _, answered, error = struct.unpack(">iih", answer)
            return bool(answered == correlation and error == 0)
        finally:
            writer.close()


def _format(data_dir: Path, run_java: list[str]) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    fresh = data_dir / "server.properties.new"
    fresh.write_text(
        _PROPERTIES.format(port=free_port(), controller=free_port(), logs=data_dir / "logs")
    )
    command = [*run_java, "kafka.tools.StorageTool", "format", "--standalone"]
    done = subprocess.run(
        dying_with_us([*command, "--ignore-formatted", "-t", _CLUSTER_ID, "-c", str(fresh)]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise PartFailed(f"Kafka's folder could not be formatted: {done.stderr[-2000:].strip()}")
    fresh.rename(data_dir / "server.properties")
