"""Whether a ring of points crosses itself."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from libs.schemas.values import Point

# Edges compared at once with all the others: 2,000 points need 4 MB an array.
_ROWS = 256


def crosses_itself(ring: Sequence[Point]) -> bool:
    """Whether two edges of the closed ring (P, 2) cross at a point inside both.

    Touching (a corner on another edge, two equal corners) is no crossing: contours of masks do
    it. Two segments cross where each parts the other's ends; orientation by the sign of the
    cross product (de Berg et al., Computational Geometry, §2.1). O(P²) time, vectorised.
    """
    start = np.asarray(ring, dtype=np.float64)
    end = np.roll(start, -1, axis=0)
    for first in range(0, len(start), _ROWS):
        rows = slice(first, first + _ROWS)
        of_theirs = _side(start[rows, None], end[rows, None], start[None]) * _side(
            start[rows, None], end[rows, None], end[None]
        )
        of_ours = _side(start[None], end[None], start[rows, None]) * _side(
            start[None], end[None], end[rows, None]
        )
        if ((of_theirs < 0) & (of_ours < 0)).any():
            return True
    return False


def _side(
    a: NDArray[np.float64], b: NDArray[np.float64], point: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The sign of the cross product (b − a) × (point − a): +1 left of a→b, −1 right, 0 on it."""
    ab, ap = b - a, point - a
    sides: NDArray[np.float64] = np.sign(ab[..., 0] * ap[..., 1] - ab[..., 1] * ap[..., 0])
    return sides
