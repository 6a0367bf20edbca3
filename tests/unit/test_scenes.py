"""The demo's own pixels."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightloop.demo.scenes import (
    FEWEST,
    HEIGHT,
    LABELS,
    MOST,
    WIDTH,
    Split,
    camera_change,
    scene,
    scenes,
)


def test_a_scene_depends_on_its_seed_split_and_number_only() -> None:
    several = list(scenes(3, seed=4, split=Split.TRAINING))
    again = scene(2, seed=4, split=Split.TRAINING)
    np.testing.assert_array_equal(several[2].rgb, again.rgb)
    np.testing.assert_array_equal(several[2].boxes, again.boxes)
    assert several[2].jpeg() == again.jpeg()
    for other in (
        scene(2, seed=5, split=Split.TRAINING),
        scene(2, seed=4, split=Split.TRAFFIC),
        scene(1, seed=4, split=Split.TRAINING),
    ):
        assert not np.array_equal(other.rgb, again.rgb)


def test_boxes_lie_inside_and_next_to_nothing_overlaps() -> None:
    for made in scenes(12, seed=0, split=Split.TRAFFIC):
        assert made.rgb.shape == (HEIGHT, WIDTH, 3)
        assert FEWEST <= len(made.boxes) <= MOST
        assert len(made.classes) == len(made.boxes)
        assert set(made.classes) <= set(range(len(LABELS)))
        x, y, width, height = made.boxes.T
        assert (x >= 0).all()
        assert (y >= 0).all()
        assert (x + width <= WIDTH).all()
        assert (y + height <= HEIGHT).all()
        assert (height >= 35).all()
        assert (height <= 110).all()


def test_every_digit_appears() -> None:
    seen = np.concatenate([made.classes for made in scenes(20, seed=0, split=Split.TRAINING)])
    assert set(seen) == set(range(10))


def test_boxes_hold_the_ink() -> None:
    """The darkest pixels of a scene's pale belt lie inside the boxes."""
    made = scene(0, seed=0, split=Split.TRAINING)
    inside = np.zeros((HEIGHT, WIDTH), bool)
    for x, y, width, height in made.boxes.astype(int):
        inside[y : y + height, x : x + width] = True
    dark = made.rgb.astype(int).sum(2)
    assert dark[inside].min() < dark[~inside].min()
    assert np.quantile(dark[inside], 0.1) < np.quantile(dark[~inside], 0.1)


def test_training_and_traffic_have_different_digits() -> None:
    from sightloop.demo.scenes import _digits

    training, traffic = ({glyph.tobytes() for glyph in _digits(split)[0]} for split in Split)
    assert len(training) + len(traffic) == pytest.approx(1797, abs=5)
    assert not training & traffic


def test_files_hold_the_scene() -> None:
    made = scene(0, seed=0, split=Split.TRAFFIC)
    with Image.open(io.BytesIO(made.png())) as opened:
        np.testing.assert_array_equal(np.asarray(opened), made.rgb)
    with Image.open(io.BytesIO(made.jpeg())) as opened:
        assert (opened.format, opened.size) == ("JPEG", (WIDTH, HEIGHT))


def test_no_camera_change_changes_nothing() -> None:
    made = scene(0, seed=0, split=Split.TRAFFIC)
    np.testing.assert_array_equal(camera_change(made.rgb, 0), made.rgb)


@pytest.mark.parametrize("k", [0.3, 1.0])
def test_a_camera_change_darkens_reddens_and_blurs(k: float) -> None:
    grey = np.full((60, 80, 3), 120, np.uint8)
    changed = camera_change(grey, k)[30, 40].astype(float)
    light = 1 - 0.45 * k
    expected = [120 * light * (1 + 0.12 * k), 120 * light, 120 * light * (1 - 0.25 * k)]
    np.testing.assert_allclose(changed, expected, atol=1)

    made = scene(0, seed=0, split=Split.TRAFFIC)
    sharp, blurred = made.rgb, camera_change(made.rgb, k)
    steps = [np.abs(np.diff(rgb.astype(float), axis=1)).mean() for rgb in (sharp, blurred)]
    assert steps[1] < steps[0] * light


def test_importing_the_scenes_imports_no_heavy_library() -> None:
    program = (
        "import sys; import sightloop.demo.scenes;"
        "print(sorted({'sklearn', 'scipy', 'PIL.Image'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
