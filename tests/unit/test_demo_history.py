"""The written history: when things happen in it is known, and it has the rhythm of a week."""

import numpy as np

from sightloop.demo.history import DRIFT, LABELS_SHIFT, MOST_PICTURES, History

END = 1_790_000_000.0
DAY = 86_400.0


def test_times_ascend_over_the_days_asked_for_and_follow_the_working_week():
    history = History(200_000, end=END, days=28)
    assert (np.diff(history.times) > 0).all()
    assert END - 28 * DAY <= history.known.start < history.known.end <= END
    days = ((history.times // DAY + 3) % 7).astype(int)
    hours = (history.times % DAY // 3600).astype(int)
    by_day, by_hour = np.bincount(days, minlength=7), np.bincount(hours, minlength=24)
    assert by_day[5:].max() < by_day[:5].min() / 2
    assert by_hour[12] > 3 * by_hour[2]


def test_what_happens_comes_one_after_the_other_and_few_of_many_bring_pictures():
    history = History(200_000, end=END, days=28)
    known = history.known
    assert known.drift == history.times[int(DRIFT * 200_000)]
    assert known.labels == history.times[int(LABELS_SHIFT * 200_000)]
    assert known.start < min(known.outliers)
    assert max(known.outliers) < known.drift < known.labels < known.end
    assert len(history.pictures) == MOST_PICTURES
    assert set(known.outliers) <= set(history.times[history.pictures].tolist())
    assert len(History(300, end=END, days=1).pictures) == 300
