"""What is wrong, as an answer over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

from libs.api.problems import conflict, not_found, unavailable
from services.feedback.errors import (
    DatasetUnknown,
    NamedUnknown,
    NameTaken,
    NotSettled,
    TypeInUse,
    VersionFrozen,
    VersionUnknown,
)


@contextmanager
def answered() -> Iterator[None]:
    """Turns what is wrong into its problem."""
    try:
        yield
    except (DatasetUnknown, VersionUnknown, NamedUnknown) as error:
        raise not_found(str(error).removeprefix("there is no ")) from error
    except NameTaken as error:
        raise conflict("name-taken", str(error)) from error
    except VersionFrozen as error:
        raise conflict("version-frozen", str(error)) from error
    except TypeInUse as error:
        raise conflict("type-in-use", str(error)) from error
    except NotSettled as error:
        raise unavailable(str(error)) from error
