"""Pictures as a recipe reads them: decoded as serving decodes them, stretched to a size."""

from pathlib import Path
from typing import Any

from services.trainer.recipes.base import Picture, TrainingRefused


def stretched(picture: Picture, size: tuple[int, int]) -> tuple[Any, tuple[int, int]]:
    """(PIL image of `size` = width, height; size of the displayed picture itself).

    Bilinear with antialias. Raises TrainingRefused if it is no whole picture.
    """
    from PIL import Image  # noqa: PLC0415

    from libs.vision.images import ImageRefused, decode_rgb  # noqa: PLC0415

    content = picture() if callable(picture) else picture
    try:
        rgb = decode_rgb(content.read_bytes() if isinstance(content, Path) else content)
    except (ImageRefused, OSError) as error:
        msg = f"A picture of the data set cannot be read: {error}"
        raise TrainingRefused(msg) from error
    image = Image.fromarray(rgb)
    return image.resize(size, Image.Resampling.BILINEAR), image.size
