"""What can be wrong."""

from uuid import UUID


class DeploymentUnknown(LookupError):
    """No such deployment in this organisation."""


class DatasetUnknown(LookupError):
    """No such dataset in this organisation."""


class VersionUnknown(LookupError):
    """No such dataset version in this organisation."""

    def __init__(self, version: UUID) -> None:
        self.version = version
        super().__init__(f"there is no dataset version {version}")


class NamedUnknown(LookupError):
    """Nothing of this kind has this name in this organisation."""


class VersionFrozen(Exception):
    """A version that was frozen takes nothing more."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is frozen: copy it to change it")


class TypeInUse(Exception):
    """A version whose annotations are of another type keeps its own."""


class NameTaken(Exception):
    """There is another of that name."""


class TrainingNotSetUp(Exception):
    """A training was asked for before it was said what to train on."""


class PictureGone(Exception):
    """A picture that is to be copied is not there any more."""


class ArchiveRefused(ValueError):
    """A zip of pictures that cannot be imported; the text names the file in it."""


class NotSettled(Exception):
    """A dataset version changes faster than it can be settled."""
