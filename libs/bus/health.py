"""How a consumer is, as `/readyz` and the operations pages say it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`ready`: caught up but for a little. `live`: the loop turned lately. `reason` when not.

    `lag`: records behind in the `partitions` that it has.
    """

    ready: bool
    live: bool
    reason: str
    lag: int
    partitions: int
    breaker_open: bool
