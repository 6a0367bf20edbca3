"""What the client does with what it was given: splits, tags, addresses, waiting."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from picsellia import Client
from picsellia.exceptions import NoDataError
from picsellia.sdk.data import Data, MultiData
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.types.enums import InferenceType, JobStatus

from sightloop.demo.api import until
from tests.compat.conftest import Made
from tests.compat.lines import refuses, shows
from tests.compat.test_compat_experiments import attached
from tests.compat.test_compat_monitor import detections
from tests.support.marks import shot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def annotated(client: Client, tmp_path_factory: pytest.TempPathFactory) -> DatasetVersion:
    """A version of four images of two classes."""
    folder = tmp_path_factory.mktemp("annotated")
    paths: list[str | Path] = []
    for number in range(4):
        paths.append(folder / f"{uuid4().hex[:10]}.png")
        content = shot(uuid4().int % 2**32, changed=False, name=str(number)).content
        Path(paths[-1]).write_bytes(content)
    version = client.create_dataset(f"set-{uuid4().hex}").create_version(
        "first", type=InferenceType.CLASSIFICATION
    )
    labels = [version.create_label("good"), version.create_label("bad")]
    uploaded = client.get_datalake().upload_data(paths)
    version.add_data(uploaded, wait=False).wait_for_done(attempts=120)
    body = {
        "import_type": "REPLACE",
        "annotations": [
            {
                "asset_id": str(asset.id),
                "classifications": [{"label_id": str(labels[number % 2].id)}],
            }
            for number, asset in enumerate(version.list_assets())
        ],
    }
    path = f"/api/dataset/version/{version.id}/bulk-annotations"
    client.connection.post(path, data=json.dumps(body).encode())
    return version


@shows(
    "DatasetVersion.train_test_split",
    "DatasetVersion.train_test_val_split",
    "DatasetVersion.split_into_multi_assets",
    "Experiment.run_train_test_split_on_dataset",
)
def test_a_version_is_split_for_training(client: Client, annotated: DatasetVersion) -> None:
    train, test, counted, _, labels = annotated.train_test_split(0.75, random_seed=1)
    assert (len(train), len(test)) == (3, 1)
    assert sum(counted["y"]) == 3
    assert {label.name for label in labels} == {"good", "bad"}
    parts = annotated.train_test_val_split([0.5, 0.25, 0.25], random_seed=1)
    assert [len(part) for part in parts[:3]] == [2, 1, 1]
    assets, _, _ = annotated.split_into_multi_assets([0.5, 0.5])
    assert [len(part) for part in assets] == [2, 2]
    experiment = client.create_project(f"own-{uuid4().hex[:8]}").create_experiment("split")
    attached(experiment, annotated, "train")
    assert len(experiment.run_train_test_split_on_dataset("train", 0.5, 1)[0]) == 2


@shows(
    "DatasetVersion.download",
    "DatasetVersion.synchronize",
    "Asset.reset_url",
    "Asset.get_data_tags",
    "Asset.to_data_schema",
    "MultiAsset.split",
    "MultiAsset.as_multidata",
    "MultiAsset.as_list_of_data",
)
def test_a_version_is_downloaded(annotated: DatasetVersion, tmp_path: Path) -> None:
    annotated.download(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assets = annotated.list_assets()
    assert names == sorted(asset.filename for asset in assets)
    (tmp_path / names[0]).unlink()
    annotated.synchronize(str(tmp_path), do_download=True)
    assert names[0] in [path.name for path in tmp_path.iterdir()]
    assert assets[0].reset_url().startswith("http")
    assert assets[0].get_data_tags() == []
    assert assets[0].to_data_schema().id == assets[0].data_id
    first, rest = assets.split(0.25)
    assert (len(first), len(rest)) == (1, 3)
    assert len(assets.as_multidata()) == len(assets.as_list_of_data()) == 4


@shows("Data.is_ready", "Data.wait_for_upload_done", "Data.reset_url", "MultiData.split")
def test_images_are_ready_when_they_are_uploaded(client: Client, tmp_path: Path) -> None:
    paths: list[str | Path] = []
    for number in range(2):
        paths.append(tmp_path / f"{uuid4().hex[:10]}.png")
        content = shot(uuid4().int % 2**32, changed=False, name=str(number)).content
        Path(paths[-1]).write_bytes(content)
    uploaded = client.get_datalake().upload_data(paths)
    assert isinstance(uploaded, MultiData)
    one = uploaded[0]
    assert isinstance(one, Data)
    one.wait_for_upload_done()
    assert one.is_ready()
    assert one.reset_url().startswith("http")
    assert [len(part) for part in uploaded.split(0.5)] == [1, 1]


@shows("MultiData.wait_for_upload_done")
def test_many_images_are_ready_as_well(client: Client) -> None:
    client.get_datalake().list_data(limit=2).wait_for_upload_done()


@shows("Job.wait_for_status")
def test_a_job_is_waited_for_by_its_status(client: Client, annotated: DatasetVersion) -> None:
    data = annotated.list_assets().as_multidata()
    job = annotated.add_data(data, wait=False)
    assert job.wait_for_status(JobStatus.SUCCESS, attempts=120) is JobStatus.SUCCESS


@shows("PredictedAsset.reset_url")
def test_the_address_of_a_prediction_is_made_anew(detector: Made, picture: Path) -> None:
    answer = detector.deployment.monitor(picture, 0.1, 128, 192, detections())
    asset = until(
        lambda: detector.deployment.find_predicted_asset(oracle_prediction_id=answer["id"]),
        bool,
        what="the prediction is found",
        within=120,
    )
    assert asset.reset_url().startswith("http")


@shows("Experiment.store_local_artifact")
def test_files_in_the_clients_folders_are_stored(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = client.create_project(f"own-{uuid4().hex[:8]}").create_experiment("local")
    folder = tmp_path / experiment.name / "config"
    folder.mkdir(parents=True)
    (folder / "pipeline.config").write_text("rate: 1")
    monkeypatch.chdir(tmp_path)
    assert experiment.store_local_artifact("config").filename == "pipeline.config"


@shows(
    "Client.get_resource_url_on_platform",
    "Datalake.get_resource_url_on_platform",
    "Dataset.get_resource_url_on_platform",
    "DatasetVersion.get_resource_url_on_platform",
    "Experiment.get_resource_url_on_platform",
    "Model.get_resource_url_on_platform",
    "ModelVersion.get_resource_url_on_platform",
    "Project.get_resource_url_on_platform",
    differs="the client makes it up: our interface has other paths",
)
def test_addresses_of_pages_are_the_clients_own(
    client: Client, detector: Made, annotated: DatasetVersion
) -> None:
    project = client.create_project(f"own-{uuid4().hex[:8]}")
    things = [
        client, client.get_datalake(), annotated, project, project.create_experiment("page"),
        client.get_dataset_by_id(annotated.origin_id), client.get_model_by_id(detector.model),
        client.get_model_version_by_id(detector.version),
    ]  # fmt: skip
    for thing in things:
        assert thing.get_resource_url_on_platform().startswith(client.connection.host)


@shows("Client.is_sdk_outdated")
def test_the_client_is_not_called_old(client: Client) -> None:
    assert not client.is_sdk_outdated(
        "6.37.0", client.connection.get("/api/home/ping").json()["sdk_version"]
    )


@refuses(
    "DatasetVersion.import_annotations_coco_video_file",
    why="images are annotated; videos are not kept",
)
def test_videos_are_not_annotated(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "videos.json"
    version = client.create_dataset(f"set-{uuid4().hex}").create_version(
        "first", type=InferenceType.OBJECT_DETECTION
    )
    document = {
        "videos": [{"id": 1, "name": "a.mp4", "file_name": "a.mp4", "width": 9, "height": 9}],
        "images": [],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [],
    }
    path.write_text(json.dumps(document))
    with pytest.raises(NoDataError):
        version.import_annotations_coco_video_file(path)
