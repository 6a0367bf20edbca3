"""The books in the database: what is consumed, lost, dead, late, and what raises an alert."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import func, select

from libs.bus.consumer import Died
from libs.bus.driver import Partition, Record
from libs.schemas.envelope import Event, Meta, Received, decode, encode
from libs.schemas.events import AlertFired, AlertResolved, PredictionLogged, Severity
from libs.schemas.topics import PREDICTIONS
from libs.store.schema import migrate
from libs.store.session import Database, open_database
from libs.store.tables import outbox
from services.ingest import consumers, store
from services.ingest.core.books import GRACE, STUCK, Ledger
from services.ingest.core.till import Till
from services.ingest.service import SCHEMA
from services.ingest.tables import prediction
from services.ingest.workers.audit import audit
from sightloop.embedded.postgres import EmbeddedPostgres
from tests.component.test_ingest_monitor import body, deployed
from tests.support import examples
from tests.support.clock import ManualClock
from tests.support.services import Run
from tests.support.waiting import eventually

ORGANIZATION, DEPLOYMENT, BOOT = uuid4(), uuid4(), uuid4()


class Books:
    """Ingest's database, and what its consumer and its loops do with it."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock

    def logged(self, *numbers: int, boot: UUID = BOOT, name: str = "") -> list[Received[Any]]:
        """Predictions with these sequence numbers; one `name` is one prediction."""
        now = self.clock.now()
        meta = Meta(id=uuid4(), source="/test", time=now, organization=ORGANIZATION)
        return [
            Received(
                meta,
                PredictionLogged(
                    logged=msgspec.structs.replace(
                        examples.logged,
                        deployment=DEPLOYMENT,
                        prediction=examples.example_id(name or f"{boot} {number}"),
                        data=uuid4(),
                    ),
                    boot=boot,
                    sequence=number,
                ),
            )
            for number in numbers
        ]

    async def consume(self, events: Sequence[Received[Any]]) -> None:
        async with self.database.begin() as tx:
            await consumers.on_logged(tx, events)

    async def bury(self, events: Sequence[Received[Any]]) -> None:
        died = []
        for event in events:
            message = encode(event.data, event.meta)
            record = Record(Partition(PREDICTIONS.name, 3), 0, self.clock.now(), message)
            died.append(Died(record, "odd", event))
        async with self.database.begin() as tx:
            await consumers.on_dead(tx, died)

    async def write(self, till: Till) -> None:
        taken = till.take()
        async with self.database.begin() as tx:
            await store.write_till(tx, taken)
        till.written(taken)

    async def ledger(self) -> Ledger:
        async with self.database.read() as read:
            return await store.ledger(read, ORGANIZATION, DEPLOYMENT, now=self.clock.now())

    async def rows(self) -> int:
        async with self.database.read() as read:
            return int(await read.scalar(select(func.count()).select_from(prediction)))

    async def alerts(self) -> list[Event]:
        """Audit, then what has been emitted so far."""
        async with self.database.begin() as tx:
            await audit(tx)
            rows = await tx.all(select(outbox).order_by(outbox.c.id))
        return [
            decode(
                [(n, v.encode()) for n, v in msgspec.json.decode(row["headers"])], row["value"]
            ).data
            for row in rows
        ]


@pytest.fixture
async def books(postgres: EmbeddedPostgres) -> AsyncIterator[Books]:
    name = f"ingest_{uuid4().hex[:12]}"
    await postgres.create_database(name)
    clock = ManualClock()
    database = open_database("ingest", postgres.dsn(name), clock=clock)
    await migrate(database, SCHEMA)
    yield Books(database, clock)
    await database.close()


def counts(ledger: Ledger) -> tuple[int, int, int, int, int]:
    """(received, stored, duplicate, dead-lettered, in flight) of books that balance."""
    assert ledger.balanced, ledger
    return (
        ledger.received, ledger.stored, ledger.duplicate, ledger.dead_lettered, ledger.in_flight,
    )  # fmt: skip


async def test_records_that_come_again_count_once_and_predictions_sent_again_are_duplicates(
    books: Books,
) -> None:
    first = books.logged(1, 2, 3)
    await books.consume(first)
    await books.consume([*first[1:], *books.logged(4, name=f"{BOOT} 1")])
    await books.consume(books.logged(1, boot=uuid4()))
    assert counts(await books.ledger()) == (5, 4, 1, 0, 0)
    assert await books.rows() == 4


