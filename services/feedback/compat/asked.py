"""What requests are about, and our errors in answers."""

from typing import Annotated

from libs.api.app import part
from libs.api.caller import needs
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from services.feedback.actions.answering import answered
from services.feedback.parts import Feedback

__all__ = ["Parts", "Reader", "Writer", "answered"]

Parts = Annotated[Feedback, part(Feedback)]
Reader = Annotated[Caller, needs(Scope.DATASETS_READ)]
Writer = Annotated[Caller, needs(Scope.DATASETS_WRITE)]
