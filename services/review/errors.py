"""What can be wrong with what a reviewer asks for."""

from collections.abc import Sequence
from uuid import UUID

from libs.schemas.values import Review


class ReviewRefused(Exception):
    """A review that cannot be ground truth. `errors`: (where, what)."""

    def __init__(self, detail: str, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class ReviewConflict(Exception):
    """Somebody saved before. `current`: what he saved; None: there is no review."""

    def __init__(self, current: Review | None) -> None:
        revision = current.revision if current else 0
        super().__init__(f"the review is at revision {revision} by now")
        self.current = current


class PredictionUnknown(LookupError):
    """No such prediction in this deployment and organisation."""

    def __init__(self, prediction: UUID) -> None:
        super().__init__(f"there is no prediction {prediction}")


class AlreadyReviewed(Exception):
    """An image with a review cannot be skipped any more."""

    def __init__(self, prediction: UUID) -> None:
        super().__init__(f"prediction {prediction} has a review already")
