"""The built-in detector; `recipe` is what the entry point names."""

from services.trainer.recipes.detection.fitting import DetectionRecipe

recipe = DetectionRecipe()
