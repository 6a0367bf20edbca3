"""What the detector is taught: targets, loss, and views of the pictures."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from libs.vision.boxes import iou
from services.trainer.recipes.base import Item, TrainingRefused
from services.trainer.recipes.batches import draws
from services.trainer.recipes.detection.augment import Pictures, unit_corners, view
from services.trainer.recipes.detection.evaluation import best_f1
from services.trainer.recipes.detection.loss import overlaps
from services.trainer.recipes.detection.parameters import DetectionParameters
from services.trainer.recipes.detection.targets import targets
from services.trainer.recipes.detection.training import Schedule

STILL = {"jitter": 0.0, "input_width": 128, "input_height": 96}


def test_the_nearest_cell_of_a_box_says_exactly_one() -> None:
    corners = np.array([[10, 12, 33, 55], [70, 40, 75, 44]], np.float32)
    made = targets(corners, np.array([1, 0]), size=(96, 128), labels=3)
    assert made.heat[:, :, 1].max() == 1
    assert made.heat[:, :, 0].max() == 1
    assert made.heat[:, :, 2].max() == 0
    row, column = divmod(int(made.heat[:, :, 1].argmax()), 16)
    assert (row, column) == (33 // 8, 21 // 8)
    np.testing.assert_array_equal(made.boxes[row, column], corners[0])


def test_only_cells_near_a_centre_regress_a_box() -> None:
    corners = np.array([[0, 0, 64, 64]], np.float32)
    made = targets(corners, np.array([0]), size=(96, 128), labels=1)
    assert made.weight[4, 4] > 0
    assert made.weight[0, 0] == 0
    assert ((made.weight == 0) | (made.weight >= 0.1)).all()


def test_a_picture_without_boxes_is_all_background() -> None:
    made = targets(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), size=(96, 128), labels=2)
    assert made.heat.shape == (12, 16, 2)
    assert made.heat.sum() == made.weight.sum() == 0


def test_overlaps_in_the_loss_equal_those_of_the_metrics() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 50, (2, 40, 4)).astype(np.float32)
    a[:, 2:] += a[:, :2] + 1
    b[:, 2:] += b[:, :2] + 1
    found, generalised = (np.asarray(part) for part in overlaps(a, b))
    sides = [np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]], 1) for box in (a, b)]
    np.testing.assert_allclose(found, np.diag(iou(*sides)), atol=1e-5)
    assert (generalised <= found + 1e-6).all()
    assert (generalised >= -1).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_boxes_move_with_their_pixels(seed: int) -> None:
    picture = np.full((120, 160, 3), 255, np.uint8)
    picture[40:80, 60:110] = 0
    corners = unit_corners(np.array([[60, 40, 50, 40]], np.float32), (160, 120))
    made = view(
        Image.fromarray(picture),
        corners,
        np.array([0]),
        parameters=DetectionParameters.model_validate(STILL),
        rng=np.random.default_rng(seed),
    )
    dark = made.pixels[:, :, 0] < 64
    rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
    edges = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert made.pixels.shape == (96, 128, 3)
    np.testing.assert_allclose(made.corners[0], edges, atol=1.5)


def test_without_flips_and_turns_a_picture_stays_upright() -> None:
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:60] = 255
    upright = DetectionParameters.model_validate({**STILL, "flips": False, "quarter_turns": False})
    none, classes = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        made = view(Image.fromarray(picture), none, classes, parameters=upright, rng=rng)
        assert made.pixels[20, 64, 0] == 255
        assert made.pixels[76, 64, 0] == 0


def test_half_of_each_batch_is_old_when_retraining() -> None:
    rng = np.random.default_rng(0)
    drawn = draws(5, 7, batch=4, share=0.5, rng=rng)
    for _ in range(10):
        assert [old for old, _ in next(drawn)] == [True, True, False, False]


def test_a_share_that_does_not_fit_a_batch_is_carried_over() -> None:
    drawn = draws(5, 7, batch=2, share=0.25, rng=np.random.default_rng(0))
    assert sum(old for _ in range(8) for old, _ in next(drawn)) == 4


def test_every_picture_is_drawn_once_a_round() -> None:
    drawn = draws(6, 0, batch=3, share=0.5, rng=np.random.default_rng(0))
    for _ in range(5):
        assert sorted(index for _ in range(2) for _, index in next(drawn)) == list(range(6))


def test_pictures_beyond_the_memory_are_decoded_again() -> None:
    packed = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 0, 0)).save(packed, "PNG")
    opened: list[int] = []

    def read() -> bytes:
        opened.append(1)
        return packed.getvalue()

    items = [Item(read, np.zeros(0, np.int64))] * 2
    pictures = Pictures(items, (64, 64), memory=80 * 80 * 3)
    for _ in range(3):
        assert pictures.read(0)[0].size == pictures.read(1)[0].size == (80, 80)
    assert len(opened) == 1 + 3


def test_a_file_that_is_no_picture_is_refused_with_a_sentence() -> None:
    pictures = Pictures([Item(b"not a picture", np.zeros(0, np.int64))], (64, 64))
    with pytest.raises(TrainingRefused, match="cannot be read"):
        pictures.read(0)


def test_the_learning_rate_rises_and_then_falls_to_nothing() -> None:
    schedule = Schedule(steps=100, rate=1.0, warm_up=0.1, average=0.99)
    rates = [schedule.rate_at(step) for step in range(1, 101)]
    assert rates[:10] == pytest.approx([step / 10 for step in range(1, 11)])
    assert (np.diff(rates[9:]) < 0).all()
    assert 0 < rates[-1] < 0.001


def test_the_best_threshold_lies_between_the_last_hit_and_the_first_miss() -> None:
    scores = np.concatenate([np.linspace(0.9, 0.6, 30), np.linspace(0.3, 0.1, 30)])
    hits = np.arange(60) < 30
    assert best_f1(scores, hits, truths=30) == (1.0, 0.45)


def test_few_truths_leave_the_usual_threshold() -> None:
    assert best_f1(np.array([0.9, 0.8]), np.array([True, False]), truths=1)[1] == 0.3


def test_a_picture_taken_sideways_is_learned_as_it_is_shown() -> None:
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[:, :20] = 255
    packed, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise: the left becomes the top
    Image.fromarray(pixels).save(packed, "PNG", exif=exif)
    item = Item(packed.getvalue(), np.array([0]), np.array([[0, 0, 30, 20]], np.float32))
    image, corners, _ = Pictures([item], (64, 64)).read(0)
    np.testing.assert_allclose(corners, [[0, 0, 1, 0.5]])
    assert np.asarray(image)[10, 40, 0] == 255
    assert np.asarray(image)[70, 40, 0] == 0
