"""An image on its way into a version."""

from uuid import UUID

from libs.schemas.values import Value


class Image(Value, frozen=True, kw_only=True):
    """An image as the Datalake said it when it was asked for."""

    data: UUID
    filename: str
    picture: str
    sha256: str
    content_type: str
    width: int
    height: int
