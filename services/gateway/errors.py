"""What can be wrong at the gateway."""


class ScopesBeyondCaller(Exception):
    """Somebody asked for a token that may do more than he may."""


class FeedFull(Exception):
    """As many browsers listen as are let."""
