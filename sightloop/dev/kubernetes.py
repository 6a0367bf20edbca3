"""One real Kubernetes API server on this machine, over an etcd of its own, loopback only.

No controllers and no kubelet run: nothing is scheduled, no Job ends, no namespace gets its
`default` account. A test plays them.
"""

import os
import secrets
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sightloop.dev.kubernetes_build import (
    ETCD_VERSION,
    KUBERNETES_VERSION,
    build_programs,
    programs_folder,
)
from sightloop.dev.part import Available, Missing, PartFailed
from sightloop.dev.process import ServerProcess, free_port

_START_SECONDS = 60.0
_MISSING = "no Kubernetes API server in the cache: run `sightloop dev fetch --kubernetes`"
_ADMINISTRATORS = "system:masters"


class KubernetesApi:
    """`async with KubernetesApi(folder) as api`: `api.url`, `api.token` and `api.tls` reach it.

    The folder keeps what was applied; `api.token` is an administrator's, new with each value.
    """

    name = "kubernetes"

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.resolve()
        self._etcd: ServerProcess | None = None
        self._server: ServerProcess | None = None
        self._port = 0
        self.token = secrets.token_urlsafe(24)

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
        """Whether both programs are here."""
        folder = programs_folder()
        if folder is None:
            return Missing(_MISSING)
        return Available(f"Kubernetes {KUBERNETES_VERSION} on etcd {ETCD_VERSION}, {folder}")

    @staticmethod
    def fetch() -> None:
        """Build both into the cache (many minutes); Go checks the modules. Raises FetchFailed."""
        build_programs()

    @property
    def url(self) -> str:
        """Address of the API, HTTPS."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def certificates(self) -> Path:
        """The certificates that a client trusts the server by, in PEM."""
        return self._data_dir / "certificates" / "apiserver.crt"

    @property
    def tls(self) -> ssl.SSLContext:
        """What httpx verifies the server with."""
        return ssl.create_default_context(cafile=str(self.certificates))

    async def start(self) -> None:
        """Start both, return when the API is ready. Raises PartFailed."""
        programs = programs_folder()
        if programs is None:
            raise PartFailed(_MISSING)
        self._data_dir.mkdir(parents=True, exist_ok=True)
        store = await self._start_etcd(programs / "etcd")
        try:
            await self._start_server(programs / "kube-apiserver", store)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End both. Idempotent."""
        for process in (self._server, self._etcd):
            if process is not None:
                await process.stop()
        self._server = self._etcd = None

    async def _start_etcd(self, program: Path) -> str:
        """Start etcd; returns its address."""
        port, peers = free_port(), free_port()
        address, peer_address = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peers}"
        self._etcd = ServerProcess(
            "etcd",
            [
                *(str(program), "--name=sightloop", f"--data-dir={self._data_dir / 'etcd'}"),
                *(f"--listen-client-urls={address}", f"--advertise-client-urls={address}"),
                *(f"--listen-peer-urls={peer_address}",),
                *(f"--initial-advertise-peer-urls={peer_address}",),
                *(f"--initial-cluster=sightloop={peer_address}",),
                *("--unsafe-no-fsync", "--log-level=warn"),
            ],
            log=self._data_dir / "etcd.log",
            env=os.environ,
        )

        async def ready() -> bool:
            return await _says_ok(f"{address}/health", verify=False)

        await self._etcd.until_ready(ready, seconds=_START_SECONDS)
        return address

    async def _start_server(self, program: Path, store: str) -> None:
        self._port = free_port()
        tokens = self._data_dir / "tokens.csv"
        _keep_secret(tokens, f"{self.token},administrator,administrator,{_ADMINISTRATORS}\n")
        accounts = self._data_dir / "accounts.pem"
        if not accounts.exists():
            _keep_secret(accounts, _new_key())
        self._server = ServerProcess(
            "kube-apiserver",
            [
                *(str(program), f"--etcd-servers={store}", f"--secure-port={self._port}"),
                *("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"),
                # It may not register a loopback address, and nothing here looks for it.
                *("--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/16"),
                *(f"--cert-dir={self.certificates.parent}", "--authorization-mode=RBAC"),
                *(f"--token-auth-file={tokens}", "--service-account-issuer=https://127.0.0.1"),
                *(f"--service-account-key-file={accounts}",),
                *(f"--service-account-signing-key-file={accounts}",),
            ],
            log=self._data_dir / "server.log",
            env=os.environ,
        )
        await self._server.until_ready(self._answers, seconds=_START_SECONDS)

    async def _answers(self) -> bool:
        if not self.certificates.exists():
            return False
        return await _says_ok(f"{self.url}/readyz", verify=self.tls, token=self.token)


async def _says_ok(url: str, *, verify: ssl.SSLContext | bool, token: str | None = None) -> bool:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(verify=verify, timeout=5, trust_env=False) as client:
            return (await client.get(url, headers=headers)).status_code == 200
    except (httpx.TransportError, ssl.SSLError):
        return False


def _keep_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _new_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    # The one format in which the server finds both halves of a key.
    sec1 = PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(Encoding.PEM, sec1, NoEncryption()).decode()