async def test_a_number_that_is_missing_is_late_then_lost_then_found(books: Books) -> None:
    await books.consume(books.logged(1, 2, 5))
    assert counts(await books.ledger()) == (5, 3, 0, 0, 2)
    assert await books.alerts() == []

    books.clock.advance(GRACE)
    seen = await books.ledger()
    assert (seen.missing, seen.balanced, seen.in_flight) == (2, False, 0)
    assert [(gap.boot, gap.first, gap.last) for gap in seen.lost] == [(BOOT, 3, 4)]
    (fired,) = await books.alerts()
    assert isinstance(fired, AlertFired)
    assert (fired.deployment, fired.kind, fired.value) == (DEPLOYMENT, "books", 2)
    assert fired.severity is Severity.CRITICAL
    assert fired.since == books.clock.now() - GRACE
    assert (await books.ledger()).alert_since == fired.since
    assert len(await books.alerts()) == 1

    await books.consume(books.logged(3, 4))
    assert counts(await books.ledger()) == (5, 5, 0, 0, 0)
    _, resolved = await books.alerts()
    assert isinstance(resolved, AlertResolved)
    assert resolved.alert == fired.alert
    assert (await books.ledger()).alert_since is None
    assert len(await books.alerts()) == 2


async def test_a_gap_whose_send_failed_is_no_loss(books: Books) -> None:
    till = Till(books.clock.now)
    numbers = [till.next(ORGANIZATION, DEPLOYMENT) for _ in range(4)]
    till.sent(numbers[:1])
    till.failed(numbers[1:3])
    till.sent(numbers[3:])
    boot = numbers[0][0]
    await books.write(till)
    await books.consume(books.logged(1, 4, boot=boot))
    books.clock.advance(GRACE)
    assert counts(await books.ledger()) == (2, 2, 0, 0, 0)
    # It was durable after all, only its acknowledgement was lost.
    await books.consume(books.logged(3, boot=boot))
    assert counts(await books.ledger()) == (3, 3, 0, 0, 0)
    assert await books.alerts() == []


async def test_a_dead_letter_is_in_the_books_once_and_so_is_its_replay(books: Books) -> None:
    odd = books.logged(2)
    await books.consume(books.logged(1))
    await books.bury(odd)
    await books.consume(books.logged(3))
    assert counts(await books.ledger()) == (3, 2, 0, 1, 0)

    await books.bury(odd)  # its offset was not committed: it dies again
    await books.consume(odd)
    assert counts(await books.ledger()) == (3, 2, 0, 1, 0)

    replayed = [Received(event.meta, event.data, replayed=True) for event in odd]
    await books.bury(replayed)
    assert counts(await books.ledger()) == (3, 2, 0, 1, 0)
    await books.consume(replayed)
    await books.consume(replayed)
    seen = await books.ledger()
    assert counts(seen) == (3, 3, 0, 0, 0)
    assert seen.replayed == 1
    assert await books.rows() == 3


async def test_what_is_acknowledged_and_not_consumed_is_in_flight(books: Books) -> None:
    till = Till(books.clock.now)
    numbers = [till.next(ORGANIZATION, DEPLOYMENT) for _ in range(1000)]
    till.sent(numbers)
    await books.write(till)
    boot = numbers[0][0]
    await books.consume(books.logged(1, 2, boot=boot))
    assert counts(await books.ledger()) == (1000, 2, 0, 0, 998)
    books.clock.advance(STUCK - timedelta(seconds=1))
    assert await books.alerts() == []
    books.clock.advance(timedelta(seconds=1))
    (fired,) = await books.alerts()
    assert isinstance(fired, AlertFired)
    assert fired.severity is Severity.WARNING
    assert "998 predictions are accepted and not stored" in fired.text


async def test_two_that_count_the_same_records_count_them_once(books: Books) -> None:
    same = books.logged(1, 2, 3)
    async with books.database.begin() as tx:
        await consumers.on_logged(tx, same)
        late = asyncio.create_task(books.consume(same))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(late), 0.2)
    await late
    assert counts(await books.ledger()) == (3, 3, 0, 0, 0)


