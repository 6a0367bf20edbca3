"""An experiment's parameters: some for the run, the rest for the recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.schemas.values import TaskType
from services.trainer.errors import ExperimentRefused
from services.trainer.recipes.base import Recipe
from services.trainer.recipes.registry import UnknownRecipe, load_recipe, recipe_for


class RunParameters(BaseModel):
    """What every run takes, whichever its recipe."""

    model_config = ConfigDict(frozen=True)

    recipe: str | None = Field(default=None, description="Which recipe; by task type if unset.")
    validation_share: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        description="Share of the new pictures held out to measure on, where there are 50 or "
        "more and no dataset has the alias validation.",
    )


@dataclass(frozen=True, slots=True)
class Split:
    """Parameters, divided."""

    run: RunParameters
    recipe: Mapping[str, Any]


def split(parameters: Mapping[str, Any]) -> Split:
    """Divide an experiment's parameters. Raises ExperimentRefused."""
    own = {name: parameters[name] for name in RunParameters.model_fields if name in parameters}
    try:
        run = RunParameters.model_validate(own)
    except ValidationError as error:
        raise _wrong(error) from error
    return Split(run, {name: value for name, value in parameters.items() if name not in own})


def chosen_recipe(name: str | None, task: TaskType) -> Recipe:
    """The recipe of a name, or the built-in one of a task. Imports it (0.4 s, no JAX).

    Raises ExperimentRefused where there is none, or it takes other data.
    """
    try:
        recipe = recipe_for(task) if name is None else load_recipe(name)
    except UnknownRecipe as error:
        raise ExperimentRefused(
            f"There is no recipe for {task} data: {error}.",
            errors=[("parameters.recipe", str(error))],
        ) from error
    if recipe.task != task:
        sentence = f"The recipe {recipe.name} takes {recipe.task} data, not {task}."
        raise ExperimentRefused(sentence, errors=[("parameters.recipe", sentence)])
    return recipe


def check(parameters: Mapping[str, Any], task: TaskType) -> None:
    """Raises ExperimentRefused, naming each parameter that the run or its recipe refuses."""
    divided = split(parameters)
    recipe = chosen_recipe(divided.run.recipe, task)
    try:
        recipe.parameters.model_validate(divided.recipe)
    except ValidationError as error:
        raise _wrong(error) from error


def _wrong(error: ValidationError) -> ExperimentRefused:
    faults = [
        (".".join(["parameters", *map(str, fault["loc"])]), str(fault["msg"]))
        for fault in error.errors(include_url=False, include_input=False)
    ]
    said = "; ".join(f"{where}: {what}" for where, what in faults)
    return ExperimentRefused(f"The parameters cannot be used: {said}.", errors=faults)
