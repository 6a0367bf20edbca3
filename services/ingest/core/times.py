"""How far the caller's clock may be from ours before it is said."""

AHEAD = "time_ahead"
BEHIND = "time_behind"
MOST_AHEAD = 3_600.0
MOST_BEHIND = 400 * 86_400.0


def time_flags(event: float | None, received: float) -> list[str]:
    """Flags of a prediction by its time and the server's, epoch seconds.

    It counts at its own time all the same: history may be sent late, and a clock may be wrong.
    """
    if event is None or -MOST_BEHIND <= event - received <= MOST_AHEAD:
        return []
    return [AHEAD if event > received else BEHIND]
