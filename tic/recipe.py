"""A Recipe determines one training completely; its fingerprint is its identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from tic.errors import TicError
from tic.text import quoted, shorten

VERSION = 3
"""Raised when the same fields train to other bits than before."""

MOST_TIMESTEPS = 10_000
MOST_EPOCHS = 1_000_000
MOST_IMAGES = 10**9
MOST_ANCESTORS = 100
"""Beyond these no training ends; what is larger is refused before anything is allocated for it."""
_MOST_FAULTS, _LONGEST_PLACE = 5, 60
_REFUSAL = "not a valid Recipe: "

Name = Annotated[str, Field(max_length=200)]
Timesteps = Annotated[int, Field(ge=1, le=MOST_TIMESTEPS)]
Epochs = Annotated[int, Field(ge=1, le=MOST_EPOCHS)]
Images = Annotated[int, Field(ge=1, le=MOST_IMAGES)]
# Equal Recipes have equal fingerprints, and -0.0 equals 0.0.
_UNSIGNED = AfterValidator(lambda number: number + 0.0)
NotNegative = Annotated[float, Field(ge=0), _UNSIGNED]
Share = Annotated[float, Field(ge=0, lt=1), _UNSIGNED]
Pruning = Literal["magnitude", "random"]
PruningScope = Literal["global", "layer"]
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
        dampening: Of SGD: the momentum takes up (1 - dampening) of every gradient after the first;
            needs a momentum.
        weight_decay: L2 coefficient of SGD, on all parameters.
        batch_norm: Whether batch normalisation takes its statistics while training over all
            timesteps of a batch together (`joint`), or over each by itself (`stepwise`), which
            updates the running ones T times in a step.
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
        pruning_scope: Whether weights compete with those of all layers (`global`), or of their own
            `layer`, so that every layer has the same sparsity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: Name
    train_size: Images | None = None
    architecture: Name = "tiny"
    timesteps: Timesteps = 5
    tau: Annotated[float, Field(gt=0)] = 2.0
    loss: Literal["mean", "prefix", "alpha"] = "mean"
    alpha: NotNegative | None = None
    alpha_per: Literal["batch", "sample"] = "batch"
    epochs: Epochs = 60
    batch_size: Annotated[int, Field(ge=2, le=MOST_IMAGES)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 0.3
    momentum: Share = 0.9
    dampening: Share = 0.0
    weight_decay: NotNegative = 5e-4
    batch_norm: Literal["joint", "stepwise"] = "joint"
    precision: Precision = "fp32"
    augmentation: Literal["crop-flip", "none"] = "crop-flip"
    checkpoints: Epochs = 1
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    parent: Recipe | None = None
    sparsity: Share = 0.0
    pruning: Pruning = "magnitude"
    pruning_scope: PruningScope = "global"

    def __init__(self, **fields: object) -> None:
        _require_few_ancestors(fields)
        with _explained():
            super().__init__(**fields)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Make a Recipe of its fields; raises TicError where they do not make one."""
        _require_few_ancestors(obj)
        with _explained():
            return super().model_validate(obj, **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read a Recipe that `model_dump_json` wrote; raises TicError where it is none."""
        with _explained():
            return super().model_validate_json(json_data, **options)

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
        for name in ("pruning", "pruning_scope"):
            if getattr(self, name) != type(self).model_fields[name].default and not self.sparsity:
                raise ValueError(f"{name}={getattr(self, name)!r} needs a sparsity above 0, got 0")
        if self.dampening and not self.momentum:
            raise ValueError(f"dampening {self.dampening} needs a momentum above 0, got 0")
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
        ranked = "-by-layer" if self.pruning_scope == "layer" else ""
        pruned = f"-pruned{self.sparsity:.1%}{drawn}{ranked}" if self.sparsity else ""
        batch_norm = "" if self.batch_norm == "joint" else f"-{self.batch_norm}"
        precision = "" if self.precision == "fp32" else f"-{self.precision}"
        shown = {"tau": "tau", "learning_rate": "lr", "dampening": "damp", "weight_decay": "wd"}
        changed = "".join(
            f"-{short}{getattr(self, name):.3g}"
            for name, short in shown.items()
            if getattr(self, name) != Recipe.model_fields[name].default
        )
        return (
            f"{self.architecture}-{self.dataset}-T{self.timesteps}{changed}{batch_norm}{loss}{pruned}"
            f"{precision}-seed{self.seed}"
        )


def _require_few_ancestors(fields: object) -> None:
    """Refuse a chain of parents that is too long to be followed, before anybody follows it."""
    for _ in range(MOST_ANCESTORS + 2):
        if isinstance(fields, dict):
            fields = fields.get("parent")
        elif isinstance(fields, Recipe):
            fields = fields.parent
        else:
            return
    raise TicError(f"{_REFUSAL}parent: at most {MOST_ANCESTORS} may follow, got more")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise TicError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    """Say of each wrong field which rule it breaks and what it is."""
    faults = error.errors(include_url=False, include_context=False)
    told = [_fault(".".join(map(str, each["loc"])), each) for each in faults[:_MOST_FAULTS]]
    others = [f"and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
    return _REFUSAL + "; ".join(told + others)


def _fault(place: str, error: ErrorDetails) -> str:
    says = error["msg"].removeprefix("Value error, ").removeprefix(_REFUSAL)
    # What a rule of ours says holds the value already.
    got = "" if error["type"] == "value_error" else f", got {quoted(error['input'])}"
    return f"{shorten(place, _LONGEST_PLACE)}: {says}{got}" if place else f"{says}{got}"
