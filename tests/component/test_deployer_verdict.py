"""Champion against shadow on a running deployer: what counts, what is told, what is done."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.schemas.events import (
    DatasetVersionChanged,
    DeploymentChanged,
    DrawClosed,
    PredictionDeleted,
    PredictionSkipped,
    State,
    VerdictReached,
)
from libs.schemas.manifest import ManifestAsset, write_manifest
from libs.schemas.values import Start, TaskType
from services.deployer import workers
from services.deployer.parts import Deployer
from tests.component.deployer_world import World, a_world
from tests.support.services import Run
from tests.support.waiting import eventually


async def test_a_better_shadow_is_called_better_once(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        empty = await world.verdict()
        assert empty["reviews"] == 0
        assert empty["e_better"] == 1.0
        assert (empty["low"], empty["high"]) == (-1.0, 1.0)
        images = await world.draw(30)
        await world.review(images[:10])
        early = await world.verdict_with(10)
        assert early["reached"] is None
        assert early["mean_difference"] == 1.0
        await world.review(images[10:])
        late = await world.verdict_with(30)
        assert late["reached"] == "BETTER"
        assert late["sentence"].startswith("After 30 reviews v2 is better by 1.00 [")
        assert late["looks"][-1]["n"] == 30
        told = await running.wait_for(VerdictReached)
        assert len(told) == 1
        assert told[0].verdict == "BETTER"
        assert told[0].e_value >= 20
        assert (await world.show())["champion"]["version"] == world.champion


async def test_auto_promote_acts_once_and_can_be_rolled_back(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        await world.deliver("AUTO_PROMOTE", minimum=5)
        await world.shadow()
        images = await world.draw(12)
        await world.review(images[:8])
        promoted = await eventually(
            world.show, lambda d: d["champion"]["version"] == world.candidate
        )
        assert promoted["shadow"] is None
        path = f"/deployments/{world.deployment}"
        newest = (await world.call("GET", f"{path}/rollouts"))["items"][0]
        assert newest["action"] == "PROMOTE"
        assert newest["actor"] == "AUTO_PROMOTE"
        assert "v2 is better by" in newest["reason"]
        await world.call("GET", f"{path}/verdict", 404)
        proof = await world.call("GET", f"{path}/verdict?of={world.candidate}")
        assert proof["sentence"] == newest["reason"]
        assert proof["reached"] == "BETTER"
        await world.call("POST", f"{path}/rollback")
        await world.review(images[8:])
        await world.review(images[:1], revision=2)
        await running.wait_for(DeploymentChanged, 5)
        history = (await world.call("GET", f"{path}/rollouts"))["items"]
        assert [r["action"] for r in history].count("PROMOTE") == 1
        assert (await world.show())["champion"]["version"] == world.champion
        assert len(await running.wait_for(VerdictReached)) == 1


async def test_corrections_that_sink_the_verdict_offer_the_roll_back(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        await world.deliver("AUTO_PROMOTE", minimum=5)
        await world.shadow()
        images = await world.draw(8)
        await world.review(images)
        promoted = await eventually(
            world.show, lambda d: d["champion"]["version"] == world.candidate
        )
        assert promoted["warnings"] == []
        await world.review(images, better=False, revision=2)
        warned = await eventually(world.show, lambda d: d["warnings"])
        assert "Roll back?" in warned["warnings"][0]
        await world.call("POST", f"/deployments/{world.deployment}/rollback")
        assert (await world.show())["warnings"] == []


async def test_only_images_up_to_the_first_unanswered_count(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        images = await world.draw(6)
        await world.review([images[0], images[1], *images[3:]])
        seen = await eventually(world.verdict, lambda v: v["waiting"]["unanswered"] == 1)
        assert seen["reviews"] == 2
        await running.publish(
            PredictionSkipped(
                deployment=UUID(world.deployment), prediction=images[2], draw=None, pi=None,
                reason="blurred",
            )
        )  # fmt: skip
        after = await world.verdict_with(5)
        assert after["reviews"] == 5
        assert after["waiting"] == {"unanswered": 0, "skipped": 1}


async def test_images_never_served_are_not_waited_for(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        first = await world.draw(4)
        await world.review(first[:2])
        await world.verdict_with(2)
        second = await world.draw(2)
        await world.review(second)
        async with running.parts(Deployer).database.read() as read:
            from sqlalchemy import select

            from services.deployer.tables import draw

            number_one = await read.scalar(select(draw.c.id).where(draw.c.number == 1))
        closed = DrawClosed(deployment=UUID(world.deployment), draw=number_one, served=2, chosen=4)
        await running.publish(closed)
        assert (await world.verdict_with(4))["reviews"] == 4


async def test_what_is_picked_by_hand_or_begun_by_name_never_counts(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        await world.review([uuid4() for _ in range(5)])
        images = await world.draw(4)
        await world.review(images[:1], start=Start.CHAMPION)
        await world.review(images[1:2], start=Start.SHADOW)
        await world.review(images[2:3], start=Start.COIN_CHAMPION)
        await world.review(images[3:], start=Start.COIN_SHADOW)
        seen = await world.verdict_with(2)
        assert seen["reviews"] == 2
        assert seen["waiting"]["skipped"] == 2


async def test_an_answer_of_no_shadow_or_of_another_one_does_not_count(
    service_runner: Run,
) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        images = await world.draw(4)
        before = datetime.now(UTC) - timedelta(hours=1)
        other = world.logged(images[2], better=True).champion
        await world.review(images[:1], shadow=None)
        await world.review(images[1:2], shadow=None, receive_time=before)
        await world.review(images[2:3], shadow=other)
        await world.review(images[3:])
        seen = await world.verdict_with(1)
        assert seen["reviews"] == 1
        assert seen["waiting"]["skipped"] == 1
        await world.review(images[:1])
        assert (await world.verdict_with(2))["waiting"]["skipped"] == 0


async def test_a_correction_replaces_its_factor_and_a_deletion_takes_it_away(
    service_runner: Run,
) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        images = await world.draw(4)
        await world.review(images)
        assert (await world.verdict_with(4))["mean_difference"] == 1.0
        await world.review(images[:1], better=False, revision=2)
        await world.review(images[:1], better=True, revision=1)
        seen = await eventually(world.verdict, lambda v: v["mean_difference"] == 0.5)
        assert seen["reviews"] == 4
        await running.publish(
            PredictionDeleted(
                logged=world.logged(images[0], better=False), review=None, reason="by hand"
            )
        )
        seen = await eventually(world.verdict, lambda v: v["reviews"] == 3)
        assert seen["mean_difference"] == 1.0
        assert seen["waiting"]["skipped"] == 1
        assert [look["n"] for look in seen["looks"]][-1] == 3


async def test_a_new_threshold_or_candidate_begins_at_one(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        await world.review(await world.draw(5))
        await world.verdict_with(5)
        path = f"/deployments/{world.deployment}"
        await world.call("PATCH", path, json={"threshold": 0.2})
        anew = await world.verdict()
        assert (anew["reviews"], anew["e_better"], anew["looks"]) == (0, 1.0, [])
        await world.review(await world.draw(3))
        assert (await world.verdict_with(3))["reviews"] == 3
        await world.shadow(await world.upload())
        assert (await world.verdict())["reviews"] == 0


async def test_a_draw_with_a_smaller_uniform_share_begins_at_one(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        await world.review(await world.draw(5))
        await world.verdict_with(5)
        await world.review(await world.draw(3, uniform=0.5))
        seen = await eventually(world.verdict, lambda v: v["reviews"] == 3)
        assert seen["uniform"] == 0.5


async def test_images_of_one_burst_are_one_step_once_it_is_over(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        block = "metadata.truck"
        set_to = await world.deliver("DEPLOY_SHADOW", block=block)
        assert set_to["verdict"]["block"] == block
        await world.shadow()
        first = await world.draw(4)
        await world.review(first[:3], metadata={"truck": 1})
        await world.review(first[3:], metadata={"truck": 2}, better=False)
        waiting = await world.verdict_with(4)
        assert (waiting["reviews"], waiting["mean_difference"]) == (4, 0.0)
        await world.review(await world.draw(1), metadata={"truck": 3})
        closed = await world.verdict_with(5)
        assert closed["mean_difference"] == 0.0
        assert closed["e_better"] != waiting["e_better"]


async def test_the_verdict_policy_is_locked_by_the_first_look(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        await world.deliver("DEPLOY_SHADOW", alpha=0.01)
        assert (await world.verdict())["alpha"] == 0.01
        await world.review(await world.draw(2))
        await world.verdict_with(2)
        body = {"active": True, "policy": "DEPLOY_SHADOW", "verdict": {"alpha": 0.2}}
        path = f"/deployments/{world.deployment}"
        problem = await world.call("PUT", f"{path}/delivery", 409, json=body)
        assert problem["type"] == "/problems/verdict-policy-locked"
        await world.deliver("AUTO_PROMOTE", alpha=0.01)
        seen = await world.verdict()
        assert seen["action"] == "notify"
        assert any("fixed before the first look" in warning for warning in seen["warnings"])
        await world.call("DELETE", f"{path}/shadow")
        await world.deliver("DEPLOY_SHADOW", alpha=0.2)


@pytest.mark.parametrize(
    ("verdict", "where"),
    [
        ({"alpha": 0}, "verdict.alpha"),
        ({"minimum": 9, "maximum": 3}, "verdict.maximum"),
        ({"block": "colour"}, "verdict.block"),
        ({"block": "metadata.a metadata.b"}, "verdict.block"),
    ],
)
async def test_a_verdict_policy_that_means_nothing_is_refused(
    service_runner: Run, verdict: dict[str, object], where: str
) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        body = {"active": True, "policy": "AUTO_PROMOTE", "verdict": verdict}
        path = f"/deployments/{world.deployment}/delivery"
        problem = await world.call("PUT", path, 422, json=body)
        assert [error["where"] for error in problem["errors"]] == [where]


async def test_images_seen_in_training_and_their_bursts_never_count(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        seen_in_training = uuid4()
        picture = world.logged(seen_in_training, better=True).picture
        assert picture is not None
        await _dataset(world, picture.sha256)
        dataset = running.emitted(DatasetVersionChanged) or await running.wait_for(
            DatasetVersionChanged
        )
        trained = await world.upload(
            trained_on=[{"alias": "train", "dataset_version": str(dataset[0].dataset_version)}]
        )
        world.candidate = trained
        await world.shadow(trained)
        images = await world.draw(5)
        await world.review(images[:2])
        await world.review(images[2:3], picture=picture)
        await world.review(images[3:])
        seen = await world.verdict_with(4)
        assert seen["reviews"] == 4
        assert seen["waiting"] == {"unanswered": 0, "skipped": 0}
        assert any("v1 saw in training is not known" in warning for warning in seen["warnings"])


async def test_training_images_that_cannot_be_read_hold_the_promotion(
    service_runner: Run,
) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        await world.deliver("AUTO_PROMOTE", minimum=5)
        dataset = uuid4()
        await running.publish(_settled(dataset, "feedback/gone"))
        world.candidate = await world.upload(
            trained_on=[{"alias": "train", "dataset_version": str(dataset)}]
        )
        await world.shadow()
        await world.review(await world.draw(10))
        seen = await world.verdict_with(10)
        assert seen["reached"] == "BETTER"
        assert any("could not be read" in warning for warning in seen["warnings"])
        assert (await world.show())["champion"]["version"] == world.champion


async def test_skipped_images_that_could_undo_the_verdict_make_auto_promote_wait(
    service_runner: Run,
) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        await world.deliver("AUTO_PROMOTE", minimum=5)
        await world.shadow()
        images = await world.draw(20)
        for image in images[:6]:
            await running.publish(
                PredictionSkipped(
                    deployment=UUID(world.deployment), prediction=image, draw=None, pi=None,
                    reason="blurred",
                )
            )  # fmt: skip
        await world.review(images[6:13])
        seen = await world.verdict_with(7)
        assert seen["reached"] == "BETTER"
        assert any("left out" in warning for warning in seen["warnings"])
        assert (await world.show())["champion"]["version"] == world.champion
        await world.review(images[:6])
        await eventually(world.show, lambda d: d["champion"]["version"] == world.candidate)


async def test_time_alone_leaves_out_what_nobody_answered(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        images = await world.draw(3)
        await world.review(images[1:])
        parts: Deployer = running.parts(Deployer)
        before = await eventually(world.verdict, lambda v: v["waiting"]["unanswered"] == 1)
        assert before["reviews"] == 0
        async with parts.database.begin() as tx:
            from sqlalchemy import update

            from services.deployer.tables import draw, trial

            long_ago = datetime.now(UTC) - timedelta(days=7, seconds=1)
            await tx.execute(update(draw).values(opened=long_ago))
            await tx.execute(update(trial).values(since=long_ago - timedelta(seconds=1)))
        await workers.look_once(parts)
        after = await world.verdict()
        assert after["reviews"] == 2
        assert after["waiting"]["skipped"] == 1


async def _dataset(world: World, sha256: str) -> None:
    dataset = uuid4()
    asset = ManifestAsset(data=uuid4(), filename="a", picture="p", sha256=sha256, width=1, height=1)
    _, content = write_manifest(
        dataset, [asset], type=TaskType.OBJECT_DETECTION, labels=["car", "dog"]
    )
    key = f"feedback/manifests/{dataset}"
    await world.running.context.blobs.put(key, content, content_type="application/gzip")
    await world.running.publish(_settled(dataset, key))


def _settled(dataset: UUID, manifest: str) -> DatasetVersionChanged:
    return DatasetVersionChanged(
        dataset_version=dataset, dataset=uuid4(), revision=1, name="d", version="one",
        type=TaskType.OBJECT_DETECTION, state=State.ACTIVE, labels=["car", "dog"],
        digest="0" * 64, manifest=manifest,
    )  # fmt: skip
