"""What can be wrong with what is asked for, and with a run."""

from collections.abc import Sequence

from libs.schemas.faults import Transient


class ProjectExists(Exception):
    """The organisation has a project of this name."""


class ProjectUnknown(LookupError):
    """No such project in this organisation."""


class ExperimentUnknown(LookupError):
    """No such experiment in this organisation."""


class NotExternal(Exception):
    """The experiment runs with us: what it logs, keeps and becomes is its recipe's."""


class ExperimentEnded(Exception):
    """The experiment has ended: nothing is added to it any more."""


class ArtifactUnknown(LookupError):
    """No such file of the experiment."""


class ArtifactRefused(Exception):
    """The file cannot be kept, or not under this name."""


class LogUnknown(LookupError):
    """No such log in this organisation."""


class LogExists(Exception):
    """The experiment has a log of this name."""


class ExperimentRefused(Exception):
    """What is asked for cannot be trained. `errors`: (where, what)."""

    def __init__(self, detail: str, *, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class DatasetVersionNotSettled(Exception):
    """The dataset version is still being filled: it has no manifest to train on yet."""


class TrainingFailed(Exception):
    """A run cannot succeed, however often it is tried; the sentence is for the user."""


class TrainingLost(Transient):
    """The training process, or a part it needs, went away: the run is worth another attempt."""


class RunSuperseded(Exception):
    """Another worker has taken the experiment up, or it has ended: this run is nobody's."""
