"""A Recipe determines one training completely; its fingerprint is its identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from tic import former
from tic.data import Augmentation, Dataset
from tic.errors import TicError
from tic.fitting import HOOKS, CosineSGD, Fitting, Rule
from tic.kinds import identity, place
from tic.losses import Loss, MeanLoss
from tic.models.architecture import Architecture
from tic.restoring import Described, UntrustedError
from tic.seeding import derive
from tic.text import quoted, shorten

VERSION = 4
"""Raised when the same fields train to other bits than before."""

MOST_TIMESTEPS = 10_000
MOST_EPOCHS = 1_000_000
MOST_SAMPLES = 10**9
MOST_ANCESTORS = 100
MOST_TWINS = 1000
"""Beyond these no training ends; what is larger is refused before anything is allocated for it."""
_MOST_FAULTS, _LONGEST_PLACE = 5, 60
_REFUSAL = "not a valid Recipe: "

Timesteps = Annotated[int, Field(ge=1, le=MOST_TIMESTEPS)]
Epochs = Annotated[int, Field(ge=1, le=MOST_EPOCHS)]
Count = Annotated[int, Field(ge=1, le=MOST_SAMPLES)]
Precision = Literal["fp32", "bf16"]


class Recipe(BaseModel):
    """Everything that one training depends on, besides the bytes of its data.

    What a paper may bring is a kind (see `tic.kinds`); the rest is the same for all.

    Attributes:
        dataset: What it is trained on.
        train_size: Number of training samples, the first of a fixed permutation; all without it.
        architecture: What builds the network.
        timesteps: Number of timesteps T; 1 for a network without time.
        loss: What is made small.
        fitting: Optimiser and schedule.
        rules: What else acts on the training, in this order.
        epochs: Passes over the training samples.
        batch_size: Samples per step.
        precision: Of the training: `fp32`, or `bf16`, in which layers compute in bfloat16 where
            autocast deems it safe, while weights, membranes and loss stay in float32.
        augmentation: Of the training samples; none without it.
        checkpoints: Number of evenly spaced epochs whose weights are kept. With more than one, the
            untrained network (epoch 0) and epoch 1 are kept beside them.
        seed: Of the initial weights, the order of the samples, their augmentation and what rules
            draw.
        twin: Number of the twin: trainings that differ in it alone are the same with other random
            numbers, so that several of one seed can be compared with each other.
        parent: Recipe whose final weights this one starts from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: Annotated[Dataset, Described(Dataset)]
    train_size: Count | None = None
    architecture: Annotated[Architecture, Described(Architecture)]
    timesteps: Timesteps = 5
    loss: Annotated[Loss, Described(Loss)] = MeanLoss()
    fitting: Annotated[Fitting, Described(Fitting)] = CosineSGD()
    rules: tuple[Annotated[Rule, Described(Rule)], ...] = ()
    epochs: Epochs = 60
    batch_size: Annotated[int, Field(ge=2, le=MOST_SAMPLES)] = 128
    precision: Precision = "fp32"
    augmentation: Annotated[Augmentation, Described(Augmentation)] | None = None
    checkpoints: Epochs = 1
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    twin: Annotated[int, Field(ge=0, le=MOST_TWINS)] = 0
    parent: Recipe | None = None

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
        for rule in (self.fitting, *self.rules):
            if rule.needs_parent and self.parent is None:
                raise ValueError(f"{rule.label} needs a parent whose weights it starts from")
        for rule in self.rules:
            if not rule.acts:
                raise ValueError(
                    f"{place(rule)} must define {', '.join(HOOKS)}, or some of them, by these "
                    "names, got none: it would never act on a training"
                )
        if self.checkpoints > self.epochs:
            raise ValueError(
                f"checkpoints must be at most epochs, got {self.checkpoints} and {self.epochs}; "
                "change both"
            )
        return self

    def but(self, **changes: object) -> Recipe:
        """Return a copy with some fields changed, validated again; itself where nothing changes."""
        fields = dict(self)
        if all(name in fields and fields[name] is value for name, value in changes.items()):
            return self
        return Recipe(**{**fields, **changes})

    def with_seed(self, seed: int) -> Recipe:
        """Return the same training with another seed, its ancestors included."""
        parent = None if self.parent is None else self.parent.with_seed(seed)
        changes = {"seed": seed, "parent": parent}
        # Other fields are valid already, and every Run of an audit is made so.
        is_seed = type(seed) is int and 0 <= seed < 2**63
        return self.model_copy(update=changes) if is_seed else self.but(**changes)

    @property
    def random_seed(self) -> int:
        """What its random numbers follow from: the seed, and which twin it is."""
        return derive(self.seed, f"twin {self.twin}") if self.twin else self.seed

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

    def fingerprint(self, data_digest: str, ancestral: Sequence[str] = ()) -> str:
        """Identify the training by the fields that differ from their defaults, and by its data.

        Args:
            data_digest: Digest of the training images and labels.
            ancestral: Likewise of each ancestor, eldest first; without, all have the same data.

        Returns:
            24 hexadecimal digits.
        """
        version, fields = former.identity(self.described()) or (VERSION, identity(self))
        if self.parent is not None:
            *elder, of_parent = ancestral or (data_digest,)
            fields["parent"] = self.parent.fingerprint(of_parent, elder)
        document = {"version": version, "data": data_digest, "recipe": fields}
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:24]

    def described(self) -> dict[str, Any]:
        """The fields as plain JSON without the parent, kinds as `tic.kinds` describes them."""
        described = self.model_dump(mode="json", exclude={"parent"})
        if not self.twin:  # as it was described before there were twins
            del described["twin"]
        return described

    @property
    def label(self) -> str:
        """Short name for people, such as `tiny-digits-T5-alpha0.01-seed2`."""
        parts = [f"{self.architecture.label}-{self.dataset.label}-T{self.timesteps}"]
        for name in ("fitting", "loss"):
            value = getattr(self, name)
            if value != type(self).model_fields[name].default:
                parts.append(value.label)
        parts += [rule.label for rule in self.rules]
        parts += [] if self.augmentation is None else [self.augmentation.label]
        parts += [] if self.precision == "fp32" else [self.precision]
        parts += [f"twin{self.twin}"] if self.twin else []
        return "-".join([*filter(None, parts), f"seed{self.seed}"])


