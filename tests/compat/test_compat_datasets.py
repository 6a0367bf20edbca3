"""What is in dataset versions: images, labels, annotations. By the published client."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from picsellia import Client
from picsellia.exceptions import BadRequestError, NoDataError, ResourceNotFoundError
from picsellia.sdk.data import Data, MultiData
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.sdk.job import Job
from picsellia.types.enums import InferenceType, JobRunStatus, JobStatus

from tests.compat.lines import shows
from tests.support.marks import shot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

Versions = Callable[[InferenceType], DatasetVersion]


@pytest.fixture
def new_version(client: Client) -> Versions:
    """An empty version of a dataset of its own."""

    def make(kind: InferenceType) -> DatasetVersion:
        return client.create_dataset(f"set-{uuid4().hex}").create_version("first", type=kind)

    return make


def added(version: DatasetVersion, data: MultiData | Data) -> Job:
    """Add images and wait, longer than the client does by itself."""
    job = version.add_data(data, wait=False)
    job.wait_for_done(attempts=120)
    return job


@pytest.fixture(scope="module")
def images(client: Client, tmp_path_factory: pytest.TempPathFactory) -> MultiData:
    """Four images of the Datalake."""
    folder = tmp_path_factory.mktemp("images")
    paths: list[str | Path] = []
    for _ in range(4):
        path = folder / f"{uuid4().hex[:10]}.png"
        number = uuid4().int % 2**32
        path.write_bytes(shot(number, changed=False, name=path.name).content)
        paths.append(path)
    uploaded = client.get_datalake().upload_data(paths)
    assert isinstance(uploaded, MultiData)
    return uploaded


@shows(
    "DatasetVersion.add_data",
    "DatasetVersion.find_asset",
    "Asset.sync",
    "Asset.get_data",
    "Asset.download",
    "MultiAsset.download",
    "Job.sync",
    "Job.wait_for_done",
    "Client.get_job_by_id",
)
def test_images_become_assets(
    client: Client, new_version: Versions, images: MultiData, tmp_path: Path
) -> None:
    version = new_version(InferenceType.OBJECT_DETECTION)
    with pytest.raises(NoDataError):
        version.list_assets()
    job = added(version, images)
    job.sync()
    assert job.status is JobStatus.SUCCESS
    assert client.get_job_by_id(job.id).wait_for_done(attempts=120) is JobRunStatus.SUCCEEDED
    names = sorted(data.filename for data in images)
    assert sorted(asset.filename for asset in version.list_assets()) == names
    asset = version.find_asset(filename=names[0])
    assert asset.sync()["data"]["filename"] == names[0]
    assert version.find_asset(id=asset.id).data_id == asset.data_id
    assert asset.get_data().id == asset.data_id
    asset.download(str(tmp_path / "one"))
    version.list_assets().download(str(tmp_path / "all"))
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == names
    # Once more is once.
    added(version, images)
    assert len(version.list_assets()) == 4
    stranger = client.get_datalake().list_data(limit=1)
    stranger.items[0]._id = uuid4()
    with pytest.raises(ResourceNotFoundError):
        version.add_data(stranger)


@shows(
    "DatasetVersion.list_assets",
    differs="newest first, or by names; there is no other order, and no query",
)
def test_assets_are_listed_by_page_and_by_name(new_version: Versions, images: MultiData) -> None:
    version = new_version(InferenceType.OBJECT_DETECTION)
    added(version, images)
    names = sorted(data.filename for data in images)
    assert len(version.list_assets(limit=3)) == 3
    assert len(version.list_assets(limit=3, offset=3)) == 1
    assert len(version.list_assets(filenames=names[:2])) == 2
    assert len(version.list_assets(data_ids=[data.id for data in images][:3])) == 3
    assert len(version.list_assets(object_names=[images[0].object_name])) == 1
    assert len(version.list_assets(filenames_startswith=[names[0].partition(".")[0]])) == 1
    ids = [asset.id for asset in version.list_assets()]
    assert len(version.list_assets(ids=ids)) == 4
    with pytest.raises(BadRequestError, match="newest first"):
        version.list_assets(order_by=["filename"])


@shows(
    "DatasetVersion.create_label",
    "DatasetVersion.get_label",
    "DatasetVersion.get_or_create_label",
    "DatasetVersion.list_labels",
)
def test_labels_are_made_one_by_one(new_version: Versions) -> None:
    version = new_version(InferenceType.OBJECT_DETECTION)
    assert version.list_labels() == []
    car = version.create_label("car")
    bus = version.get_or_create_label("bus")
    assert version.get_or_create_label("car").id == car.id
    assert [label.name for label in version.list_labels()] == ["car", "bus"]
    assert version.get_label("bus").id == bus.id
    with pytest.raises(ResourceNotFoundError):
        version.get_label("tram")


@shows(
    "DatasetVersion.list_label_groups",
    "DatasetVersion.create_label_group",
    "Label.update",
    "Label.set_group",
    differs="labels are flat: a group is accepted and not kept; a label keeps its name",
)
def test_groups_of_labels_are_not_kept(new_version: Versions) -> None:
    version = new_version(InferenceType.OBJECT_DETECTION)
    car = version.create_label("car")
    group = version.create_label_group("vehicle")
    car.set_group(group)
    assert (car.name, car.group_id) == ("car", None)
    assert version.list_label_groups() == []
    with pytest.raises(BadRequestError, match="cannot be renamed"):
        car.update(name="van")


@shows(
    "DatasetVersion.import_annotations_coco_file",
    "DatasetVersion.build_coco_file_locally",
    "DatasetVersion.load_annotations",
    "DatasetVersion.retrieve_stats",
)
def test_a_coco_file_goes_in_and_comes_out(
    new_version: Versions, images: MultiData, tmp_path: Path
) -> None:
    version = new_version(InferenceType.OBJECT_DETECTION)
    added(version, images)
    document = {
        "categories": [
            {"id": 7, "name": "disc", "supercategory": "mark"},
            {"id": 9, "name": "square", "supercategory": "mark"},
        ],
        "images": [
            {"id": number, "file_name": data.filename, "width": 192, "height": 128}
            for number, data in enumerate(images)
        ],
        "annotations": [
            {
                "id": number, "image_id": number, "category_id": 7 if number % 2 else 9,
                "bbox": [10 + number, 20, 30, 40], "area": 1200, "iscrowd": 0, "segmentation": [],
            }
            for number in range(3)
        ],
    }  # fmt: skip
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(document))
    counted = version.import_annotations_coco_file(path)
    assert counted == {"annotations": 3, "shapes": 3}
    assert sorted(label.name for label in version.list_labels()) == ["disc", "square"]
    built = version.build_coco_file_locally()
    named = {image.id: image.file_name for image in built.images}
    assert sorted((named[one.image_id], one.bbox) for one in built.annotations) == sorted(
        (images[number].filename, [10 + number, 20, 30, 40]) for number in range(3)
    )
    stats = version.retrieve_stats()
    assert (stats.nb_annotations, stats.nb_objects) == (3, 3)
    assert stats.label_repartition == {"disc": 1, "square": 2}
    # Again in place of what there was, and then beside it.
    version.import_annotations_coco_file(path)
    assert version.retrieve_stats().nb_objects == 3
    version.import_annotations_coco_file(path, mode="CONCATENATE")
    assert version.retrieve_stats().nb_objects == 6
    assert version.import_annotations_coco_file(path, mode="KEEP") == {
        "annotations": 0, "shapes": 0,
    }  # fmt: skip
    document["annotations"][0]["bbox"] = [180, 20, 30, 40]
    path.write_text(json.dumps(document))
    with pytest.raises(BadRequestError, match="not inside the picture"):
        version.import_annotations_coco_file(path)


@shows(
    "DatasetVersion.import_annotation_voc_file",
    "DatasetVersion.import_annotations_yolo_files",
    "DatasetVersion.build_pascal_voc_locally",
)
def test_voc_and_yolo_go_in_and_voc_comes_out(
    new_version: Versions, images: MultiData, tmp_path: Path
) -> None:
    version = new_version(InferenceType.OBJECT_DETECTION)
    added(version, images)
    voc = tmp_path / "one.xml"
    voc.write_text(
        f"<annotation><folder>x</folder><filename>{images[0].filename}</filename>"
        "<size><width>192</width><height>128</height><depth>3</depth></size>"
        "<object><name>disc</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax>"
        "<ymax>60</ymax></bndbox></object></annotation>"
    )
    assert version.import_annotation_voc_file(voc) == {"annotations": 1, "shapes": 1}
    yolo = tmp_path / f"{Path(images[1].filename).stem}.txt"
    yolo.write_text("1 0.5 0.5 0.25 0.25\n")
    names = tmp_path / "data.yaml"
    names.write_text("names: [disc, square]\nnc: 2\n")
    assert version.import_annotations_yolo_files(names, [yolo])["annotations"] == 1
    stats = version.retrieve_stats()
    assert stats.label_repartition == {"disc": 1, "square": 1}
    folder = tmp_path / "voc"
    folder.mkdir()
    version.build_pascal_voc_locally(folder)
    assert len(list(folder.rglob("*.xml"))) == 2


def test_classes_and_polygons_are_annotations_too(
    new_version: Versions, images: MultiData, tmp_path: Path
) -> None:
    for kind in (InferenceType.CLASSIFICATION, InferenceType.SEGMENTATION):
        version = new_version(kind)
        added(version, images[0])
        document = {
            "categories": [{"id": 1, "name": "disc"}],
            "images": [
                {"id": 1, "file_name": images[0].filename, "width": 192, "height": 128}
            ],
            "annotations": [
                {
                    "id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40],
                    "area": 600, "iscrowd": 0, "segmentation": [[10, 20, 40, 20, 10, 60]],
                }
            ],
        }  # fmt: skip
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps(document))
        version.import_annotations_coco_file(path)
        assert version.retrieve_stats().label_repartition == {"disc": 1}
        (loaded,) = version.load_annotations().values()
        shapes = loaded[0]["classifications"] or loaded[0]["polygons"]
        assert shapes[0]["label"] == "disc"
