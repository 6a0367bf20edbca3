"""What can be wrong when a model is to be run."""

from libs.schemas.faults import Transient


class DeploymentUnknown(LookupError):
    """No such deployment in this organisation."""


class ModelUnfit(Exception):
    """A model version cannot be served, now or later; the text says why."""


class ModelNotServed(Transient):
    """No model answers for the deployment at the moment; the text says why."""


class QueueFull(Transient):
    """So much waits for a thread that one more is refused."""


class SpoolFull(Transient):
    """The log spool has no room: a prediction could not be logged, so it is not made."""


class SpoolUnavailable(Transient):
    """The log spool could not be written."""


class SpoolDamaged(Exception):
    """A record of the spool is not what was written."""


class CacheUnusable(Exception):
    """The folder of the models and the spool cannot be used."""
