"""The client against the platform as its users have it; the README's examples are run here."""

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightloop.demo.api import Api
from sightloop_sdk import (
    AsyncClient,
    Buffering,
    Client,
    Conflict,
    Deployment,
    Invalid,
    JobFailed,
    MissingScope,
    NotThere,
    Record,
    ReviewShapes,
    detections,
)
from sightloop_sdk.cli import main
from tests.component.deployer_world import onnx_model
from tests.sdk.stub import until
from tests.support.models import tiny_detector
from tests.support.platform import Platform, embedded

TOKEN = "the bootstrap token of the client's tests"
SDK = Path(__file__).parents[2] / "sdk"
LABELS = ("bolt", "nut")
ANSWER = detections([[4, 5, 20, 25]], [0.9], [1])

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with embedded(tmp_path_factory.mktemp("up"), TOKEN) as running:
        yield running


@pytest.fixture(scope="module")
def client(platform: Platform) -> Iterator[Client]:
    with Client(platform.url, TOKEN) as made:
        yield made


@pytest.fixture
def deployment(client: Client, platform: Platform, request: pytest.FixtureRequest) -> Deployment:
    """A deployment of this test's own."""
    api = Api(platform.url, TOKEN)
    try:
        made = tiny_detector(api, name=request.node.name[:150], labels=LABELS)
    finally:
        api.close()
    return client.deployment(made)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Path:
    """Where the README's reader is: two pictures, their annotations, the environment."""
    (platform.cameras / "line 3").mkdir(exist_ok=True)
    (platform.cameras / "line 3" / "1.png").write_bytes(picture(4))
    images = tmp_path / "images"
    images.mkdir()
    for number in (1, 2):
        (images / f"{number}.png").write_bytes(picture(number))
    (tmp_path / "belt-17.jpg").write_bytes(picture(3, kind="JPEG", size=(640, 480)))
    coco = {
        "images": [
            {"id": n, "file_name": f"{n}.png", "width": 64, "height": 48} for n in (1, 2)
        ],
        "categories": [{"id": 1, "name": "bolt"}, {"id": 2, "name": "nut"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 2, "bbox": [4, 5, 16, 20], "area": 320,
             "iscrowd": 0},
        ],
    }  # fmt: skip
    (tmp_path / "annotations.json").write_text(json.dumps(coco))
    (tmp_path / "best.onnx").write_bytes(onnx_model(["bolt", "nut"]))
    (tmp_path / "config.yaml").write_text("rate: 0.001")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTLOOP_URL", platform.url)
    monkeypatch.setenv("SIGHTLOOP_TOKEN", TOKEN)
    monkeypatch.setenv("SIGHTLOOP_SPOOL", str(tmp_path / "spool of the user"))
    return tmp_path


