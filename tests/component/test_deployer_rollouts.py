"""Deployments and roll-outs: roles, history, delivery of retrained models."""

from uuid import uuid4

from libs.schemas.events import (
    DeploymentChanged,
    ExperimentStatus,
    JobChanged,
    JobState,
    RolloutFinished,
    ServingLoaded,
    State,
)
from tests.component.deployer_world import a_world, finished
from tests.support.services import Run
from tests.support.waiting import eventually


async def test_a_deployment_is_told_in_full_with_rising_revisions(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        await world.call("PATCH", f"/deployments/{world.deployment}", json={"sample_rate": 0.1})
        told = await running.wait_for(DeploymentChanged, 3)
        assert [event.revision for event in told] == [1, 2, 3]
        assert told[0].shadow is None
        assert told[1].shadow is not None
        assert told[1].shadow.onnx is not None
        assert told[2].sample_rate == 0.1
        assert told[2].champion.threshold == 0.5


async def test_promote_and_roll_back_restore_model_and_threshold(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        path = f"/deployments/{world.deployment}"
        await world.call("PATCH", path, json={"threshold": 0.7})
        promoted = await world.call("POST", f"{path}/promote")
        assert promoted["champion"]["version"] == world.candidate
        assert promoted["shadow"] is None
        assert promoted["threshold"] == 0.5
        back = await world.call("POST", f"{path}/rollback")
        assert back["champion"]["version"] == world.champion
        assert back["threshold"] == 0.7
        problem = await world.call("POST", f"{path}/rollback", 409)
        assert problem["type"] == "/problems/no-former-champion"
        history = (await world.call("GET", f"{path}/rollouts"))["items"]
        assert [r["action"] for r in history] == ["ROLLBACK", "PROMOTE", "DEPLOY_SHADOW", "DEPLOY"]
        assert history[1]["actor"] == "tester"
        assert [e.action for e in await running.wait_for(RolloutFinished, 4)] == [
            "DEPLOY", "DEPLOY_SHADOW", "PROMOTE", "ROLLBACK",
        ]  # fmt: skip


async def test_what_needs_a_shadow_says_so_without_one(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        path = f"/deployments/{world.deployment}"
        for method, tail in (("POST", "/promote"), ("DELETE", "/shadow")):
            problem = await world.call(method, f"{path}{tail}", 409)
            assert problem["type"] == "/problems/no-shadow"
        problem = await world.call("GET", f"{path}/verdict", 404)
        assert problem["type"] == "/problems/no-shadow"


async def test_a_shadow_must_know_the_champions_labels(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        other = await world.upload(["car", "cat"])
        body = {"model_version": other}
        problem = await world.call("PUT", f"/deployments/{world.deployment}/shadow", 422, json=body)
        assert "'dog'" in problem["detail"]
        body = {"model_version": world.champion}
        problem = await world.call("PUT", f"/deployments/{world.deployment}/shadow", 409, json=body)
        assert problem["type"] == "/problems/already-champion"


async def test_a_deleted_deployment_is_told_and_its_name_is_free(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        await world.call("DELETE", f"/deployments/{world.deployment}", 204)
        await world.call("GET", f"/deployments/{world.deployment}", 404)
        told = await running.wait_for(DeploymentChanged, 3)
        assert told[2].state is State.DELETED
        body = {"name": "dock", "model_version": world.champion}
        await world.call("POST", "/deployments", 201, json=body)
        await world.call("POST", "/deployments", 409, json=body)
        assert len((await world.call("GET", "/deployments"))["items"]) == 1


async def test_a_retrained_model_told_twice_becomes_one_shadow(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        await world.deliver("DEPLOY_SHADOW")
        done = await finished(world, ["car", "dog"])
        await running.publish(done)
        await running.publish(done)
        seen = await eventually(world.show, lambda d: d["shadow"] is not None)
        assert seen["shadow"]["number"] == 3
        await world.call("DELETE", f"/deployments/{world.deployment}/shadow")
        await running.publish(done)
        marker = await finished(world, ["car", "dog"], status=ExperimentStatus.SUCCESS)
        await world.deliver("DEPLOY_MANUAL")
        await running.publish(marker)
        versions = f"/models/{world.model}/versions"
        await eventually(
            lambda: world.call("GET", versions), lambda found: len(found["items"]) == 4
        )
        assert (await world.show())["shadow"] is None


async def test_a_retrained_model_replaces_the_champion_where_the_policy_says_so(
    service_runner: Run,
) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        await world.deliver("DEPLOY_CHAMPION")
        await running.publish(await finished(world, ["car", "dog"]))
        seen = await eventually(world.show, lambda d: d["champion"]["number"] == 3)
        assert seen["can_roll_back"]
        back = await world.call("POST", f"/deployments/{world.deployment}/rollback")
        assert back["champion"]["version"] == world.champion


async def test_a_retrained_model_that_lost_labels_is_registered_not_deployed(
    service_runner: Run,
) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        await world.deliver("AUTO_PROMOTE")
        await running.publish(await finished(world, ["car"]))

        async def failed() -> list[JobChanged]:
            return [j for j in running.emitted(JobChanged) if j.state is JobState.FAILED]

        job = (await eventually(failed))[0]
        assert job.error is not None
        assert "registered, but not deployed" in job.error
        assert "'dog'" in job.error
        assert (await world.show())["shadow"] is None


async def test_serving_that_cannot_load_a_model_is_shown_until_it_can(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running)
        deployed = (await running.wait_for(DeploymentChanged))[0]
        loaded = ServingLoaded(
            deployment=deployed.deployment,
            version=deployed.champion.version,
            role="champion",
            error="no memory",
        )
        await running.publish(loaded)
        await eventually(world.show, lambda d: d["champion"]["error"] == "no memory")
        other = ServingLoaded(
            deployment=deployed.deployment, version=deployed.champion.version, role="champion"
        )
        await running.publish(other)
        await eventually(world.show, lambda d: d["champion"]["error"] is None)


async def test_a_stranger_can_do_nothing_with_a_deployment(service_runner: Run) -> None:
    async with service_runner("deployer") as running:
        world = await a_world(running, shadow=True)
        path = f"/api/deployer/v1/deployments/{world.deployment}"
        assert (await running.stranger.post(f"{path}/promote")).status_code == 404
        assert (await running.stranger.get(f"{path}/verdict")).status_code == 404
        assert (await running.stranger.get(f"{path}/rollouts")).status_code == 404
        body = {"name": "x", "model_version": world.champion}
        answer = await running.stranger.post("/api/deployer/v1/deployments", json=body)
        assert answer.status_code == 404
        assert (await world.show())["shadow"]["version"] == world.candidate
        await world.call("GET", f"/deployments/{uuid4()}", 404)
