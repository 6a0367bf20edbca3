"""The processes and parts of a run, and the hand that breaks them and sets them up again.

It is also what keeps them running, as a cluster would: what ends by itself is noted and started
again. All on the main thread's loop: the parts die with the thread that starts them.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from sightloop.dev.kafka import KafkaBroker
from sightloop.dev.process import free_port
from sightloop.dev.s3 import S3Server
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.crash.member import Member
from tests.crash.schedule import BROKER, POSTGRES, S3, SESSION, UP, Fault, Kind, Plan
from tests.crash.told import Told
from tests.support.platform import Platform, Process

_STOP_SECONDS = 120.0
_READY_SECONDS = 600.0
_JOIN_SECONDS = 60.0
_AGAIN_SECONDS = 0.5
_LOOK_SECONDS = 0.25
_PATIENCE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The real parts of the split mode."""

    broker: KafkaBroker
    postgres: EmbeddedPostgres
    s3: S3Server


class Stage:
    """A running platform that can be broken. `parts`: None in the embedded mode.

    `say` is told what happens as it happens.
    """

    def __init__(
        self, platform: Platform, parts: Parts | None, told: Told, *, say: Callable[[str], None]
    ) -> None:
        self.platform = platform
        self.members = {name: Member(process) for name, process in platform.processes.items()}
        self._say = say
        self._parts = parts
        self._told = told
        self._turns: dict[str, asyncio.Lock] = {}
        self._joined = 0

    def running(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: pid for name, m in self.members.items() if (pid := m.pid) is not None}

    async def keep(self) -> None:
        """Start again what has ended by itself, and note what is ready; until cancelled."""
        await asyncio.gather(*(self._keep(member) for member in self.members.values()))

    async def perform(self, plan: Plan) -> None:
        """Let everything happen that the plan has, each at its time; returns when all is over."""
        rng = Random(f"{plan.seed} {plan.mode} hand")
        async with asyncio.TaskGroup() as group:
            for fault in plan.faults:
                group.create_task(self._happen(fault, Random(rng.random())))

    async def all_ready(self) -> None:
        """Return when every process is ready; what is not in time is a surprise."""
        for name, member in list(self.members.items()):
            if not await member.until_ready(_READY_SECONDS):
                self._told.surprise(f"{name} is not ready: {member.process.tail()}")

    async def _keep(self, member: Member) -> None:
        async with httpx.AsyncClient(timeout=3.0) as http:
            while True:
                popen = member.process.popen
                if popen is not None and member.wanted:
                    status = popen.poll()
                    if status is None:
                        await self._look(http, member)
                    else:
                        self._ended(member, status)
                        await asyncio.sleep(_AGAIN_SECONDS)
                        if member.process.popen is popen and member.wanted:
                            member.start()
                await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self, http: httpx.AsyncClient, member: Member) -> None:
        started = member.started
        try:
            answer = await http.get(f"{member.process.address}/readyz")
            ready = answer.status_code == 200
        except httpx.HTTPError:
            ready = False
        if member.started != started or not member.wanted:
            return
        member.ready = ready
        if ready and not member.served:
            member.served = True
            member.starts.append(time.monotonic() - started)

    def _ended(self, member: Member, status: int) -> None:
        process = member.process
        self._note(f"{process.name} ended with {status}, is started again")
        if member.served:
            said = process.tail().strip()[-1500:]
            self._told.surprise(f"{process.name} ended by itself with {status}: {said}")

    async def _happen(self, fault: Fault, rng: Random) -> None:
        await asyncio.sleep(max(self._told.started + fault.at - time.monotonic(), 0))
        member = self.members.get(fault.target)
        if fault.kind is Kind.ROLL:
            self._begin(fault)
            for name in sorted(self.platform.processes):
                async with self.members[name].turn:
                    await self._terminate(self.members[name], 0.0)
                await self.members[name].until_ready(_READY_SECONDS)
        elif member is None:
            async with self._turns.setdefault(fault.target, asyncio.Lock()):
                await self._let_start(self.members.get(UP), rng)
                self._begin(fault)
                await self._kill_part(fault, rng)
        elif fault.kind is Kind.JOIN:
            self._begin(fault)
            await self._join(member, fault.seconds)
        else:
            async with member.turn:
                await self._let_start(member, rng)
                self._begin(fault)
                await self._break(member, fault)
        self._note(f"over: {fault.kind} {fault.target}")

    async def _let_start(self, member: Member | None, rng: Random) -> None:
        """Mostly a process may end its start: else a slow machine would do nothing but start."""
        if member is not None and rng.random() < _PATIENCE:
            await member.until_served(_READY_SECONDS)

    async def _break(self, member: Member, fault: Fault) -> None:
        if fault.kind is Kind.TERMINATE:
            await self._terminate(member, fault.seconds)
        elif fault.kind is Kind.FREEZE:
            await self._freeze(member, fault.seconds)
        else:
            member.end(signal.SIGKILL)
            await member.ended(_STOP_SECONDS)
            await asyncio.sleep(fault.seconds)
            member.start()

    async def _terminate(self, member: Member, seconds: float) -> None:
        served = member.served
        member.end(signal.SIGTERM)
        await self._see_off(member, served=served)
        await asyncio.sleep(seconds)
        member.start()

    async def _see_off(self, member: Member, *, served: bool) -> None:
        """Wait for the orderly end of what was told to end."""
        status = await member.ended(_STOP_SECONDS)
        name = member.process.name
        if status is None:
            member.end(signal.SIGKILL)
            await member.ended(_STOP_SECONDS)
            self._told.surprise(f"{name} did not end after SIGTERM: {member.process.tail()}")
        elif status != 0 and served:
            said = member.process.tail().strip()[-1500:]
            self._told.surprise(f"{name} ended with {status} after SIGTERM: {said}")

    async def _freeze(self, member: Member, seconds: float) -> None:
        pid = member.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        if member.pid == pid:
            os.kill(pid, signal.SIGCONT)

    async def _join(self, member: Member, seconds: float) -> None:
        """One more process of a service, for a while; it is killed or ends in order, by turns."""
        self._joined += 1
        first, port = member.process, free_port()
        name = f"{first.name} {self._joined + 1}"
        one_more = Member(
            Process(
                name,
                first.command,
                first.environment | {"SIGHTLOOP_PORT": str(port)},
                f"http://127.0.0.1:{port}",
                first.log.with_name(f"{first.name}-{self._joined + 1}.log"),
            )
        )
        one_more.start()
        keeping = asyncio.create_task(self._keep(one_more))
        self.members[name] = one_more
        await one_more.until_ready(_JOIN_SECONDS)
        await asyncio.sleep(seconds)
        served, orderly = one_more.served, self._joined % 2
        if orderly:
            one_more.end(signal.SIGTERM)
            await self._see_off(one_more, served=served)
        else:
            one_more.end(signal.SIGKILL)
            await one_more.ended(_STOP_SECONDS)
        keeping.cancel()
        del self.members[name]

    async def _kill_part(self, fault: Fault, rng: Random) -> None:
        if fault.target == SESSION:
            self._kill_session(rng)
            return
        if self._parts is None:
            # `sightloop up` itself is to notice, and to start it again.
            if (server := _postmaster(self._embedded)) is not None:
                os.kill(server, signal.SIGKILL)
            return
        named: dict[str, KafkaBroker | EmbeddedPostgres | S3Server] = {
            BROKER: self._parts.broker,
            POSTGRES: self._parts.postgres,
            S3: self._parts.s3,
        }
        part = named[fault.target]
        await part.kill()
        await asyncio.sleep(fault.seconds)
        await part.restart()

    def _kill_session(self, rng: Random) -> None:
        """`kill -9` one server process of PostgreSQL: it ends all sessions and recovers."""
        server = _postmaster(self._embedded) if self._parts is None else self._parts.postgres.pid
        sessions = _sessions(server) if server is not None else []
        if sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(sessions), signal.SIGKILL)

    @property
    def _embedded(self) -> Path:
        return self.platform.processes["up"].log.parent / "data" / "postgres"

    def _begin(self, fault: Fault) -> None:
        self._note(f"{fault.kind} {fault.target} {fault.seconds:g} s")

    def _note(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._told.started:6.1f} s  {text}")


def _postmaster(data_dir: Path) -> int | None:
    """The server's process id; None while none runs there."""
    try:
        return int((data_dir / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _sessions(server: int) -> list[int]:
    """Process ids of a PostgreSQL server's sessions with clients."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == server and b"[local]" in command:
            found.append(int(folder.name))
    return sorted(found)
