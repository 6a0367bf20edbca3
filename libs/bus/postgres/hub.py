"""One per process: listens, says that we live, and assigns partitions to our sources.

connecting ──▶ listening: each second, or when told, one heartbeat query
    ▲              │ members changed, or a partition is not ours yet ──▶ sync
    └── away ◀─────┘ a fault that passes; commits are fenced meanwhile
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from uuid import UUID, uuid4

import asyncpg
import structlog

from libs.bus.driver import BusUnavailable, OnRevoked, Partition, Record
from libs.bus.postgres import membership
from libs.bus.postgres.catalogue import Catalogue
from libs.bus.postgres.faults import unavailable
from libs.bus.postgres.log import RECORDS_CHANNEL, parse_heads, read
from libs.bus.postgres.source import PostgresReader, PostgresSource
from libs.bus.sharing import Member, shares

TICK_SECONDS = 1.0

_log = structlog.get_logger(__name__)


@contextlib.contextmanager
def _known_process() -> Iterator[None]:
    """Others bury a process whose session was away for long; the next session registers it."""
    try:
        yield
    except asyncpg.ForeignKeyViolationError as error:
        raise BusUnavailable("the embedded log does not know this process yet") from error


class Hub:
    """What the sources and readers of one process share."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        connect: Callable[[], "asyncio.Future[asyncpg.Connection]"],
    ) -> None:
        self.process = uuid4()
        self.catalogue = Catalogue()
        self.readers: set[PostgresReader] = set()
        self.registered = asyncio.Event()
        self._pool = pool
        self._connect = connect
        self._sources: dict[UUID, PostgresSource] = {}
        self._members: frozenset[UUID] = frozenset()
        self._pending = False
        self._unsaid = False
        self._told = asyncio.Event()
        self._stale = False
        self._syncing = asyncio.Lock()
        self._revoking: dict[tuple[UUID, Partition], asyncio.Task[None]] = {}
        self._failure: BaseException | None = None

    @property
    def heads(self) -> Mapping[Partition, int]:
        return self.catalogue.heads

    def check(self) -> None:
        """Raises what ended the hub: a defect, which must not look like an idle bus."""
        if self._failure is not None:
            raise RuntimeError("the bus has failed") from self._failure

    def fail(self, error: BaseException) -> None:
        """Have everybody who uses the bus fail with `error`."""
        self._failure = error
        self._wake()

    async def read(self, positions: Mapping[Partition, int], *, limit: int) -> list[Record]:
        by_id = {self.catalogue.ids[name]: offset for name, offset in positions.items()}
        with unavailable("reading"):
            return await read(self._pool, by_id, names=self.catalogue.names, limit=limit)

    async def load(self) -> None:
        """Read topics and heads anew."""
        with unavailable("reading its catalogue"):
            async with self._pool.acquire(timeout=10) as connection:
                await self.catalogue.load(connection)
        self._wake()

    async def join(
        self, group: str, topics: Collection[str], on_revoked: OnRevoked
    ) -> PostgresSource:
        member = Member(uuid4(), group, tuple(sorted(topics)))
        source = PostgresSource(self, member, on_revoked=on_revoked)
        with unavailable("joining a group"), _known_process():
            async with self._pool.acquire(timeout=10) as connection, connection.transaction():
                await membership.lock(connection)
                await self._join(connection, member)
                await membership.announce(connection)
        self._sources[member.id] = source
        try:
            await self._sync()
        except BaseException:
            # Nobody would read what a member that nobody knows is given.
            await self.leave(source)
            raise
        return source

    async def leave(self, source: PostgresSource) -> None:
        """Free the member's partitions; where the log is away, as soon as it is back."""
        async with self._syncing:
            self._sources.pop(source.member.id, None)
        for (member, _), task in list(self._revoking.items()):
            if member == source.member.id:
                await asyncio.wait([task])
        try:
            with unavailable("leaving a group"):
                async with self._pool.acquire(timeout=10) as connection:
                    await membership.leave(connection, source.member)
        except BusUnavailable as error:
            self._unsaid = True
            _log.warning("bus.left_unsaid", group=source.member.group, reason=str(error))

    async def commit(
        self, member: Member, offsets: Mapping[Partition, int]
    ) -> frozenset[Partition]:
        """The partitions that are the member's: their offsets are committed."""
        by_id = {self.catalogue.ids[name]: offset for name, offset in offsets.items()}
        with unavailable("committing offsets"):
            async with self._pool.acquire(timeout=10) as connection:
                stored = await membership.commit(connection, member, by_id)
        return frozenset(self.catalogue.names[number] for number in stored)

    async def give_back(self, member: Member, partitions: Collection[Partition]) -> None:
        ids = [self.catalogue.ids[name] for name in partitions]
        with unavailable("giving partitions back"):
            async with self._pool.acquire(timeout=10) as connection:
                await membership.give_back(connection, member, ids)

    async def run(self) -> None:
        """Listen and beat until cancelled."""
        while True:
            try:
                with unavailable("listening"):
                    await self._listen()
            except BusUnavailable as error:
                _log.warning("bus.away", reason=str(error))
                await asyncio.sleep(TICK_SECONDS / 2)
            except Exception as error:
                self.fail(error)
                raise

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            await connection.add_listener(RECORDS_CHANNEL, self._on_records)
            await connection.add_listener(membership.MEMBERS_CHANNEL, self._on_members)
            await self._register(connection)
            while True:
                await self._tick(connection)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._told.wait()
        finally:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError):
                await connection.close(timeout=2)

    async def _register(self, connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await membership.lock(connection)
            self._unsaid = False
            await membership.register(connection, self.process, members=list(self._sources))
            # One that leaves meanwhile is gone from the dictionary.
            for source in list(self._sources.values()):
                if source.member.id in self._sources:
                    await self._join(connection, source.member)
            await membership.announce(connection)
        self.registered.set()
        self._pending = True

    async def _tick(self, connection: asyncpg.Connection) -> None:
        told = self._told.is_set()
        self._told.clear()
        groups = {source.member.group for source in self._sources.values()}
        beat = await membership.beat(connection, self.process, groups)
        if not beat.known or self._unsaid:
            await self._register(connection)
        if self._stale or beat.written != self.catalogue.written:
            self._stale = False
            await self.load()
        if told or self._pending or beat.members != self._members:
            await self._sync()

    async def _join(self, connection: asyncpg.Connection, member: Member) -> None:
        ids = [number for name, number in self.catalogue.ids.items() if name.topic in member.topics]
        await membership.join(connection, self.process, member, partitions=ids)

    async def _sync(self) -> None:
        """Compute who should own what, claim what is free, give back what is not ours."""
        async with self._syncing:
            sources = list(self._sources.values())
            groups = {source.member.group for source in sources}
            claimed: list[tuple[PostgresSource, dict[Partition, int]]] = []
            targets: dict[UUID, frozenset[Partition]] = {}
            with unavailable("sharing partitions"):
                async with self._pool.acquire(timeout=10) as connection, connection.transaction():
                    await membership.lock(connection)
                    live = await membership.members(connection, self.process, groups)
                    owners = await membership.owners(connection, groups)
                    for source in sources:
                        group = [m for m in live if m.group == source.member.group]
                        target = shares(group, self.catalogue.ids).get(
                            source.member.id, frozenset()
                        )
                        targets[source.member.id] = target
                        wanted = [self.catalogue.ids[name] for name in target - source.assignment()]
                        if wanted:
                            offsets = await membership.claim(
                                connection, source.member, wanted, live=[m.id for m in group]
                            )
                            names = self.catalogue.names
                            claimed.append((source, {names[i]: at for i, at in offsets.items()}))
            self._members = frozenset(member.id for member in live)
            for source in sources:
                self._settle(source, target=targets[source.member.id], owners=owners)
            for source, positions in claimed:
                source.claimed(positions)
            self._pending = any(
                source.assignment() != targets[source.member.id] for source in sources
            )

    def _settle(
        self,
        source: PostgresSource,
        *,
        target: frozenset[Partition],
        owners: Mapping[tuple[str, int], UUID | None],
    ) -> None:
        member = source.member
        ours = source.assignment()
        ids = self.catalogue.ids
        lost = {name for name in ours if owners.get((member.group, ids[name])) != member.id}
        for partitions, is_lost in ((lost, True), (ours - target - lost, False)):
            fresh = frozenset(p for p in partitions if (member.id, p) not in self._revoking)
            if fresh:
                task = asyncio.create_task(self._revoke(source, fresh, lost=is_lost))
                self._revoking.update(((member.id, partition), task) for partition in fresh)

    async def _revoke(
        self, source: PostgresSource, partitions: frozenset[Partition], *, lost: bool
    ) -> None:
        try:
            await source.revoke(partitions, lost=lost)
        except BusUnavailable as error:
            # The session's end frees what could not be given back.
            _log.warning("bus.not_given_back", group=source.member.group, reason=str(error))
        finally:
            for partition in partitions:
                self._revoking.pop((source.member.id, partition), None)
            self._told.set()

    def _on_records(self, _c: object, _pid: int, _channel: str, payload: str) -> None:
        heads = parse_heads(payload)
        if not self.catalogue.advance(heads):
            self._stale = True
            self._told.set()
        names = self.catalogue.names
        self._wake({names[number] for number in heads if number in names})

    def _on_members(self, _c: object, _pid: int, _channel: str, _payload: str) -> None:
        self._told.set()

    def _wake(self, moved: Collection[Partition] | None = None) -> None:
        for source in self._sources.values():
            source.wake(moved)
        for reader in self.readers:
            reader.wake(moved)