async def test_the_books_balance_at_every_look(books: Books) -> None:
    till = Till(books.clock.now)
    looked = 0

    async def look() -> None:
        nonlocal looked
        while True:
            assert (await books.ledger()).balanced
            looked += 1

    looking = asyncio.create_task(look())
    for _ in range(30):
        numbers = [till.next(ORGANIZATION, DEPLOYMENT) for _ in range(5)]
        till.sent(numbers)
        till.refuse(ORGANIZATION, DEPLOYMENT, "malformed")
        await books.consume(books.logged(*(n for _, n in numbers), boot=numbers[0][0]))
        await books.write(till)
    await eventually(lambda: asyncio.sleep(0, looked > 0))
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert counts(await books.ledger()) == (180, 150, 0, 0, 0)


async def test_refusals_are_kept_by_hour_and_reason(books: Books) -> None:
    till = Till(books.clock.now)
    start = books.clock.now()
    for _ in range(3):
        till.refuse(ORGANIZATION, DEPLOYMENT, "malformed")
        books.clock.advance(timedelta(minutes=40))
    till.refuse(ORGANIZATION, DEPLOYMENT, "bad-picture")
    await books.write(till)
    till.refuse(ORGANIZATION, DEPLOYMENT, "bad-picture")
    await books.write(till)
    async with books.database.read() as read:
        rows = await store.rejections(
            read, ORGANIZATION, since=start, until=start + timedelta(hours=3)
        )
        none = await store.rejections(read, uuid4(), since=start, until=books.clock.now())
    hours = [((row["hour"] - start) // timedelta(hours=1), row["reason"]) for row in rows]
    assert hours == [(0, "malformed"), (1, "malformed"), (2, "bad-picture")]
    assert [row["count"] for row in rows] == [2, 1, 2]
    assert none == []
    seen = await books.ledger()
    assert seen.rejected_by_reason == {"bad-picture": 2, "malformed": 3}
    assert counts(seen) == (5, 0, 0, 0, 0)


async def test_the_books_of_every_deployment_over_http(service_runner: Run) -> None:
    async with service_runner("ingest") as running:
        dock, gate = deployed(), msgspec.structs.replace(deployed(), name="gate")
        await running.publish(dock, gate)
        path = f"/api/ingest/v1/deployments/{dock.deployment}"
        assert (await running.http.post(f"{path}/predictions", json=body())).status_code == 201
        wrong = await running.http.post(f"{path}/predictions", json={})
        assert wrong.status_code == 422
        # No column holds that width: the record dies, and the books know.
        unstorable = msgspec.structs.replace(
            examples.logged, deployment=dock.deployment, width=10**12, shadow=None
        )
        await running.publish(PredictionLogged(logged=unstorable, boot=uuid4(), sequence=1))

        async def named() -> dict[str, Any]:
            answer = await running.http.get("/api/ingest/v1/ledgers")
            return {one["name"]: one for one in answer.json()["items"]}

        expected = {
            "received": 3, "stored": 1, "duplicate": 0, "rejected": 1, "dead_lettered": 1,
            "in_flight": 0, "missing": 0, "balanced": True, "replayed": 0, "lost": [],
            "deployment": str(dock.deployment), "rejected_by_reason": {"malformed": 1},
        }  # fmt: skip
        seen = await eventually(
            named, lambda found: found.get("dock", {}).items() >= expected.items()
        )
        assert (seen["gate"]["received"], seen["gate"]["balanced"]) == (0, True)
        first = (await running.http.get("/api/ingest/v1/ledgers?limit=1")).json()
        then = await running.http.get(
            "/api/ingest/v1/ledgers", params={"limit": 1, "cursor": first["next_cursor"]}
        )
        assert [one["name"] for one in first["items"] + then.json()["items"]] == ["dock", "gate"]
        assert then.json()["next_cursor"] is None

        since = (running.context.clock.now() - timedelta(hours=1)).isoformat()
        refused = await running.http.get("/api/ingest/v1/rejections", params={"since": since})
        (row,) = refused.json()["items"]
        assert (row["deployment"], row["reason"], row["count"]) == (
            str(dock.deployment), "malformed", 1,
        )  # fmt: skip
        bad = await running.http.get("/api/ingest/v1/rejections?since=2020-01-01T00:00:00Z")
        assert bad.status_code == 422
        for other in ("ledgers", "rejections"):
            answer = await running.stranger.get(f"/api/ingest/v1/{other}", params={"since": since})
            assert answer.json()["items"] == []
