"""Which recipes there are: those of the entry-point group, and the two built in at least."""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from services.trainer.recipes.base import ENTRY_POINT_GROUP, Recipe

BUILT_IN = {
    "classification": "services.trainer.recipes.classification:recipe",
    "detection": "services.trainer.recipes.detection:recipe",
}


class UnknownRecipe(LookupError):
    """No recipe of this name is installed; the message lists those that are."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"no recipe is called {name!r}; there are: {', '.join(known)}")


def _declared() -> dict[str, EntryPoint]:
    """By name. In a checkout without distribution metadata the built-in ones are still there."""
    found = {name: EntryPoint(name, target, ENTRY_POINT_GROUP) for name, target in BUILT_IN.items()}
    found.update({point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)})
    return found


def recipe_names() -> list[str]:
    """Sorted names; nothing is imported."""
    return sorted(_declared())


def load_recipe(name: str) -> Recipe:
    """Import and return a recipe; raises UnknownRecipe."""
    declared = _declared()
    if name not in declared:
        raise UnknownRecipe(name, sorted(declared))
    point = declared[name]
    loaded: Recipe = getattr(import_module(point.module), point.attr)
    return loaded


def recipe_for(task: str) -> Recipe:
    """The built-in recipe of a task (OBJECT_DETECTION, CLASSIFICATION); raises UnknownRecipe."""
    for name in BUILT_IN:
        built_in = load_recipe(name)
        if built_in.task == task:
            return built_in
    raise UnknownRecipe(task, recipe_names())
