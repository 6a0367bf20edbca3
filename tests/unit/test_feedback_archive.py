"""A zip from a stranger is bounded before it is opened, and at each file."""

import io
import zipfile

import pytest

from services.feedback.errors import ArchiveRefused
from services.feedback.workers.archive import Archive


def _zip(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file


def _open(file: io.BytesIO, *, files: int = 10, total: int = 10_000) -> Archive:
    return Archive(file, files=files, total=total)


def test_a_file_is_found_by_its_path_or_by_its_name() -> None:
    archive = _open(_zip({"train/a.jpg": b"1", "b.jpg": b"2", "__MACOSX/._a.jpg": b"x"}))
    assert archive.read("train/a.jpg", limit=10) == b"1"
    assert archive.read("a.jpg", limit=10) == b"1"
    assert archive.read("elsewhere/b.jpg", limit=10) == b"2"


def test_a_missing_and_an_ambiguous_file_are_named() -> None:
    archive = _open(_zip({"x/a.jpg": b"1", "y/a.jpg": b"2"}))
    with pytest.raises(ArchiveRefused, match=r"^c\.jpg: the zip has no such file"):
        archive.read("c.jpg", limit=10)
    with pytest.raises(ArchiveRefused, match=r"^a\.jpg: the zip has 2 files of that name"):
        archive.read("a.jpg", limit=10)


def test_a_file_that_unpacks_to_more_than_the_limit_is_refused_unread() -> None:
    archive = _open(_zip({"bomb.jpg": bytes(9000)}))
    with pytest.raises(ArchiveRefused, match="larger than 100 bytes"):
        archive.read("bomb.jpg", limit=100)


def test_a_zip_that_unpacks_to_too_much_or_has_too_many_files_is_refused() -> None:
    with pytest.raises(ArchiveRefused, match="unpacks to 20002 bytes; the limit is 10000"):
        _open(_zip({"a": bytes(10_001), "b": bytes(10_001)}))
    with pytest.raises(ArchiveRefused, match="has 11 files; the limit is 10"):
        _open(_zip({str(i): b"" for i in range(11)}))


def test_a_directory_that_would_fill_the_memory_is_not_read() -> None:
    with pytest.raises(ArchiveRefused, match="more than 2 files"):
        _open(_zip({str(i): b"" for i in range(100)}), files=2)


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(ArchiveRefused):
        _open(io.BytesIO(data))


def test_a_cut_zip_and_a_changed_file_are_refused() -> None:
    whole = _zip({"a.jpg": b"abcdef" * 100}, method=zipfile.ZIP_STORED).getvalue()
    with pytest.raises(ArchiveRefused):
        _open(io.BytesIO(whole[:-30]))
    with pytest.raises(ArchiveRefused, match=r"^a\.jpg: cannot be unpacked"):
        _open(io.BytesIO(whole.replace(b"fabcdef", b"fABCdef", 1))).read("a.jpg", limit=1000)


def test_a_method_whose_memory_cannot_be_bounded_is_refused() -> None:
    archive = _open(_zip({"a.jpg": b"1"}, method=zipfile.ZIP_LZMA))
    with pytest.raises(ArchiveRefused, match="neither stored nor deflated"):
        archive.read("a.jpg", limit=10)
