"""Addresses that take an upload: what is signed is what may be done."""

from libs.blobs.signing import signed_address, verify_signature
from services.ingest.core.signatures import holds, sign

KEY = b"k" * 32
OBJECT = "ingest/org/uploads/1/a.png"


def test_a_signature_holds_for_its_object_its_part_and_its_time_only() -> None:
    signature = sign(KEY, key=OBJECT, part="", expires=100)
    assert holds(KEY, signature, key=OBJECT, part="", expires=100, now=99.0)
    assert not holds(KEY, signature, key=OBJECT, part="", expires=100, now=100.0)
    assert not holds(KEY, signature, key=OBJECT, part="", expires=101, now=99.0)
    assert not holds(KEY, signature, key=OBJECT, part="u/1", expires=100, now=99.0)
    assert not holds(KEY, signature, key=f"{OBJECT}x", part="", expires=100, now=99.0)
    assert not holds(b"other", signature, key=OBJECT, part="", expires=100, now=99.0)


def test_without_a_key_of_ours_nothing_holds() -> None:
    signature = sign(b"", key=OBJECT, part="", expires=100)
    assert not holds(b"", signature, key=OBJECT, part="", expires=100, now=99.0)


def test_who_may_read_an_object_may_not_write_it_nor_the_other_way() -> None:
    address = signed_address(KEY, "http://x", key=OBJECT, expires=100, filename=None)
    reading = address.partition("signature=")[2]
    assert not holds(KEY, reading, key=OBJECT, part="", expires=100, now=99.0)
    writing = sign(KEY, key=OBJECT, part="", expires=100)
    assert not verify_signature(
        KEY, OBJECT, expires=100, signature=writing, filename=None, now=99.0
    )
