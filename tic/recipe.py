"""A Recipe determines one training completely; its fingerprint is its identity."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tic.errors import TicError

VERSION = 3
"""Raised when the same fields train to other bits than before."""

Positive = Annotated[int, Field(ge=1)]
Pruning = Literal["magnitude", "random"]
Precision = Literal["fp32", "bf16"]


class Recipe(BaseModel):
    """Everything that one training depends on, besides the bytes of its data.

    Attributes:
        dataset: Name of the data set.
        train_size: Number of training images, the first of a fixed permutation; all without it.
        architecture: Name of the network.
        timesteps: Number of timesteps T.
        tau: Time constant of the neurons, in timesteps (Eq. 1).
        loss: `mean` (cross-entropy of the mean logits over T), `prefix` (of every prefix read-out)
            or `alpha` (Eq. 10).
        alpha: Level of the α loss, in nats; with `loss="alpha"` only.
        alpha_per: Whether the α loss takes the absolute value of Eq. 9 per batch or per sample.
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: Of SGD at the start; a cosine takes it to 0 at the last epoch.
        momentum: Of SGD.
        weight_decay: L2 coefficient of SGD, on all parameters.
        precision: Of the training: `fp32`, or `bf16`, in which layers compute in bfloat16 where
            autocast deems it safe, while weights, membranes and loss stay in float32.
        augmentation: `crop-flip` (label-preserving, as the data set allows) or `none`.
        checkpoints: Number of evenly spaced epochs whose weights are kept. With more than one, the
            untrained network (epoch 0) and epoch 1 are kept beside them.
        seed: Of the initial weights, the order of the images, their augmentation and the weights
            that random pruning draws.
        parent: Recipe whose final weights this one starts from.
        sparsity: Share of prunable weights held at zero; needs a parent.
        pruning: Which weights are held at zero: those smallest in `magnitude` in the parent's final
            weights, or drawn at `random` from the seed. Those pruned in the parent are among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: str
    train_size: Positive | None = None
    architecture: str = "tiny"
    timesteps: Positive = 5
    tau: Annotated[float, Field(gt=0)] = 2.0
    loss: Literal["mean", "prefix", "alpha"] = "mean"
    alpha: Annotated[float, Field(ge=0)] | None = None
    alpha_per: Literal["batch", "sample"] = "batch"
    epochs: Positive = 60
    batch_size: Annotated[int, Field(ge=2)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 0.3
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    precision: Precision = "fp32"
    augmentation: Literal["crop-flip", "none"] = "crop-flip"
    checkpoints: Positive = 1
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    parent: Recipe | None = None
    sparsity: Annotated[float, Field(ge=0, lt=1)] = 0.0
    pruning: Pruning = "magnitude"

    def __init__(self, **fields: object) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise TicError(_explain(error)) from None

    @model_validator(mode="after")
    def _fields_belong_together(self) -> Recipe:
        if (self.loss == "alpha") != (self.alpha is not None):
            raise ValueError(
                f"alpha goes with loss='alpha' and only with it, "
                f"got loss={self.loss!r} and alpha={self.alpha}"
            )
        if self.alpha_per != "batch" and self.loss != "alpha":
            raise ValueError(f"alpha_per={self.alpha_per!r} needs loss='alpha', got {self.loss!r}")
        if self.sparsity and self.parent is None:
            raise ValueError(f"sparsity {self.sparsity} needs a parent whose weights are ranked")
        if self.pruning != "magnitude" and not self.sparsity:
            raise ValueError(f"pruning={self.pruning!r} needs a sparsity above 0, got 0")
        if self.checkpoints > self.epochs:
            raise ValueError(
                f"checkpoints must be at most epochs, got {self.checkpoints} and {self.epochs}"
            )
        return self

    def but(self, **changes: object) -> Recipe:
        """Return a copy with some fields changed, validated again."""
        return Recipe(**{**dict(self), **changes})

    def with_seed(self, seed: int) -> Recipe:
        """Return the same training with another seed, its ancestors included."""
        parent = None if self.parent is None else self.parent.with_seed(seed)
        return self.but(seed=seed, parent=parent)

    @property
    def ancestors(self) -> tuple[Recipe, ...]:
        """The trainings that this one builds on, eldest first."""
        return () if self.parent is None else (*self.parent.ancestors, self.parent)

    @property
    def checkpoint_epochs(self) -> tuple[int, ...]:
        """Epochs whose weights are kept, ascending; 0 is the untrained network."""
        every = {round(self.epochs * k / self.checkpoints) for k in range(1, self.checkpoints + 1)}
        start = {0, 1} if self.checkpoints > 1 else set()
        return tuple(sorted(every | start))

    def fingerprint(self, data_digest: str) -> str:
        """Identify the training by the fields that differ from their defaults, and by its data.

        Args:
            data_digest: Digest of the training images and labels.

        Returns:
            24 hexadecimal digits.
        """
        fields = self.model_dump(exclude_defaults=True, exclude={"parent"})
        if self.parent is not None:
            fields["parent"] = self.parent.fingerprint(data_digest)
        document = {"version": VERSION, "data": data_digest, "recipe": fields}
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:24]

    @property
    def label(self) -> str:
        """Short name for people, such as `tiny-digits-T5-alpha0.01-seed2`."""
        per = "-per-sample" if self.alpha_per == "sample" else ""
        loss = {"mean": "", "prefix": "-prefix"}.get(self.loss, f"-{self.loss}{self.alpha}{per}")
        drawn = "-random" if self.pruning == "random" else ""
        pruned = f"-pruned{self.sparsity:.1%}{drawn}" if self.sparsity else ""
        precision = "" if self.precision == "fp32" else f"-{self.precision}"
        shown = {"tau": "tau", "learning_rate": "lr", "weight_decay": "wd"}
        changed = "".join(
            f"-{short}{getattr(self, name):.3g}"
            for name, short in shown.items()
            if getattr(self, name) != Recipe.model_fields[name].default
        )
        return (
            f"{self.architecture}-{self.dataset}-T{self.timesteps}{changed}{loss}{pruned}{precision}"
            f"-seed{self.seed}"
        )


def _explain(error: ValidationError) -> str:
    return "not a valid Recipe: " + "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg']}, got {item['input']!r}"
        if item["loc"]
        else item["msg"].removeprefix("Value error, ")
        for item in error.errors()
    )
