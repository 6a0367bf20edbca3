"""What a bucket counts: the series, their bins, and the keys that name both."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

SCORE_BINS = 100
MOST_BOXES = 1000
MILLIONTHS = 1_000_000
MOST_VERSIONS = 256
TWENTIETHS = 20
AREA_EDGES = np.geomspace(1e-6, 1.0, 41)
RATIO_NAMES = ("< 0.5", "[0.5, 1)", "1", "(1, 1.5]", "(1.5, 2.5]", "> 2.5")

BIN_BITS, ROLE_BIT = 24, 31
LARGEST_BIN = (1 << BIN_BITS) - 1


class Role(IntEnum):
    """Whose prediction it was."""

    CHAMPION = 0
    SHADOW = 1


class Series(IntEnum):
    """What a bin of a key counts. Numbers are stored: they never change their meaning."""

    COUNT = 0  # bins: Count
    SUM = 1  # bins: Sum; in millionths
    LATENCY = 2  # log bins of seconds
    LABEL_BOXES = 3  # bins: class index
    LABEL_IMAGES = 4  # bins: class index; images with at least one such box
    SCORE = 5  # hundredths of box scores
    BOX_COUNT = 6  # images by number of boxes, the last bin is 1,000 and more
    BOX_AREA = 7  # log bins of the share of the image
    OUTLIER = 8  # hundredths of the outlier score
    WIDTH = 9  # log bins of pixels
    HEIGHT = 10
    IMAGE_AREA = 11
    RATIO = 12  # bins: RATIO_NAMES
    LAG = 13  # log bins of seconds from receiving a prediction to counting it
    # Of hours and days only:
    LABEL_SCORE = 14  # class index, twentieths of box scores
    LABEL_AREA = 15  # class index, bins of `AREA_EDGES` of the share of the image
    VERSION_COUNT = 16  # position of the model version; predictions
    VERSION_LATENCY = 17  # position, log bins of seconds
    VERSION_SCORE = 18  # position, hundredths of box scores
    VERSION_LABEL = 19  # position, class index; boxes


class Count(IntEnum):
    """Plain counts."""

    PREDICTIONS = 0
    BOXES = 1
    SCORED = 2
    OUTLIERS = 3
    DISAGREEMENTS = 4
    COMPARED = 5  # champion and shadow both answered, and were compared


class Sum(IntEnum):
    """Sums whose means are drawn."""

    LATENCY = 0
    BRIGHTNESS = 1
    CONTRAST = 2
    SHARPNESS = 3


LOW_BITS = {
    Series.LABEL_SCORE: 5,
    Series.LABEL_AREA: 6,
    Series.VERSION_COUNT: 0,
    Series.VERSION_LATENCY: 12,
    Series.VERSION_SCORE: 7,
    Series.VERSION_LABEL: 16,
}
"""How many bits of a bin are the second thing it names."""

CHARTED = frozenset(
    {
        Series.COUNT, Series.SUM, Series.LATENCY, Series.LABEL_BOXES, Series.LABEL_IMAGES,
        Series.OUTLIER,
    }
)  # fmt: skip
"""The series drawn over time: packed apart from the others, as a chart reads hundreds of them."""


def key(series: Series, bins: Ints, role: Role = Role.CHAMPION) -> Ints:
    """The keys of bins of a series."""
    keys: Ints = np.clip(bins, 0, LARGEST_BIN) | (series << BIN_BITS) | (role << ROLE_BIT)
    return keys
