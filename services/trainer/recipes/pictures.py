"""Pictures as a recipe reads them: decoded, RGB, stretched to a size by bilinear with antialias."""

import io
from pathlib import Path
from typing import Any

from services.trainer.recipes.base import Picture, TrainingRefused


def stretched(picture: Picture, size: tuple[int, int]) -> tuple[Any, tuple[int, int]]:
    """(PIL image of `size` = width, height; size of the picture itself).

    Raises TrainingRefused if it is no picture.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    content = picture() if callable(picture) else picture
    try:
        source = content if isinstance(content, Path) else io.BytesIO(content)
        with Image.open(source) as opened:
            # A draft decodes a JPEG at a fraction of its size, never below what is asked for.
            original = opened.size
            opened.draft("RGB", (size[0] * 2, size[1] * 2))
            image = opened.convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        msg = f"a picture of the data set cannot be read: {error}"
        raise TrainingRefused(msg) from error
    return image.resize(size, Image.Resampling.BILINEAR), original
