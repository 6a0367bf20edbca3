"""128 classical descriptors of an image: tone, colour, frequency, edges, layout.

All work on a 128 × 128 copy but the two of compression blocks and the finest noise, which need
the pixels as they came.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 128
COUNT = 128

Floats = NDArray[np.floating[Any]]

_TINY = 1e-6
_QUANTILES = np.array([0, 1, 2.5, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 100]) / 100
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def describe(small: NDArray[np.uint8], full: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Descriptors (128,) of an image: its copy (128, 128, 3) and its pixels (H, W, 3)."""
    rgb = small.astype(np.float32) / 255
    grey = rgb @ _LUMA
    native = _centre(full).astype(np.float32) @ _LUMA / 255
    return np.concatenate(
        [
            np.quantile(grey, _QUANTILES),  # 16
            _saturation(rgb),  # 6
            _moments(rgb.reshape(-1, 3)),  # 12
            _bands(grey),  # 8
            _sharpness(grey, native),  # 4
            _blocking(native),  # 2
            _gradients(grey),  # 32
            rgb.reshape(4, SIZE // 4, 4, SIZE // 4, 3).mean(axis=(1, 3)).ravel(),  # 48
        ]
    ).astype(np.float32)


def _centre(full: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle 256 × 256 pixels, beginning on a multiple of 8: where JPEG's blocks begin."""
    h, w = full.shape[:2]
    top, left = max(0, h - 256) // 16 * 8, max(0, w - 256) // 16 * 8
    return full[top : top + 256, left : left + 256]


def _saturation(rgb: Floats) -> Floats:
    high, low = rgb.max(axis=2), rgb.min(axis=2)
    saturation = (high - low) / (high + _TINY)
    return np.array(
        [
            saturation.mean(),
            saturation.std(),
            *np.quantile(saturation, [0.1, 0.9]),
            (high > 0.98).mean(),
            (low < 0.02).mean(),
        ],
        dtype=np.float32,
    )


def _moments(pixels: Floats) -> Floats:
    """Mean, deviation, skewness and kurtosis of each channel."""
    mean, sd = pixels.mean(axis=0), pixels.std(axis=0)
    scaled = (pixels - mean) / (sd + 1e-3)
    square = scaled * scaled
    return np.concatenate(
        [mean, sd, (square * scaled).mean(axis=0), (square * square).mean(axis=0)]
    )


def _bands(grey: Floats) -> Floats:
    """Log energy in eight octave-like rings of the spectrum."""
    power = np.abs(np.fft.rfft2(grey - grey.mean())) ** 2
    fy, fx = np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None, :]
    edges = 0.5 * 2.0 ** (-np.arange(7)[::-1] / 1.2)
    ring = np.searchsorted(edges, np.hypot(fy, fx).ravel())
    energy = np.bincount(ring, power.ravel(), minlength=8) / SIZE**4
    return np.log(energy + 1e-9).astype(np.float32)


def _laplacian(grey: Floats) -> Floats:
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    laplacian: Floats = around - 4 * middle
    return laplacian


def _sharpness(grey: Floats, native: Floats) -> Floats:
    """Log variance of the Laplacian at full, 128 and 64 pixels; noise by its median."""
    half = grey.reshape(SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3))
    fine = _laplacian(native)
    if fine.size == 0:
        fine = _laplacian(grey)
    variances = [float(v.var()) for v in (fine, _laplacian(grey), _laplacian(half))]
    noise = float(np.median(np.abs(fine)))
    logs: Floats = np.log(np.array([*variances, noise], dtype=np.float32) + _TINY)
    return logs


def _blocking(native: Floats) -> Floats:
    """Log ratio of steps across 8-pixel block borders to steps elsewhere, both directions."""
    ratios = []
    for picture in (native, native.T):
        steps = np.abs(np.diff(picture, axis=1)).mean(axis=0)
        border = np.arange(len(steps)) % 8 == 7
        if not border.any():
            return np.zeros(2, dtype=np.float32)
        ratios.append(np.log((steps[border].mean() + 1e-3) / (steps[~border].mean() + 1e-3)))
    return np.array(ratios, dtype=np.float32)


def _gradients(grey: Floats) -> Floats:
    """Histogram of oriented gradients: eight directions in each quarter, roots of shares."""
    dy, dx = np.gradient(grey)
    strength = np.hypot(dx, dy)
    turn = ((np.arctan2(dy, dx) % np.pi) * (8 / np.pi)).astype(np.int64) % 8
    half = np.arange(SIZE) // (SIZE // 2)
    cell = (half[:, None] * 2 + half[None, :]) * 8 + turn
    total = np.bincount(cell.ravel(), strength.ravel(), minlength=32).reshape(4, 8)
    shares = total / (total.sum(axis=1, keepdims=True) + _TINY)
    roots: Floats = np.sqrt(shares).ravel()
    return roots
