"""Tags of anything but images, and locked versions, by the published client."""

from typing import Any
from uuid import uuid4

import pytest
from picsellia import Client
from picsellia.exceptions import BadRequestError, ResourceConflictError, ResourceNotFoundError
from picsellia.sdk.asset import MultiAsset
from picsellia.sdk.dataset_version import DatasetVersion
from picsellia.sdk.tag import Tag
from picsellia.types.enums import InferenceType, TagTarget

from tests.compat.conftest import Made
from tests.compat.lines import shows
from tests.support.marks import shot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
_KINDS = ("dataset", "dataset_version", "deployment", "model", "model_version")


@pytest.fixture(scope="module")
def version(client: Client) -> DatasetVersion:
    """An empty version of a dataset of its own."""
    made = client.create_dataset(f"tagged-{uuid4().hex}")
    return made.create_version("first", type=InferenceType.OBJECT_DETECTION)


@shows(
    *(f"Client.{call}_{kind}_tag{s}" for kind in _KINDS
      for call, s in (("create", ""), ("find", ""), ("list", "s"))),
    "Dataset.add_tags", "Dataset.get_tags", "Dataset.remove_tags",
    "DatasetVersion.add_tags", "DatasetVersion.get_tags", "DatasetVersion.remove_tags",
    "Deployment.add_tags", "Deployment.get_tags", "Deployment.remove_tags",
    "Model.add_tags", "Model.get_tags", "Model.remove_tags",
    "ModelVersion.add_tags", "ModelVersion.get_tags", "ModelVersion.remove_tags",
)  # fmt: skip
def test_each_kind_of_thing_has_tags_of_its_own(
    client: Client, detector: Made, version: DatasetVersion
) -> None:
    things: dict[str, Any] = {
        "dataset": client.get_dataset_by_id(version.origin_id),
        "dataset_version": version,
        "deployment": client.get_deployment_by_id(detector.deployment.id),
        "model": client.get_model_by_id(detector.model),
        "model_version": client.get_model_version_by_id(detector.version),
    }
    name = f"tag-{uuid4().hex[:8]}"
    made: list[Tag] = []
    for kind in _KINDS:
        with pytest.raises(ResourceNotFoundError):
            getattr(client, f"find_{kind}_tag")(name)
        tag = getattr(client, f"create_{kind}_tag")(name)
        assert (tag.name, tag.target_type) == (name, TagTarget(kind.upper()))
        assert getattr(client, f"create_{kind}_tag")(name).id == tag.id
        assert getattr(client, f"find_{kind}_tag")(name).id == tag.id
        assert tag.id in {one.id for one in getattr(client, f"list_{kind}_tags")()}
        made.append(tag)
        things[kind].add_tags(tag)
        assert [one.id for one in things[kind].get_tags()] == [tag.id]
        things[kind].remove_tags(tag)
        assert things[kind].get_tags() == []
        tag.attach_on(things[kind])
        assert [one.name for one in things[kind].get_tags()] == [name]
        # What is of another kind is left as it is.
        tag.attach_on([one for other, one in things.items() if other != kind])
    assert len({tag.id for tag in made}) == len(_KINDS)
    for kind in _KINDS:
        assert len(things[kind].get_tags()) == 1
    listed = next(one for one in client.list_datasets() if one.id == version.origin_id)
    assert [tag.name for tag in listed.get_tags()] == [name]


@shows("Tag.delete", "Tag.update", differs="tags of images stay as they are")
def test_a_tag_is_renamed_and_forgotten(client: Client, detector: Made) -> None:
    model = client.get_model_by_id(detector.model)
    names = [f"{letter}-{uuid4().hex[:8]}" for letter in "abc"]
    tag, other = client.create_model_tag(names[0]), client.create_model_tag(names[1])
    tag.attach_on(model)
    tag.update(names[2])
    assert names[2] in {one.name for one in model.get_tags()}
    assert tag.sync()["name"] == names[2]
    with pytest.raises(ResourceConflictError):
        tag.update(other.name)
    fresh = client.create_model_tag(names[0])
    assert fresh.id != tag.id
    tag.delete()
    assert names[2] not in {one.name for one in model.get_tags()}
    with pytest.raises(ResourceNotFoundError):
        tag.sync()
    image = client.get_datalake().get_or_create_data_tag(f"tag-{uuid4().hex[:6]}")
    with pytest.raises(ResourceConflictError, match="stays"):
        image.update("other")
    with pytest.raises(ResourceConflictError, match="stays"):
        image.delete()


@shows(
    "Asset.add_tags", "Asset.get_tags", "Asset.remove_tags",
    "MultiAsset.add_tags", "MultiAsset.remove_tags",
    "DatasetVersion.create_asset_tag", "DatasetVersion.get_asset_tag",
    "DatasetVersion.get_or_create_asset_tag", "DatasetVersion.list_asset_tags",
)  # fmt: skip
@shows(
    "DatasetVersion.lock",
    differs="for good: what is locked is frozen, and can be copied",
)
@shows("DatasetVersion.unlock", differs="a version that is locked stays so")
def test_assets_have_tags_of_their_version_and_a_locked_one_stays(
    client: Client, version: DatasetVersion, tmp_path: Any
) -> None:
    paths = [tmp_path / f"{uuid4().hex[:8]}.png" for _ in range(2)]
    for path in paths:
        path.write_bytes(shot(uuid4().int % 2**32, changed=False, name=path.name).content)
    uploaded = client.get_datalake().upload_data(paths)
    held = version.create_asset_tag("held out")
    assert version.get_or_create_asset_tag("held out").id == held.id
    assert version.get_asset_tag("held out").target_type == TagTarget.ASSET
    second = version.get_or_create_asset_tag("blurred")
    assert [tag.name for tag in version.list_asset_tags()] == ["blurred", "held out"]
    version.add_data(uploaded, tags=[held], wait=False).wait_for_done(attempts=120)
    assets = version.list_assets()
    assert [[tag.name for tag in one.get_tags()] for one in assets] == [["held out"]] * 2
    MultiAsset(client.connection, version.id, assets.items).add_tags(second)
    assets[0].remove_tags(held)
    assert [tag.name for tag in assets[0].get_tags()] == ["blurred"]
    assert [tag.name for tag in assets[1].get_tags()] == ["blurred", "held out"]
    assets.remove_tags([second])
    assets[0].add_tags(held)
    assert [tag.name for tag in assets[0].get_tags()] == ["held out"]
    with pytest.raises(ResourceNotFoundError):
        version.get_asset_tag("unheard of")

    version.unlock()
    version.lock()
    with pytest.raises((BadRequestError, ResourceConflictError)):
        version.create_label("late")
    with pytest.raises(ResourceConflictError, match="copy"):
        version.unlock()
