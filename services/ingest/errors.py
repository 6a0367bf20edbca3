"""What can be wrong with what arrives."""

from collections.abc import Sequence
from uuid import UUID


class PredictionRejected(Exception):
    """A prediction is refused at the door. `reason` is counted; `errors`: (where, what)."""

    def __init__(
        self, reason: str, detail: str, *, status: int = 422, errors: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = status
        self.errors = errors


class UploadRefused(Exception):
    """An uploaded image cannot be kept: why, is in the text."""

    def __init__(self, detail: str, *, too_large: bool = False) -> None:
        super().__init__(detail)
        self.too_large = too_large


class ShadowAlreadyLogged(Exception):
    """A prediction has its shadow's answer already; the first one stays."""

    def __init__(self, prediction: UUID) -> None:
        super().__init__(f"prediction {prediction} has a shadow prediction already")


class DeploymentUnknown(LookupError):
    """No such deployment in this organisation."""


class DeploymentHasNoShadow(Exception):
    """A shadow prediction was sent, but the deployment runs no shadow and none was named."""
