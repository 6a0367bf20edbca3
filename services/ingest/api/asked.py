"""What the routes of the Datalake are given."""

from typing import Annotated

from libs.api.app import part
from libs.api.caller import needs
from libs.api.scopes import Scope
from libs.api.tokens import Caller
from services.ingest.parts import Ingest

Parts = Annotated[Ingest, part(Ingest)]
Reader = Annotated[Caller, needs(Scope.DATA_READ)]
Writer = Annotated[Caller, needs(Scope.DATA_WRITE)]
