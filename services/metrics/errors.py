"""What can be wrong."""

from uuid import UUID


class DeploymentUnknown(LookupError):
    """No such deployment in this organisation."""


class DatasetVersionUnknown(LookupError):
    """No such dataset version in this organisation."""


class WrongType(ValueError):
    """A dataset version of another task than the deployment's."""


class ReferenceMissing(LookupError):
    """The deployment has no reference that could be compared with."""


class FeatureUnknown(LookupError):
    """The reference has no such feature."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no feature {name[:40]!r}; there are {', '.join(known)}")


class BackboneRefused(ValueError):
    """A network that cannot embed images; the text says why, of "the network"."""


class BackboneUnknown(LookupError):
    """There is no such backbone in this organisation."""


class BackboneNameTaken(Exception):
    """There is another backbone of that name."""


class TooManyBackbones(Exception):
    """An organisation has as many backbones as it may."""


class LabelUnknown(LookupError):
    """No model of the deployment has such a label."""

    def __init__(self, label: str) -> None:
        super().__init__(f"no model of this deployment has a label {label[:80]!r}")


class RangeImpossible(ValueError):
    """A range of time that ends before it begins."""


class RegisterLost(RuntimeError):
    """A deployment's register of labels was removed while it was written to."""

    def __init__(self, deployment: UUID) -> None:
        super().__init__(f"the register of deployment {deployment} is gone")
