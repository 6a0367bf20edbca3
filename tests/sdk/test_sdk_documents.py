"""What is written about the client is what it is."""

from tests.sdk.reference import PATH, reference


def test_the_reference_is_current() -> None:
    assert PATH.read_text() == reference(), "run: python -m tests.sdk.reference"
