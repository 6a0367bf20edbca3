"""The Datalake by the published client: uploads, lists, tags, sources, metadata, downloads."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from picsellia import Client
from picsellia.exceptions import BadRequestError, NoDataError, ResourceNotFoundError
from picsellia.sdk.data import MultiData
from picsellia.sdk.datalake import Datalake
from picsellia.types.enums import TagTarget

from tests.compat.conftest import Made
from tests.compat.lines import refuses, shows
from tests.compat.test_compat_monitor import detections, logged
from tests.support.marks import shot
from tests.support.platform import Platform

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def datalake(client: Client) -> Datalake:
    return client.get_datalake()


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[[int], list[Path]]:
    """Pictures that are nowhere else."""

    def make(count: int) -> list[Path]:
        paths = []
        for _ in range(count):
            path = tmp_path / f"{uuid4().hex[:10]}.png"
            number = uuid4().int % 2**32
            path.write_bytes(shot(number, changed=False, name=path.name).content)
            paths.append(path)
        return paths

    return make


Pictures = Callable[[int], list[Path]]


@shows("Client.get_datalake", "Client.list_datalakes", "Datalake.sync")
def test_an_organisation_has_one_datalake(client: Client, datalake: Datalake) -> None:
    assert datalake.name == "default"
    assert datalake.connector_id == client.connection.connector_id
    assert [one.id for one in client.list_datalakes()] == [datalake.id]
    assert client.get_datalake(name="default").sync()["id"] == str(datalake.id)
    with pytest.raises(ResourceNotFoundError):
        client.get_datalake(name="another")


@shows(
    "Datalake.upload_data",
    "Datalake.find_data",
    "Data.sync",
    "Data.get_tags",
    "Data.get_datasource",
    "Data.download",
    "Data.delete",
)
def test_an_image_is_uploaded_found_fetched_and_deleted(
    datalake: Datalake, pictures: Pictures, tmp_path: Path
) -> None:
    (path,) = pictures(1)
    data = datalake.upload_data(
        path,
        tags=["belt", "night"],
        source="camera 3",
        metadata={"latitude": 1.5},
        custom_metadata={"truck": "B-12"},
        upload_dir="belts",
    )
    assert (data.filename, data.width, data.height) == (path.name, 192, 128)
    assert data.custom_metadata == {"truck": "B-12"}
    found = datalake.find_data(id=data.id)
    assert found.sync()["metadata"]["latitude"] == 1.5
    assert sorted(tag.name for tag in found.get_tags()) == ["belt", "night"]
    source = found.get_datasource()
    assert source is not None
    assert source.name == "camera 3"
    assert datalake.find_data(object_name=data.object_name).id == data.id
    assert datalake.find_data(filename=path.name).id == data.id
    found.download(str(tmp_path / "fetched"))
    assert (tmp_path / "fetched" / path.name).read_bytes() == path.read_bytes()
    data.delete()
    with pytest.raises(ResourceNotFoundError):
        datalake.find_data(id=data.id)


@shows("MultiData.download", "MultiData.delete", "Datalake.list_data")
def test_many_images_are_uploaded_and_listed(
    datalake: Datalake, pictures: Pictures, tmp_path: Path
) -> None:
    paths = pictures(5)
    mark = f"mark-{uuid4().hex[:8]}"
    uploaded = datalake.upload_data(paths, tags=[mark])
    assert isinstance(uploaded, MultiData)
    names = sorted(path.name for path in paths)
    assert sorted(one.filename for one in datalake.list_data(tags=mark)) == names
    assert len(datalake.list_data(tags=mark, limit=2)) == 2
    by_name = datalake.list_data(q=f'tags.name = "{mark}"', order_by=["filename"])
    assert [one.filename for one in by_name] == names
    some = datalake.list_data(tags=mark, order_by=["-filename"], limit=2, offset=1)
    assert [one.filename for one in some] == names[3:1:-1]
    named = datalake.list_data(filenames=names[:2])
    assert sorted(one.filename for one in named) == names[:2]
    assert len(datalake.list_data(ids=[one.id for one in uploaded])) == 5
    keys = [one.object_name for one in uploaded]
    assert len(datalake.list_data(object_names=keys[:3])) == 3
    uploaded.download(str(tmp_path / "all"))
    assert sorted(one.name for one in (tmp_path / "all").iterdir()) == names
    uploaded.delete()
    with pytest.raises(NoDataError):
        datalake.list_data(tags=mark)
    with pytest.raises(BadRequestError, match="column 1: there is no field"):
        datalake.list_data(q="colour = 3")


@shows(
    "Datalake.create_data_tag",
    "Datalake.get_data_tag",
    "Datalake.get_or_create_data_tag",
    "Datalake.list_data_tags",
    "Data.add_tags",
    "Data.remove_tags",
    "Tag.sync",
    "Tag.attach_on",
    "Tag.detach_from",
    "MultiData.add_tags",
    "MultiData.remove_tags",
)
def test_tags_are_made_given_and_taken(datalake: Datalake, pictures: Pictures) -> None:
    name = f"tag-{uuid4().hex[:8]}"
    with pytest.raises(ResourceNotFoundError):
        datalake.get_data_tag(name)
    tag = datalake.get_or_create_data_tag(name)
    assert tag.target_type is TagTarget.DATA
    assert datalake.create_data_tag(name).id == datalake.get_data_tag(name).id == tag.id
    assert name in [one.name for one in datalake.list_data_tags()]
    assert tag.sync()["name"] == name
    both = datalake.upload_data(pictures(2))
    both.add_tags(tag)
    assert len(datalake.list_data(tags=[tag])) == 2
    first = both[0]
    first.remove_tags(tag)
    assert [one.id for one in datalake.list_data(tags=[tag])] == [both[1].id]
    tag.detach_from(both)
    tag.attach_on(first)
    first.add_tags([tag])
    assert [one.id for one in datalake.list_data(tags=[tag])] == [first.id]
    both.remove_tags(tag)
    other = datalake.create_data_tag(f"{name}-b")
    both.add_tags([tag, other])
    first.remove_tags(other)
    # Both tags, or one of them.
    having = datalake.list_data(tags=[tag, other], intersect_tags=True)
    assert [one.id for one in having] == [both[1].id]
    assert len(datalake.list_data(tags=[tag, other])) == 2


@shows("Data.update_metadata", "Data.update_custom_metadata")
def test_metadata_are_replaced(datalake: Datalake, pictures: Pictures) -> None:
    data = datalake.upload_data(pictures(1), metadata=[{"weather": "rain"}])
    data.update_metadata({"weather": "fog"})
    data.update_custom_metadata({"truck": "C-4"})
    found = datalake.find_data(id=data.id)
    assert (found.metadata, found.custom_metadata) == ({"weather": "fog"}, {"truck": "C-4"})


@shows(
    "Client.create_datasource",
    "Client.get_datasource",
    "Client.get_or_create_datasource",
    "Client.list_datasources",
    "DataSource.sync",
)
def test_sources_are_made_and_found(client: Client) -> None:
    name = f"source-{uuid4().hex[:8]}"
    with pytest.raises(ResourceNotFoundError):
        client.get_datasource(name)
    source = client.get_or_create_datasource(name)
    assert client.create_datasource(name).id == client.get_datasource(name).id == source.id
    assert name in [one.name for one in client.list_datasources()]
    assert source.sync()["name"] == name


def test_a_large_file_goes_in_parts_and_what_is_no_picture_is_refused(
    datalake: Datalake, tmp_path: Path
) -> None:
    """More than 25 MiB: the client puts parts, each with its ETag."""
    import numpy as np
    from picsellia.services.error_manager import ErrorManager
    from PIL import Image

    noise = np.random.default_rng(2).integers(0, 256, (2400, 4000, 3), dtype=np.uint8)
    path = tmp_path / "large.png"
    Image.fromarray(noise).save(path, compress_level=0)
    assert path.stat().st_size > 25 * 2**20
    data = datalake.upload_data(path)
    assert (data.width, data.height) == (4000, 2400)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    errors = ErrorManager()
    with pytest.raises(Exception, match="Nothing has been uploaded"):
        datalake.upload_data(broken, error_manager=errors)
    assert "the picture is refused" in str(errors.errors[0].parent)


@shows("Deployment.monitor_data", "Deployment.monitor_cloud_image", "PredictedAsset.get_data")
def test_a_prediction_may_be_about_an_image_that_is_there(
    native: httpx.Client, detector: Made, datalake: Datalake, pictures: Pictures
) -> None:
    data = datalake.upload_data(pictures(1))
    deployment = detector.deployment
    answer = deployment.monitor_data(data, 0.1, 128, 192, detections())
    assert logged(native, detector, answer["id"])["data"] == str(data.id)
    asset = deployment.find_predicted_asset(oracle_prediction_id=answer["id"])
    assert asset.get_data().id == data.id
    named = deployment.monitor_cloud_image(
        data.object_name, 0.1, 128, 192, detections(), "image/png", source="again"
    )
    assert logged(native, detector, named["id"])["source"] == "again"


@shows("PredictedAsset.download")
def test_a_logged_picture_is_fetched_by_an_address_without_a_token(
    platform: Platform, detector: Made, picture: Path, tmp_path: Path
) -> None:
    answer = detector.deployment.monitor(picture, 0.1, 128, 192, detections())
    asset = detector.deployment.find_predicted_asset(oracle_prediction_id=answer["id"])
    asset.download(str(tmp_path / "fetched"))
    assert (tmp_path / "fetched" / picture.name).read_bytes() == picture.read_bytes()
    address = f"{platform.url}/blobs/{asset.object_name}?expires=9999999999&signature=0"
    forged = httpx.get(address, timeout=60)
    assert forged.status_code == 403


@shows(
    "Datalake.import_bucket_objects",
    differs="one prefix at a time; its first segment names a place of `SIGHTLOOP_INGEST_PLACES`",
)
def test_a_folder_or_a_bucket_of_the_servers_is_imported(
    platform: Platform, datalake: Datalake
) -> None:
    folder = platform.cameras / f"belts-{uuid4().hex[:8]}"
    folder.mkdir()
    (folder / "a.png").write_bytes(shot(uuid4().int % 2**32, changed=False, name="a").content)
    prefix = f"cameras/{folder.name}"
    job = datalake.import_bucket_objects([prefix], tags=["belts"], source="belt 4")
    job.wait_for_done(attempts=120)
    (data,) = datalake.list_data(q='tags.name = "belts" and data_source.name = "belt 4"')
    assert (data.filename, data.metadata) == ("a.png", {"reference": f"{prefix}/a.png"})
    with pytest.raises(BadRequestError, match="no place 'elsewhere'"):
        datalake.import_bucket_objects(["elsewhere/a"])
    with pytest.raises(BadRequestError):
        datalake.import_bucket_objects([prefix, prefix])


@refuses("Datalake.import_cloud_objects", why="what is imported has one source and one set of tags")
def test_objects_are_not_imported_one_by_one(datalake: Datalake) -> None:
    with pytest.raises(ResourceNotFoundError, match="Sightloop does not offer"):
        datalake.import_cloud_objects({"belts/a.png": {}})
