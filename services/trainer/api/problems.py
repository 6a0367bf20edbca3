"""Our errors as problem details."""

from collections.abc import Iterator
from contextlib import contextmanager

from libs.api.problems import Problem, conflict, invalid, not_found
from libs.blobs.uploads import FileTooLarge, NoSuchUpload
from services.trainer.core.logs import LogRefused
from services.trainer.errors import (
    ArtifactRefused,
    ArtifactUnknown,
    DatasetVersionNotSettled,
    ExperimentEnded,
    ExperimentRefused,
    ExperimentUnknown,
    LogExists,
    LogUnknown,
    NotExternal,
    ProjectExists,
    ProjectUnknown,
)


@contextmanager
def answered() -> Iterator[None]:
    """Turns what is wrong with a request into its problem document."""
    try:
        yield
    except (ProjectUnknown, ExperimentUnknown, LogUnknown, ArtifactUnknown) as error:
        raise not_found(str(error).removeprefix("there is no ")) from error
    except ProjectExists as error:
        raise conflict("project-exists", str(error)) from error
    except NotExternal as error:
        raise conflict("not-external", str(error)) from error
    except ExperimentEnded as error:
        raise conflict("experiment-ended", str(error)) from error
    except LogExists as error:
        raise conflict("log-exists", str(error)) from error
    except DatasetVersionNotSettled as error:
        raise conflict("dataset-version-not-settled", str(error)) from error
    except ExperimentRefused as error:
        raise invalid(error.detail, error.errors) from error
    except ArtifactRefused as error:
        raise invalid(str(error)) from error
    except NoSuchUpload as error:
        raise invalid(str(error), [("object_name", str(error))]) from error
    except LogRefused as error:
        raise invalid(f"this cannot be logged: {error}", [("data", str(error))]) from error
    except FileTooLarge as error:
        raise Problem(413, "too-large", str(error)) from error
