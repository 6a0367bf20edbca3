"""What the routes of datasets are given."""

from typing import Annotated

from libs.api.app import part
from libs.api.caller import needs
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from services.feedback.parts import Feedback

Parts = Annotated[Feedback, part(Feedback)]
Reader = Annotated[Caller, needs(Scope.DATASETS_READ)]
Writer = Annotated[Caller, needs(Scope.DATASETS_WRITE)]
