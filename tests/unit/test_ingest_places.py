"""Places outside: what settings name, and which paths lead below them."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from libs.runtime.settings import load
from services.ingest.actions.places import (
    BadPath,
    BadPlace,
    PlaceUnknown,
    check_path,
    place_of,
    read_places,
)
from services.ingest.settings import IngestSettings


def settings(**places: str) -> IngestSettings:
    return load(IngestSettings, places={name: SecretStr(one) for name, one in places.items()})


def test_a_place_is_a_folder_or_a_prefix_of_a_bucket() -> None:
    found = read_places(
        settings(folder="file:///mnt/a%20b", deep="s3://k:s@host:9/bucket/a/b/?tls=off")
    )
    assert (found["folder"].folder, found["folder"].bucket) == (Path("/mnt/a b"), None)
    deep = found["deep"]
    assert deep.bucket is not None
    assert (deep.bucket.bucket, deep.bucket.tls, deep.prefix) == ("bucket", False, "a/b/")


def test_the_setting_is_json_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLOOP_INGEST_PLACES", json.dumps({"a": "file:///a"}))
    assert list(read_places(load(IngestSettings))) == ["a"]


@pytest.mark.parametrize(
    "address",
    [
        "/mnt", "file://host/mnt", "file:mnt", "ftp://key:hidden@host/bucket", "s3://host",
        "s3://key:hidden@host/bucket?unheard=1", "s3://key:hidden@host/bucket/../other",
        "s3://hidden@host/bucket", "file:///hidden?organization=none", "file:///hidden?a=b",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_told_by_name_and_never_shown(address: str) -> None:
    with pytest.raises(BadPlace, match="SIGHTLOOP_INGEST_PLACES: the place 'x'") as told:
        read_places(settings(x=address))
    assert "hidden" not in str(told.value)


def test_a_place_may_be_one_organisations() -> None:
    ours = uuid4()
    given = settings(a="file:///a", b=f"file:///b?organization={ours}")
    assert place_of(given, ours, "b").organization == ours
    with pytest.raises(PlaceUnknown) as told:
        place_of(given, uuid4(), "b")
    assert told.value.known == ["a"]


def test_paths_lead_down() -> None:
    assert check_path("") == check_path("/") == ""
    assert check_path("/line 3/ä..b/") == "line 3/ä..b"
    for wrong in ["..", "a/..", "a/../b", ".", "a//b", "a\\b", "a\0", "x" * 1025]:
        with pytest.raises(BadPath):
            check_path(wrong)
