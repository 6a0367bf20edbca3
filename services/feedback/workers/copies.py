"""A version made of another's assets: those that a query wants, with their annotations."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping

from libs.query.fields import checked
from libs.query.reading import parse
from libs.query.tree import Expression
from libs.schemas.values import Picture
from libs.store.jobs import JobFailed
from libs.store.session import Cause
from libs.store.workers import JobRun
from services.feedback.actions.settling import settle
from services.feedback.core import asking
from services.feedback.errors import VersionFrozen, VersionUnknown
from services.feedback.parts import Feedback
from services.feedback.store import assets, datasets
from services.feedback.store.assets import NewAsset, Origin

KIND = "copy"
_AT_ONCE = 5000


async def copy_version(parts: Feedback, run: JobRun) -> None:
    """The job: all of what is wanted, or nothing. Pictures are shared, not copied."""
    payload, organization = run.job.payload, run.job.organization
    base, version = UUID(payload["base"]), UUID(payload["version"])
    async with parts.database.begin(Cause(actor=payload["actor"])) as tx:
        await assets.keep_pictures(tx, organization)
        try:
            source = await datasets.find_version(tx, organization, base)
            await datasets.open_version(tx, organization, version)
        except (VersionUnknown, VersionFrozen) as error:
            raise JobFailed(str(error)) from error
        wanted = _wanted(payload["q"], source)
        total = await assets.count_assets(tx, organization, base, wanted)
        done, before = 0, None
        while True:
            run.check()
            rows = await assets.list_assets(
                tx, organization, base, before=before, limit=_AT_ONCE, wanted=wanted
            )
            some = rows[:_AT_ONCE]
            new = await asyncio.to_thread(_copies, some)
            await assets.put_assets(tx, organization, version, new)
            done += len(some)
            await run.progress(min(done, max(total - 1, 0)), total, "assets")
            if len(rows) <= _AT_ONCE:
                break
            before = some[-1]["created"], some[-1]["id"]
        await datasets.touch(tx, organization, version)
    await settle(parts, organization, version)
    await run.progress(done, done, f"{done} assets copied")


def _wanted(query: str, source: RowMapping) -> Expression | None:
    tree = parse(query)
    return None if tree is None else checked(tree, asking.fields(source["labels"]))


def _copies(rows: Sequence[RowMapping]) -> list[NewAsset]:
    return [_copied(row) for row in rows]


def _copied(row: RowMapping) -> NewAsset:
    origin = None
    if row["prediction"] is not None:
        origin = Origin(
            deployment=row["deployment"],
            prediction=row["prediction"],
            revision=row["review_revision"],
            reviewer=row["reviewer"],
        )
    return NewAsset(
        data=row["data"],
        filename=row["filename"],
        picture=Picture(
            key=row["picture_key"],
            sha256=row["picture_sha256"],
            size=row["picture_size"],
            content_type=row["content_type"],
        ),
        width=row["width"],
        height=row["height"],
        annotation=assets.annotation_of(row),
        block=row["block"],
        event_time=row["event_time"],
        origin=origin,
    )
