"""What a draw fixes: the model a reviewer begins at, and what of it counts."""

import hashlib
from uuid import UUID

from libs.schemas.values import Start

DRAW_LIMIT = 500
# Every image is drawn: π = 1, and the share of it that is equal for all images is 1 as well.
EVERY_IMAGE = 1.0
_COIN = {Start.COIN_CHAMPION: Start.CHAMPION, Start.COIN_SHADOW: Start.SHADOW}


def coin(prediction: UUID, draw: UUID, *, has_shadow: bool) -> Start:
    """The model that a fair coin chose for the reviewer to begin at, the same at every look."""
    hashed = hashlib.blake2b(prediction.bytes + draw.bytes, digest_size=1, person=b"coin").digest()
    return Start.COIN_SHADOW if has_shadow and hashed[0] & 1 else Start.COIN_CHAMPION


def true_start(said: Start, tossed: Start | None) -> Start:
    """What counts as the start: a coin that was never tossed so is a choice by name.

    A shadow that came after the image was shown turns the coin: the reviewer saw the champion
    because nothing else was there, and the verdict must not take that for chance.
    """
    if said in _COIN and said is not tossed:
        return _COIN[said]
    return said
