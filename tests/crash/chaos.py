"""A run: load and faults by a plan, then quiet, then the audit."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx

from sightloop.demo.api import Api
from sightloop.embedded.postgres import EmbeddedPostgres
from sightloop.keys import Keys
from tests.crash import audit, people
from tests.crash.load import CALL_SECONDS, Client, send_batches, send_shadows, send_single
from tests.crash.reading import Reader, Unanswered, dead_letters
from tests.crash.schedule import Mode, Plan
from tests.crash.stage import Parts, Stage
from tests.crash.told import Told
from tests.crash.vitals import Vitals
from tests.crash.world import REVIEW, make_world
from tests.support import parts
from tests.support.platform import Platform, embedded, split

TOKEN = "the bootstrap token of the crash tests"
_QUIET_SECONDS = 300.0
_SENDERS = 3
_NONE = "no dead letters"


@dataclass(slots=True)
class Report:
    """What came of a run. Nothing in `findings`: nothing was lost, nothing happened twice."""

    plan: Plan
    findings: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        """For people: what was sent and answered, and what was found."""
        verdict = [f"FOUND  {what}" for what in self.findings] or ["residue 0, doubles 0"]
        return "\n".join([*self.lines, "", *verdict])


@contextlib.contextmanager
def staged(mode: Mode, folder: Path, keys: Keys) -> Iterator[tuple[Platform, Parts | None]]:
    """A fresh platform whose parts can be killed; skips the test where they are not to be had."""
    if mode is Mode.EMBEDDED:
        with embedded(folder, TOKEN) as platform:
            yield platform, None
        return
    with (
        parts.running_kafka() as broker,
        parts.running_s3() as s3,
        parts.scratch_folder("pg") as data,
    ):
        # Not synced to the disk, as no power is cut here; but a commit waits until it is written,
        # or it would not outlive a kill and nothing here would prove anything.
        postgres = EmbeddedPostgres(data, durable=False)
        parts.run_now(postgres.start())
        parts.run_now(_wait_for_commits(postgres))
        try:
            servers = broker.bootstrap_servers
            with split(
                folder, TOKEN, keys=keys, postgres=postgres, kafka=servers, s3=s3
            ) as platform:
                yield platform, Parts(broker=broker, postgres=postgres, s3=s3)
        finally:
            parts.run_now(postgres.stop())


async def _wait_for_commits(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(**postgres.connect_kwargs("postgres"), timeout=30)
    await connection.execute("ALTER ROLE CURRENT_USER SET synchronous_commit = on")
    await connection.close()


async def play(
    platform: Platform, real: Parts | None, plan: Plan, *, say: Callable[[str], None]
) -> Report:
    """Run a plan on a fresh platform; `say` is told the plan, and what happens as it happens."""
    for line in plan.lines():
        say(line)
    api = Api(platform.url, TOKEN)
    try:
        world = await asyncio.to_thread(make_world, api)
    finally:
        api.close()
    told = Told()
    stage, vitals = Stage(platform, real, told, say=say), Vitals()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(
        base_url=platform.url, headers=headers, timeout=CALL_SECONDS, limits=limits
    ) as http:
        ingest = platform.processes.get("ingest", platform.processes.get("up"))
        assert ingest is not None
        client = Client(
            http=http,
            plan=plan,
            told=told,
            world=world,
            addresses=(platform.url, ingest.address),
        )
        watching = [
            asyncio.create_task(stage.keep()),
            asyncio.create_task(vitals.record(stage.running)),
        ]
        try:
            report = await _play(client, stage, platform)
        finally:
            for task in watching:
                task.cancel()
            outcomes = await asyncio.gather(*watching, return_exceptions=True)
    report.findings += [
        f"the run itself failed: {outcome!r}"
        for outcome in outcomes
        if not isinstance(outcome, asyncio.CancelledError)
    ]
    report.lines += vitals.lines()
    if not plan.faults:
        report.findings += vitals.growing()
    return report


async def _play(client: Client, stage: Stage, platform: Platform) -> Report:
    told = client.told
    async with asyncio.TaskGroup() as group:
        group.create_task(_conduct(client, stage))
        for number in range(_SENDERS):
            group.create_task(send_single(client, f"sender {number}"))
        group.create_task(send_batches(client, "batches"))
        group.create_task(send_shadows(client, "shadows"))
        group.create_task(people.review(client, "reviewer"))
        group.create_task(people.submit(client, "submitter"))
    over = time.monotonic()
    await stage.all_ready()
    report = Report(client.plan)
    reader = Reader(client.http)
    await _submit_the_rest(client, report)
    try:
        took, moving = await audit.quiet(client, reader, within=_QUIET_SECONDS)
        report.findings += [f"not quiet after {took:.0f} s: {what}" for what in moving]
        report.lines.append(
            f"quiet {time.monotonic() - over:.0f} s after load and faults had ended"
        )
        report.findings += await audit.audit(client, reader)
        report.findings += await audit.knock(client, reader)
    except (Unanswered, httpx.HTTPError) as error:
        report.findings.append(f"the auditor was not answered: {error!r}")
    letters = await dead_letters(platform.bus_url)
    if letters != _NONE:
        report.findings.append(f"dead letters: {letters}")
    report.findings += told.surprises
    report.lines += ["", *_summary(told), "", *_starts(stage), ""]
    return report


async def _conduct(client: Client, stage: Stage) -> None:
    """Everything that goes wrong; the load lasts as long as the plan says, and until it is over."""
    await stage.perform(client.plan)
    await asyncio.sleep(max(client.plan.seconds - client.elapsed, 0))
    client.over = True


async def _submit_the_rest(client: Client, report: Report) -> None:
    """Submit all that is reviewed, so that each review has its annotation in the end."""
    path = f"{REVIEW}/deployments/{client.world.manual}/submissions"
    for _ in range(60):
        answer = await client.call("submit", "POST", path, json={"all_reviewed": True})
        if answer is not None and answer.is_success:
            return
        await asyncio.sleep(1)
    report.findings.append("the last submission was not answered")


def _summary(told: Told) -> Iterator[str]:
    acknowledged = sum(1 for one in told.sent.values() if one.acknowledged)
    pictured = sum(1 for one in told.sent.values() if one.picture)
    saved = sum(len(one.saved) for one in told.reviewed.values())
    yield (
        f"{len(told.sent)} predictions sent {sum(one.sends for one in told.sent.values())} times, "
        f"{acknowledged} acknowledged, {pictured} with a picture; "
        f"{sum(told.invalid.values())} invalid; {saved} reviews"
    )
    yield ", ".join(f"{what}: {count}" for what, count in sorted(told.answers.items()))


def _starts(stage: Stage) -> Iterator[str]:
    for name, member in stage.members.items():
        if member.starts:
            times = ", ".join(f"{seconds:.1f}" for seconds in member.starts)
            yield f"{name}: seconds from start to ready: {times}"
