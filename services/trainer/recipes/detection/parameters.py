"""What a user may choose for the detector."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from services.trainer.recipes.base import RecipeParameters

GRID = 32
RATE = 3e-3
RETRAINING_RATE = 2e-3
WARM_UP = 0.10
RETRAINING_WARM_UP = 0.05
LONG = 2000
EMA = 0.995
LONG_EMA = 0.998


class DetectionParameters(RecipeParameters):
    steps: int = Field(
        default=800,
        ge=1,
        le=100_000,
        description="Optimiser steps. 300 to 500 are enough to retrain.",
    )
    batch: int = Field(default=4, ge=1, le=64, description="Pictures per step.")
    input_width: int = Field(
        default=256,
        ge=32,
        le=1024,
        description="Width the network sees, rounded to a multiple of 32.",
    )
    input_height: int = Field(
        default=192,
        ge=32,
        le=1024,
        description="Height the network sees, rounded to a multiple of 32.",
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        le=0.1,
        description="Highest learning rate. Unset: 0.003, and 0.002 when starting from a model.",
    )
    seed: int = Field(
        default=0, ge=0, lt=2**32, description="Same seed, same data: the same weights."
    )
    flips: bool = Field(
        default=True,
        description="Mirror pictures at random. Off where orientation carries meaning.",
    )
    quarter_turns: bool = Field(
        default=True,
        description="Turn pictures by 90° at random. Off where orientation carries meaning.",
    )
    jitter: float = Field(
        default=0.1,
        ge=0,
        le=0.9,
        description="Largest relative change of each colour channel. High values make the model "
        "robust to another camera and cost accuracy on this one.",
    )
    scale_min: float = Field(
        default=0.9, ge=0.25, le=4, description="Smallest random magnification."
    )
    scale_max: float = Field(
        default=1.15, ge=0.25, le=4, description="Largest random magnification."
    )
    validate_every: int = Field(
        default=200, ge=0, description="Steps between two validations; 0: only at the end."
    )
    replay_share: float = Field(
        default=0.5,
        ge=0,
        le=0.9,
        description="Share of each batch drawn from the old training data when retraining. At 0 "
        "the model forgets what it knew.",
    )

    @field_validator("input_width", "input_height")
    @classmethod
    def _on_the_grid(cls, value: int) -> int:
        return max(GRID, round(value / GRID) * GRID)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.scale_min > self.scale_max:
            msg = "scale_min must not be greater than scale_max"
            raise ValueError(msg)
        return self

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the input."""
        return self.input_width, self.input_height
