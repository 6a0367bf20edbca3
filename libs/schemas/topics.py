"""The topics: names, keys, partitions and how long a record is kept. Partitions never change."""

from dataclasses import dataclass
from datetime import timedelta

PARTITIONS = 16
COMPACTED_PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the bus. `retention` None: compacted, the last record of each key is kept."""

    name: str
    key: str
    retention: timedelta | None
    sentence: str

    @property
    def compacted(self) -> bool:
        return self.retention is None

    @property
    def partitions(self) -> int:
        return COMPACTED_PARTITIONS if self.compacted else PARTITIONS


def _kept(name: str, key: str, days: float, sentence: str) -> Topic:
    return Topic(f"sightloop.{name}", key, timedelta(days=days), sentence)


def _compacted(name: str, key: str, sentence: str) -> Topic:
    return Topic(f"sightloop.{name}", key, None, sentence)


PREDICTIONS = _kept("predictions", "deployment", 3, "What models said in production.")
SCORES = _kept("scores", "deployment", 1, "Outlier scores and embeddings of predictions.")
REVIEWS = _kept("reviews", "deployment", 30, "What humans said, the draws they answered.")
DATA = _kept("data", "data", 3, "Images registered, changed and deleted in the Datalake.")
DEPLOYMENTS = _compacted("deployments", "deployment", "What is deployed, in full.")
DATASETS = _compacted("datasets", "dataset_version", "Dataset versions, in full.")
MODELS = _compacted("models", "model_version", "Model versions and their files, in full.")
TRAINING = _kept("training", "experiment", 30, "Why trainings start and what became of them.")
ROLLOUTS = _kept("rollouts", "deployment", 30, "Roll-outs and verdicts.")
ALERTS = _kept("alerts", "deployment", 30, "What is wrong with a deployment, and that it is over.")
JOBS = _kept("jobs", "job", 30, "Long work and its progress.")
TOKENS = _compacted("tokens", "token", "Hashes of opaque tokens and revocations.")
LIVE = _kept("live", "deployment", 1 / 24, "What a browser should fetch anew.")
PROCESSES = _kept("processes", "process", 1 / 24, "How the processes of the platform are.")
DEAD_LETTERS = _kept("dead-letters", "organization", 30, "Records that no handler could take.")

TOPICS: tuple[Topic, ...] = (
    PREDICTIONS, SCORES, REVIEWS, DATA, DEPLOYMENTS, DATASETS, MODELS, TRAINING, ROLLOUTS, ALERTS,
    JOBS, TOKENS, LIVE, PROCESSES, DEAD_LETTERS,
)  # fmt: skip