def picture(seed: int, *, kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def ledger(platform: Platform, deployment: Deployment) -> dict[str, Any]:
    with platform.client() as http:
        path = f"/api/ingest/v1/deployments/{deployment.id}/ledger"
        found: dict[str, Any] = http.get(path).raise_for_status().json()
        return found


def seen_by_review(deployment: Deployment, **counts: int) -> None:
    def there() -> bool:
        found = deployment.counts()
        return all(found[name] == count for name, count in counts.items())

    until(there, f"{counts} in review")


def test_each_form_of_a_picture_is_logged_as_what_it_is(
    platform: Platform, deployment: Deployment, folder: Path
) -> None:
    frame = np.random.default_rng(1).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    forms: list[Any] = [
        folder / "belt-17.jpg", str(folder / "images" / "1.png"), picture(9), frame,
        Image.fromarray(frame), None,
    ]  # fmt: skip
    ids = [
        deployment.monitor(form, 0.02, 48, 64, ANSWER, source="dock", tags=["t"]).id
        for form in forms
    ]
    seen_by_review(deployment, TO_REVIEW=5, without_picture=1)
    seen = {one.id: one for one in deployment.predictions()}
    assert set(seen) == set(ids)
    assert [seen[one].has_picture for one in ids] == [True] * 5 + [False]
    first = deployment.prediction(ids[0])
    assert (first.filename, first.source, first.tags) == ("belt-17.jpg", "dock", ["t"])
    assert first.champion.shapes.boxes == [(4, 5, 16, 20)]


def test_many_with_and_without_pictures_and_the_books_balance(
    platform: Platform, deployment: Deployment
) -> None:
    records = [Record(picture(n), 0.01, prediction=ANSWER) for n in range(10)]
    records += [Record(None, 0.01, 48, 64, prediction=ANSWER) for _ in range(490)]
    records += [Record(None, 0.01, 48, 64, prediction=detections([[0, 0, 1, 1]], [0.5], [7]))]
    records += [Record(b"\x89PNG\r\n\x1a\n" + bytes(60), 0.01, 9, 9, prediction=ANSWER)]
    bulk = deployment.monitor_many(records)
    assert len(bulk.accepted) == 500
    assert [one.index for one in bulk.rejected] == [500, 501]
    assert isinstance(bulk.rejected[0].error, Invalid)
    assert "labelmap of 2 labels" in str(bulk.rejected[0].error)
    until(lambda: ledger(platform, deployment)["stored"] == 500, "stored")


def test_a_shadows_answer_comes_later_and_only_once(client: Client, deployment: Deployment) -> None:
    version = deployment.info.champion.version
    logged = deployment.monitor(None, 0.01, 48, 64, ANSWER)
    deployment.log_shadow(logged.id, 0.02, ANSWER, model_version=version)
    with pytest.raises(Conflict, match="shadow"):
        deployment.log_shadow(logged.id, 0.02, ANSWER, model_version=version)


def test_the_platform_is_killed_and_every_buffered_prediction_is_there_once(
    platform: Platform, deployment: Deployment, tmp_path: Path
) -> None:
    up = platform.processes["up"]
    with deployment.buffered(Buffering(folder=tmp_path)) as monitor:
        sent = [monitor.monitor(picture(n), latency=0.01, prediction=ANSWER) for n in range(10)]
        monitor.flush(60)
        up.kill()
        sent += [monitor.monitor(picture(n), latency=0.01, prediction=ANSWER) for n in range(30)]
        until(lambda: monitor.report().trouble is not None, "it is noticed")
        up.start()
        up.wait_ready()
        report = monitor.flush(60)
    assert (report.accepted, report.lost, report.waiting) == (40, 0, 0)
    seen_by_review(deployment, TO_REVIEW=40)
    assert {one.id for one in deployment.predictions()} == set(sent)
    until(lambda: ledger(platform, deployment)["stored"] == 40, "stored")
    oldest_first = [one.id for one in deployment.predictions(order="asc")]
    assert oldest_first == sent


def test_filters_rows_and_reviews(deployment: Deployment) -> None:
    for number in range(6):
        answer = ANSWER if number % 2 else detections([[1, 1, 9, 9]] * 2, [0.9, 0.2], [0, 0])
        deployment.monitor(picture(number), 0.01, 48, 64, answer)
    seen_by_review(deployment, TO_REVIEW=6)
    nuts = [*deployment.predictions(label="nut", sort="name", order="asc")]
    assert len(nuts) == 3
    assert len(deployment.predictions(boxes_min=2, has_picture=True).to_rows()) == 3
    assert {one.id for one in deployment.predictions(query="boxes = 1")} == {n.id for n in nuts}
    row = deployment.predictions(label="bolt").to_rows()[0]
    assert (row["classes"], row["score_max"], row["status"]) == ([0, 0], 0.9, "TO_REVIEW")

    review = deployment.review(nuts[0])
    assert (review.shapes.labels, review.shapes.boxes) == (["nut"], [(4, 5, 16, 20)])
    with pytest.raises(Conflict, match=r"review"):
        deployment.review(nuts[0])
    other = ReviewShapes(labels=["bolt"], boxes=[(1, 1, 5, 5)])
    assert deployment.review(deployment.prediction(nuts[0].id), other).revision == 2
    empty = deployment.review(nuts[1], ReviewShapes(labels=[]), start="BLANK")
    assert empty.shapes.labels == []
    seen_by_review(deployment, TO_REVIEW=4, REVIEWED=2)
    deployment.delete(nuts[2].id)
    seen_by_review(deployment, TO_REVIEW=3, REVIEWED=2)
    refused = deployment.submit([nuts[0].id]).refused
    assert len(refused) <= 1


def test_a_low_score_is_not_accepted_as_ground_truth(deployment: Deployment) -> None:
    deployment.monitor(
        picture(1), 0.01, 48, 64, detections([[1, 1, 9, 9]] * 2, [0.9, 0.01], [0, 1])
    )
    seen_by_review(deployment, TO_REVIEW=1)
    (one,) = deployment.predictions()
    assert deployment.review(one).shapes.labels == ["bolt"]


def test_coco_goes_in_whole_or_not_at_all_and_comes_out_again(client: Client, folder: Path) -> None:
    client.datasets.create("round trip")
    client.datasets.create_version("round trip", "v1", task="OBJECT_DETECTION", labels=LABELS)
    settled = client.datasets.import_coco("round trip/v1", "annotations.json", "images")
    assert (settled.assets, settled.annotated, settled.settled) == (2, 2, True)
    written = client.datasets.export_coco("round trip/v1", folder / "out")
    coco = json.loads(written.read_text())
    assert [a["bbox"] for a in coco["annotations"]] == [[4, 5, 16, 20]]

    client.datasets.create_version("round trip", "v2", task="OBJECT_DETECTION", labels=LABELS)
    (folder / "images" / "2.png").unlink()
    with pytest.raises(JobFailed, match=r"2\.png"):
        client.datasets.import_coco("round trip/v2", "annotations.json", "images")
    assert client.datasets.version("round trip/v2").assets == 0
    with pytest.raises(NotThere, match="there is: 'v2', 'v1'"):
        client.datasets.version("round trip/v3")


def test_a_model_goes_up_and_what_it_has_not_is_said(client: Client, folder: Path) -> None:
    model = client.models.create("up and down", task="OBJECT_DETECTION")
    made = client.models.upload("up and down", None, labels=["a"], parameters={"seed": 1})
    assert (made.labels, made.parameters, made.number) == (["a"], {"seed": 1}, 1)
    assert [one.id for one in client.models.versions(model.id)] == [made.id]
    with pytest.raises(NotThere, match="no file 'model-latest'; it has: none"):
        client.models.download(made.id, folder)
    with pytest.raises(Invalid, match="model"):
        client.models.upload("up and down", folder / "belt-17.jpg")


def test_the_datalake_takes_pictures_and_says_what_it_refuses(client: Client, folder: Path) -> None:
    (folder / "images" / "sub").mkdir()
    (folder / "images" / "sub" / "broken.png").write_bytes(picture(5)[:60])
    done = client.data.upload_many(["images"], source="archive", tags=["x"])
    assert sorted(one.filename for one in done.data) == ["1.png", "2.png"]
    assert [path.name for path, _ in done.refused] == ["broken.png"]
    assert {one.source for one in done.data} == {"archive"}
    first = next(one for one in done.data if one.filename == "1.png")
    assert client.data.download(first.id, folder / "got.png").read_bytes() == picture(1)
    assert first.id in {one.id for one in client.data.list()}
    client.data.delete(first.id)
    with pytest.raises(NotThere):
        client.data.get(first.id)


def test_the_server_takes_what_lies_at_a_place_of_its_own(
    platform: Platform, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    (platform.cameras / "night").mkdir()
    (platform.cameras / "night" / "a.png").write_bytes(picture(71))
    (platform.cameras / "night" / "bad.png").write_bytes(b"none")
    assert [(one.name, one.kind) for one in client.data.places()] == [("cameras", "folder")]
    taken = client.data.register("cameras", "night", source="line 9", tags=["n"])
    assert (taken.state, taken.added, taken.failed) == ("SUCCEEDED", 1, 1)
    (wrong,) = client.data.registration_errors(taken)
    assert wrong.name == "night/bad.png"
    image = next(iter(client.data.list()))
    assert (image.filename, image.source, image.tags) == ("a.png", "line 9", ["n"])
    with pytest.raises(JobFailed, match="'day': it is not there"):
        client.data.register("cameras", "day")
    with pytest.raises(Invalid, match="place"):
        client.data.register("elsewhere", wait=False)
    assert taken.id in {one.id for one in client.data.registrations()}
    assert main(["--url", platform.url, "--token", TOKEN, "register", "cameras", "night"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["duplicates"] == 1
    assert told.err.startswith("night/bad.png: ")


async def test_the_async_client_reads_what_it_logs(
    platform: Platform, deployment: Deployment
) -> None:
    async with AsyncClient(platform.url, TOKEN) as client:
        belt = await client.deployment(deployment.info.name)
        logged = await belt.monitor(picture(1), latency=0.01, prediction=ANSWER)
        bulk = await belt.monitor_many([Record(None, 0.01, 48, 64, ANSWER)] * 3)
        seen_by_review(deployment, TO_REVIEW=1, without_picture=3)
        found = [one.id async for one in belt.predictions()]
        assert set(found) == {logged.id, *bulk.accepted}
        assert (await belt.prediction(logged.id)).has_picture
        assert (await client.me()).organization["id"] == platform.organization


def test_a_token_of_less_scope_says_which_it_needs(
    platform: Platform, deployment: Deployment
) -> None:
    with platform.client() as http:
        made = http.post("/api/gateway/v1/tokens", json={"name": "v", "role": "viewer"})
        viewer = made.raise_for_status().json()["token"]
    with Client(platform.url, viewer) as client:
        with pytest.raises(MissingScope, match="predictions:write"):
            client.deployment(deployment.id).monitor(None, 0.01, 9, 9, ANSWER)


def test_a_training_of_ones_own_logs_keeps_and_publishes(client: Client, folder: Path) -> None:
    project = client.experiments.create_project("of a script")
    model = client.models.create("of a script", task="OBJECT_DETECTION")
    with client.experiments.begin(project, "one", labels=["bolt", "nut"]) as training:
        training.log({"loss": np.float32(0.5), "rates": {"head": 1, "body": 2}}, step=3)
        training.log("loss", [0.25, float("nan")], step=4)
        training.log("map", 0.5)
        training.log("labels", np.array([[1, 0], [0, 1]]), kind="TABLE")
        again = client.experiments.open(training.id)
        again.write("from another process")
        assert again.store("config", folder / "config.yaml").filename == "config.yaml"
        with pytest.raises(Invalid, match="is no number"):
            training.log("loss", "high")
        with pytest.raises(NotThere):
            training.store("config", folder / "none")
        version = training.publish(model, folder / "best.onnx")
        assert training.publish(model).id == version.id
    assert (version.framework, version.labels) == ("ONNX", ["bolt", "nut"])
    assert version.experiment == training.id
    ended = client.experiments.wait(training.id)
    assert (ended.status, ended.external, ended.metrics["map"]) == ("SUCCESS", True, 0.5)
    logs = client.experiments.logs(training.id)
    assert logs["loss"].data == {"steps": [3, 4, 5], "values": [0.5, 0.25, None]}
    assert logs["rates"].data["body"] == {"steps": [3], "values": [2]}
    assert logs["labels"].data == [[1, 0], [0, 1]]
    assert [line.text for line in client.experiments.follow(training.id)] == [
        "from another process"
    ]
    with pytest.raises(Conflict, match="has ended"):
        training.log("loss", 1)


def test_a_training_that_breaks_says_with_what(client: Client) -> None:
    project = client.experiments.create_project("of a broken script")
    with pytest.raises(RuntimeError, match="out of memory"):
        with client.experiments.begin(project, "one") as training:
            raise RuntimeError("out of memory")
    failed = client.experiments.get(training.id)
    assert (failed.status, failed.error) == ("FAILED", "RuntimeError: out of memory")
    with pytest.raises(KeyboardInterrupt):
        with client.experiments.begin(project, "two") as training:
            raise KeyboardInterrupt
    assert client.experiments.get(training.id).status == "CANCELED"


def test_an_experiment_that_cannot_be_says_why(client: Client) -> None:
    project = client.experiments.create_project("of the client")
    with pytest.raises(Invalid, match="there is no dataset version"):
        client.experiments.start(project.id, "one", {"train": str(project.id)})
    assert [*client.experiments.list(project="of the client")] == []


def test_the_readmes_examples_run(platform: Platform, folder: Path) -> None:
    readme = (SDK / "README.md").read_text()
    api = Api(platform.url, TOKEN)
    try:
        tiny_detector(api, name="belt", labels=LABELS)
    finally:
        api.close()
    frame = np.zeros((48, 64, 3), np.uint8)
    names: dict[str, Any] = {
        "camera": [frame] * 3,
        "detector": lambda _: (ANSWER, 0.02),
    }
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) >= 8
    with contextlib.redirect_stdout(io.StringIO()) as said:
        for number, block in enumerate(blocks):
            exec(compile(block, f"README.md, example {number + 1}", "exec"), names)
            if number == 1:
                seen_by_review(names["deployment"], TO_REVIEW=4)
    assert "1 0 {}" in said.getvalue()
    assert "100 []" in said.getvalue()
    assert "screw. It has: bolt, nut" in said.getvalue()

    commands = re.findall(r"^\$ sightloop-client (.*)$", readme, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands[:-1]:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            assert main(shlex.split(command)) == 0, command
        documents = [json.loads(line) for line in said.getvalue().splitlines()]
        assert documents, command
    assert json.loads((folder / "exported" / "annotations.json").read_text())["images"]
    watched(shlex.split(commands[-1]), lambda: names["deployment"].monitor(
        picture(1), latency=0.01, prediction=ANSWER))  # fmt: skip


def watched(command: list[str], cause: Callable[[], Any]) -> None:
    """The command prints a change, once something has changed."""
    environment = os.environ | {"PYTHONPATH": str(SDK)}
    process = subprocess.Popen(
        [sys.executable, "-m", "sightloop_sdk", *command],
        env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    try:
        line, deadline = "", time.monotonic() + 60
        while not line.endswith("\n"):
            assert time.monotonic() < deadline, "nothing was printed"
            cause()
            time.sleep(0.2)
            line += process.stdout.readline() or ""
        assert json.loads(line)["kind"]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_a_wrong_command_says_what_to_do(
    platform: Platform, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "no such"]) == 1
    assert "there is no deployment 'no such'" in capsys.readouterr().err
    assert main(["--token", "wrong", "models", "list"]) == 1
    assert "SIGHTLOOP_TOKEN" in capsys.readouterr().err


def test_three_lines_in_an_environment_that_has_only_the_wheel(
    platform: Platform, deployment: Deployment, tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=SDK, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    home = tmp_path / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    (site,) = home.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
        assert "sightloop_sdk/py.typed" in packed.namelist()
    ours = Path(pytest.__file__).parents[1]
    for needed in ("httpx", "msgspec", "httpcore", "h11", "anyio", "idna", "certifi", "sniffio"):
        if (ours / needed).exists():
            (site / needed).symlink_to(ours / needed)
    (site / "typing_extensions.py").symlink_to(ours / "typing_extensions.py")
    program = (
        "from sightloop_sdk import Client, detections\n"
        f"belt = Client({platform.url!r}, {TOKEN!r}).deployment({deployment.info.name!r})\n"
        "belt.monitor('a.png', latency=0.02, prediction=detections([[1, 2, 3, 4]], [0.5], [0]))\n"
    )
    (tmp_path / "a.png").write_bytes(picture(1))
    ran = subprocess.run(
        [str(home / "bin" / "python"), "-c", program], cwd=tmp_path, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    seen_by_review(deployment, TO_REVIEW=1)
