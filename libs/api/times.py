"""Times as callers give them."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

_YEARS = range(1970, 2200)


def _bounded(time: datetime) -> datetime:
    # The year alone: at the calendar's ends a time can neither be moved into UTC nor rounded.
    if time.year not in _YEARS:
        raise ValueError(f"must be between {_YEARS.start} and {_YEARS.stop}")
    return time


Time = Annotated[datetime, AfterValidator(_bounded)]
"""A time from 1970 until 2200: far enough from the calendar's ends for every arithmetic."""
