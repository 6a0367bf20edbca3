"""What can be wrong with an embedded part."""

from pathlib import Path


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot run; the message says what is wrong and where, on one line."""

    def __init__(self, what: str, where: Path) -> None:
        self.what = " ".join(what.split())
        self.where = where
        super().__init__(f"embedded PostgreSQL: {self.what} ({where})")
