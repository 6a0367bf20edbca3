"""What requests are about, and our errors in answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from libs.api.app import part
from libs.api.caller import needs
from libs.api.problems import conflict, not_found
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from services.feedback.errors import (
    DatasetUnknown,
    NamedUnknown,
    NameTaken,
    TypeInUse,
    VersionUnknown,
)
from services.feedback.parts import Feedback

Parts = Annotated[Feedback, part(Feedback)]
Reader = Annotated[Caller, needs(Scope.DATASETS_READ)]
Writer = Annotated[Caller, needs(Scope.DATASETS_WRITE)]


@contextmanager
def answered() -> Iterator[None]:
    """Turns what is wrong into its problem."""
    try:
        yield
    except (DatasetUnknown, VersionUnknown, NamedUnknown) as error:
        raise not_found(str(error).removeprefix("there is no ")) from error
    except NameTaken as error:
        raise conflict("name-taken", str(error)) from error
    except TypeInUse as error:
        raise conflict("type-in-use", str(error)) from error
