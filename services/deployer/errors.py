"""What can be wrong with models, deployments and roll-outs."""

from uuid import UUID


class ModelUnknown(LookupError):
    """No such model in this organisation."""

    def __init__(self, model: UUID) -> None:
        super().__init__(f"model {model}")


class VersionUnknown(LookupError):
    """No such model version in this organisation."""

    def __init__(self, version: UUID) -> None:
        super().__init__(f"model version {version}")


class DeploymentUnknown(LookupError):
    """No such deployment in this organisation, or it was deleted."""

    def __init__(self, deployment: UUID) -> None:
        super().__init__(f"deployment {deployment}")


class NamedUnknown(LookupError):
    """Nothing of this kind has this name in this organisation."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name}")


class VersionDeployed(Exception):
    """What a deployment answers with does not change under it."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"{version} is, or was, deployed: its model and labels do not change any more; "
            "make another version"
        )


class NameTaken(Exception):
    """Another model, or another deployment, has this name."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is a {kind} named {name!r} already")


class NoShadow(Exception):
    """The deployment runs no shadow."""

    def __init__(self) -> None:
        super().__init__("the deployment has no shadow")


class NoFormerChampion(Exception):
    """There is nothing to roll back to."""

    def __init__(self) -> None:
        super().__init__("the deployment has had no other champion")


class AlreadyChampion(Exception):
    """A model version cannot be the shadow of itself."""

    def __init__(self) -> None:
        super().__init__("this version is the champion already")


class PolicyLocked(Exception):
    """The verdict policy was fixed by the first look at the running candidate."""

    def __init__(self) -> None:
        super().__init__(
            "the verdict policy is fixed by the first look at a candidate: "
            "remove the shadow, or wait for the next one"
        )


class ModelFileRefused(ValueError):
    """The file cannot be this model version; `errors`: (where, what is wrong)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(what for _, what in errors))
        self.errors = errors
