"""Outlier scores on corrupted photographs: AUROC by corruption, false alarms, cost.

python -m benchmarks.outlier FOLDER_OF_IMAGES
"""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from services.metrics.core.outlier import Reference, embed

Corruption = Callable[[Image.Image, np.random.Generator], Image.Image]


def noisy(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image) + rng.normal(0, 18, np.asarray(image).shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def compressed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=12)
    return Image.open(out).convert("RGB")


def pixelated(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    small = image.resize((image.width // 5, image.height // 5), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.NEAREST)


def covered(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    out = image.copy()
    x, y = (int(rng.integers(0, s * 2 // 3)) for s in image.size)
    out.paste((40, 40, 40), (x, y, x + image.width // 3, y + image.height // 3))
    return out


def tinted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image) * np.array([1.12, 1.0, 0.85])
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


CORRUPTIONS: dict[str, Corruption] = {
    "noise": noisy,
    "blur": lambda image, rng: image.filter(ImageFilter.GaussianBlur(2)),
    "dark": lambda image, rng: ImageEnhance.Brightness(image).enhance(0.6),
    "bright": lambda image, rng: ImageEnhance.Brightness(image).enhance(1.35),
    "contrast": lambda image, rng: ImageEnhance.Contrast(image).enhance(0.5),
    "jpeg": compressed,
    "pixelate": pixelated,
    "covered": covered,
    "tint": tinted,
    "upside down": lambda image, rng: image.rotate(180),
}


def auroc(clean: np.ndarray, odd: np.ndarray) -> float:
    """Probability that an odd image scores above a clean one, ties counted half."""
    ranks = np.searchsorted(np.sort(clean), odd, side="left")
    upper = np.searchsorted(np.sort(clean), odd, side="right")
    return float((ranks + upper).mean() / (2 * len(clean)))


def measure(images: list[Image.Image], *, seed: int = 0) -> dict[str, float]:
    """AUROC by corruption, the images split by chance into reference and production."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    cut = len(images) * 7 // 10
    reference = Reference.fit([embed(np.asarray(images[i])) for i in order[:cut]], seed=seed)
    production = [images[i] for i in order[cut:]]

    def distances(pictures: list[Image.Image]) -> np.ndarray:
        return np.array([reference.distance(embed(np.asarray(p))) for p in pictures])

    clean = distances(production)
    return {
        name: auroc(clean, distances([spoil(p, rng) for p in production]))
        for name, spoil in CORRUPTIONS.items()
    }


def main(folder: Path) -> None:
    images = [Image.open(p).convert("RGB") for p in sorted(folder.glob("*.jp*g"))]
    spent = []
    for image in images[:50]:
        start = time.perf_counter()
        embed(np.asarray(image))
        spent.append(time.perf_counter() - start)
    print(f"{len(images)} images; embedding {np.median(spent) * 1e3:.1f} ms each")
    found = measure(images)
    for name, value in found.items():
        print(f"{name:12s} {value:.3f}")
    print(f"{'mean':12s} {np.mean(list(found.values())):.3f}")

    rng = np.random.default_rng(1)
    mix = rng.normal(size=(64, 576))
    rates = []
    for seed in range(5):
        draws = rng.standard_t(5, size=(2400, 64)) @ mix + rng.normal(size=(2400, 576))
        reference = Reference.fit(draws[:1000], seed=seed)
        rates.append(np.mean([reference.outlier(x).alarm for x in draws[1000:]]))
    print(f"false alarms at p <= 0.01, five references of 1,000: {np.round(rates, 4)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