def _require_few_ancestors(fields: object) -> None:
    """Refuse a chain of parents that is too long to be followed, before anybody follows it."""
    for _ in range(MOST_ANCESTORS + 2):
        if isinstance(fields, dict):
            fields = fields.get("parent")
        elif isinstance(fields, Recipe):
            fields = fields.parent
        else:
            return
    raise TicError(
        f"{_REFUSAL}parent: a Recipe must have at most {MOST_ANCESTORS} ancestors, got more"
    )


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            if isinstance(untrusted := fault.get("ctx", {}).get("error"), UntrustedError):
                raise untrusted from None
        raise TicError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    """Say of each wrong field which rule it breaks and what it is."""
    faults = error.errors(include_url=False, include_context=False)
    named = [_fault(".".join(map(str, fault["loc"])), fault) for fault in faults[:_MOST_FAULTS]]
    others = [f"and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
    if any(fault["type"] == "extra_forbidden" for fault in faults):
        others.append(f"known fields: {', '.join(Recipe.model_fields)}")
    return _REFUSAL + "; ".join(named + others)


def _fault(place: str, error: ErrorDetails) -> str:
    says = error["msg"].removeprefix("Value error, ").removeprefix(_REFUSAL)
    if error["type"] == "extra_forbidden":
        return f"there is no field {quoted(shorten(place, _LONGEST_PLACE))}"
    # What a rule of ours says holds the value already.
    got = "" if error["type"] == "value_error" else f", got {quoted(error['input'])}"
    return f"{shorten(place, _LONGEST_PLACE)}: {says}{got}" if place else f"{says}{got}"
