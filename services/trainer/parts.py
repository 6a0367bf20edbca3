"""What the routes, consumers and workers of the trainer share."""

from dataclasses import dataclass

from libs.blobs.blobs import Blobs
from libs.bus.table import Table
from libs.schemas.events import DatasetVersionChanged, ModelVersionChanged
from libs.store.clock import Clock
from libs.store.session import Database
from services.trainer.core.telling import Telling
from services.trainer.settings import TrainerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """The trainer's parts."""

    settings: TrainerSettings
    clock: Clock
    database: Database
    blobs: Blobs
    dataset_versions: Table[DatasetVersionChanged]
    model_versions: Table[ModelVersionChanged]
    telling: Telling
