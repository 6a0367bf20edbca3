"""Our errors as problem details."""

from collections.abc import Iterator
from contextlib import contextmanager

from libs.api.problems import Problem, conflict, invalid, not_found
from libs.blobs.uploads import FileTooLarge, NoSuchUpload
from services.deployer.core.labelmap import LabelmapRefused
from services.deployer.core.policy import PolicyRefused
from services.deployer.errors import (
    AlreadyChampion,
    DeploymentUnknown,
    ModelFileRefused,
    ModelUnknown,
    NamedUnknown,
    NameTaken,
    NoFormerChampion,
    NoShadow,
    PolicyLocked,
    VersionDeployed,
    VersionUnknown,
)


@contextmanager
def answered() -> Iterator[None]:
    """Turns what is wrong with a request into its problem document."""
    try:
        yield
    except (ModelUnknown, VersionUnknown, DeploymentUnknown, NamedUnknown) as error:
        raise not_found(str(error)) from error
    except VersionDeployed as error:
        raise conflict("version-deployed", str(error)) from error
    except NoSuchUpload as error:
        raise invalid(str(error), [("object_name", str(error))]) from error
    except FileTooLarge as error:
        raise Problem(413, "too-large", str(error)) from error
    except NameTaken as error:
        raise conflict("name-taken", str(error)) from error
    except NoShadow as error:
        raise conflict("no-shadow", str(error)) from error
    except NoFormerChampion as error:
        raise conflict("no-former-champion", str(error)) from error
    except AlreadyChampion as error:
        raise conflict("already-champion", str(error)) from error
    except PolicyLocked as error:
        raise conflict("verdict-policy-locked", str(error)) from error
    except LabelmapRefused as error:
        raise invalid(f"the models do not fit together: {error}", error.errors) from error
    except ModelFileRefused as error:
        raise invalid(f"the model is refused: {error}", error.errors) from error
    except PolicyRefused as error:
        errors = [(f"verdict.{where}", what) for where, what in error.errors]
        raise invalid(f"the verdict policy is wrong: {error}", errors) from error
