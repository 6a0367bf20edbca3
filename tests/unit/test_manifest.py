"""The manifest: bytes and structs are the same thing, and the digest is of the content."""

import gzip
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.schemas.manifest import (
    Annotation,
    MalformedManifest,
    ManifestAsset,
    annotation_hash,
    content_digest,
    read_manifest,
    write_manifest,
)
from libs.schemas.values import ReviewShapes, TaskType

_VERSION = UUID(int=7)
# A machine that is busy with other tests is slow, not wrong.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
_finite = st.floats(-1e6, 1e6, allow_nan=False)
_labels = st.sampled_from(["car", "bus", "straße", "a\nb"])


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    labels = draw(st.lists(_labels, max_size=5))
    n = len(labels)
    boxes = draw(st.lists(st.tuples(_finite, _finite, _finite, _finite), min_size=n, max_size=n))
    crowd = draw(st.sets(st.integers(0, n - 1))) if n else set()
    return Annotation(labels=labels, boxes=boxes, crowd=sorted(crowd))


@st.composite
def assets(draw: st.DrawFn) -> ManifestAsset:
    sha256 = draw(st.binary(min_size=32, max_size=32)).hex()
    return ManifestAsset(
        data=draw(st.uuids()),
        filename=draw(st.text('aé\n\u2028"/. ', max_size=9)),
        picture=f"feedback/{sha256}",
        sha256=sha256,
        width=draw(st.integers(1, 10_000)),
        height=draw(st.integers(1, 10_000)),
        block=draw(st.none() | st.sampled_from(["", "b1"])),
        event_time=draw(st.none() | st.just(datetime(2026, 1, 2, tzinfo=UTC))),
        annotation=draw(st.none() | annotations()),
    )


@patient
@given(st.lists(assets(), max_size=6))
def test_what_is_written_is_read_back(written: list[ManifestAsset]) -> None:
    header, data = write_manifest(
        _VERSION, written, type=TaskType.OBJECT_DETECTION, labels=["car", "bus"]
    )
    manifest = read_manifest(data)
    assert manifest.header == header
    assert manifest.assets == sorted(written, key=lambda a: (a.sha256, a.data.bytes))


@patient
@given(st.lists(assets(), max_size=6), st.randoms())
def test_the_order_of_assets_changes_no_byte(written: list[ManifestAsset], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list({a.data: a for a in written}.values())
    before = write_manifest(_VERSION, shuffled, type=TaskType.OBJECT_DETECTION, labels=[])
    random.shuffle(shuffled)
    assert write_manifest(_VERSION, shuffled, type=TaskType.OBJECT_DETECTION, labels=[]) == before


def test_the_hash_ignores_the_order_of_shapes_and_the_kind_of_number() -> None:
    one = ReviewShapes(labels=["a", "b"], boxes=[(1, 2, 3, 4), (5.0, 6.0, 7.0, 8.0)])
    other = Annotation(labels=["b", "a"], boxes=[(5, 6, 7, 8), (1.0, 2.0, 3.0, 4.0)])
    assert annotation_hash(one) == annotation_hash(other)


def test_the_hash_tells_label_box_crowd_and_nothing_there_apart() -> None:
    box = (1.0, 2.0, 3.0, 4.0)
    hashes = [
        annotation_hash(None),
        annotation_hash(Annotation(labels=[])),
        annotation_hash(Annotation(labels=["a"], boxes=[box])),
        annotation_hash(Annotation(labels=["b"], boxes=[box])),
        annotation_hash(Annotation(labels=["a"], boxes=[(1.0, 2.0, 3.0, 5.0)])),
        annotation_hash(Annotation(labels=["a"], boxes=[box], crowd=[0])),
        annotation_hash(Annotation(labels=["a"])),
        annotation_hash(Annotation(labels=["a"], polygons=[[(0, 0), (1, 0), (1, 1)]])),
    ]
    assert len(set(hashes)) == len(hashes)


def test_the_digest_is_that_of_the_set_of_contents() -> None:
    assert content_digest([("a", "1"), ("b", "2")]) == content_digest([("b", "2"), ("a", "1")])
    assert content_digest([("a", "1")]) != content_digest([("a", "")])
    assert content_digest([("a", "1")]) != content_digest([("a", "1"), ("a", "1")])


def _asset() -> ManifestAsset:
    return ManifestAsset(
        data=uuid4(), filename="a.png", picture="k", sha256="0" * 64, width=1, height=1
    )


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"no gzip", "cannot be unpacked"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"{}\n", mtime=0), "line 1"),
    ],
)
def test_bytes_that_are_no_manifest_are_refused_with_the_line(data: bytes, what: str) -> None:
    with pytest.raises(MalformedManifest, match=what):
        read_manifest(data)


def test_a_manifest_that_was_cut_or_changed_is_refused() -> None:
    asset = _asset()
    _, data = write_manifest(_VERSION, [asset], type=TaskType.CLASSIFICATION, labels=[])
    header, line = gzip.decompress(data).splitlines()
    with pytest.raises(MalformedManifest, match="announces 1 assets and holds 0"):
        read_manifest(gzip.compress(header))
    with pytest.raises(MalformedManifest, match="digest"):
        read_manifest(gzip.compress(header + b"\n" + line.replace(b"0" * 64, b"1" * 64)))
    with pytest.raises(MalformedManifest, match="cannot be unpacked"):
        read_manifest(data[:-9])
