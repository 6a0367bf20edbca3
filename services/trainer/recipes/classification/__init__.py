"""The built-in classifier; `recipe` is what the entry point names."""

from services.trainer.recipes.classification.fitting import ClassificationRecipe

recipe = ClassificationRecipe()
