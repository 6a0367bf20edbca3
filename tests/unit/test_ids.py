"""Ids are what their RFC says, and what they were in every earlier release."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

from hypothesis import given
from hypothesis import strategies as st

from libs.schemas.ids import Derivation, derived, id_text, uuid7

NAMESPACE = UUID("6f1b3a52-7c0e-5d7e-9d0b-3f6b5c1c7a10")


@given(st.text(max_size=20), st.lists(st.one_of(st.uuids(), st.text(), st.integers()), max_size=3))
def test_a_derived_id_is_the_uuid5_of_its_cause(kind: str, parts: list[object]) -> None:
    assert derived(kind, *parts) == uuid5(NAMESPACE, "\x1f".join([kind, *map(str, parts)]))


@given(st.text(max_size=20), st.lists(st.one_of(st.uuids(), st.text()), max_size=2), st.uuids())
def test_a_derivation_is_derived_with_one_more_part(
    kind: str, parts: list[object], last: UUID
) -> None:
    derivation = Derivation(kind, *parts)
    assert derivation.of(last) == derived(kind, *parts, last)
    assert derivation.text(id_text(last)) == str(derivation.of(last))


def test_a_subclass_is_written_as_its_text() -> None:
    class Id(UUID):
        """As drivers return them."""

    plain = uuid4()
    assert derived("x", Id(str(plain))) == derived("x", plain) == derived("x", str(plain))


def test_ids_sort_by_time_and_say_it() -> None:
    start = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
    ids = [uuid7(start + timedelta(milliseconds=n)) for n in range(50)]
    assert ids == sorted(ids)
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert [one.int >> 80 for one in ids[:2]] == [1795284000000, 1795284000001]
    assert len({uuid7(start) for _ in range(1000)}) == 1000
