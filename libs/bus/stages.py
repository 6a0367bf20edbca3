"""Where a consumer's time goes, so that its next bottleneck is known."""

import time
from enum import StrEnum

from libs.bus import metrics


class Stage(StrEnum):
    """What happens to a batch, in its order."""

    SLOT = "slot"
    DECODE = "decode"
    BEGIN = "begin"
    INBOX = "inbox"
    HANDLER = "handler"
    LETTERS = "letters"
    COMMIT = "commit"
    OFFSETS = "offsets"


class Stages:
    """Adds up the seconds of each stage of one consumer."""

    def __init__(self, group: str) -> None:
        self._seconds = {stage: metrics.STAGE_SECONDS.labels(group, stage) for stage in Stage}

    def lap(self, stage: Stage, since: float) -> float:
        """Count the time since `since` (`time.perf_counter`) for `stage`; returns the time now."""
        now = time.perf_counter()
        self._seconds[stage].inc(now - since)
        return now
