"""Jobs: a training or a measurement as text that any engine can carry to any machine."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from tic.engine.plan import AttackedRun, priced_as, work
from tic.errors import DivergedRunError, TicError
from tic.kinds import describe, foreign_modules
from tic.lab import Lab
from tic.measure.cost import training_operations
from tic.measure.measurement import (
    Measurement,
    measure,
    sample_count,
    stored_result,
    timesteps,
)
from tic.recipe import Recipe
from tic.restoring import restore, trusting
from tic.train import train_if_free

Status = Literal["done", "left", "held", "failed", "lost"]

FILLING_OPERATIONS = 1e12
"""Operations of a training step that keep a whole GPU busy: some ten milliseconds of one."""
GPU_SHARES = (1 / 8, 1 / 4, 1 / 2)
"""Of a GPU, for smaller steps; the contexts of more than eight processes would fill its memory."""


@dataclass(frozen=True)
class Resources:
    """What a job takes, or what an engine has.

    Attributes:
        cpus: Cores.
        gpus: GPUs, or a share of one.
    """

    cpus: float
    gpus: float = 0.0


@dataclass(frozen=True)
class Job:
    """Something that one worker does in one go.

    Attributes:
        recipe: What is trained, or whose Run is measured.
        lab: Where the worker does it; with absolute folders, which are the same on every machine.
        measurement: What is measured; a training without it.
    """

    recipe: Recipe
    lab: Lab
    measurement: Measurement | None = None

    @property
    def label(self) -> str:
        """For people."""
        if self.measurement is None:
            return f"training {self.recipe.label}"
        return f"measuring {self.measurement.name} of {self.recipe.label}"

    @property
    def before(self) -> tuple[Job, ...]:
        """What has to be done first: the Run of the parent, or those that are measured."""
        if self.measurement is None:
            needed = [self.recipe.parent]
        else:
            needed = [self.recipe, *self.measurement.partners(self.recipe)]
        return tuple(Job(recipe, self.lab) for recipe in dict.fromkeys(needed) if recipe)

    @cached_property
    def work(self) -> float:
        """Sample presentations, in those of a training; of a measurement a rough number."""
        if self.measurement is None:
            return work(self.recipe)
        images = sample_count(self.measurement, self.recipe)
        clean = images * timesteps(self.measurement, self.recipe)
        passes = getattr(getattr(self.measurement, "corruption", None), "passes", None)
        return clean + (AttackedRun(self.recipe, images, passes).work if passes else 0)

    @cached_property
    def needs(self) -> Resources:
        """One core, and on a GPU the share of it that a training step of the network keeps busy.

        That is 1/8, 1/4 or 1/2 where the step takes at most that share of `FILLING_OPERATIONS`,
        else the whole GPU.
        """
        if self.lab.device_name.partition(":")[0] != "cuda":
            return Resources(cpus=1)
        return Resources(cpus=1, gpus=_gpu_share(priced_as(self.recipe)))

    def is_done(self, lab: Lab) -> bool:
        """Whether its result lies in the Store, seen from another Lab."""
        if self.measurement is None:
            return lab.has(self.recipe)
        return stored_result(self.measurement, self.recipe, lab) is not None

    def to_text(self) -> str:
        """Write the job as one line of JSON."""
        measured, lab = self.measurement, self.lab
        document = {
            "recipe": self.recipe.model_dump(mode="json"),
            "measurement": None if measured is None else describe(measured),
            "trusted": sorted(foreign_modules((measured, self.recipe))),
            "store": str(lab.store_root),
            "data": None if lab.data_root is None else str(lab.data_root),
            "device": lab.device_name,
            "compiled": lab.compiled,
        }
        return json.dumps(document, allow_nan=False)

    @classmethod
    def from_text(cls, text: str) -> Job:
        """Read a job of one's own: it says itself which modules its measurement may be of.

        Raises:
            TicError: It is no job.
        """
        try:
            document: dict[str, Any] = json.loads(text)
            described = document["measurement"]
            with trusting(document["trusted"]):
                return cls(
                    Recipe.model_validate(document["recipe"]),
                    _lab(*(document[name] for name in ("store", "data", "device", "compiled"))),
                    None if described is None else restore(described, Measurement),
                )
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise TicError(f"not a job ({type(error).__name__}: {error}): {text[:80]!r}") from error


@dataclass(frozen=True)
class Finished:
    """How a job ended.

    Attributes:
        job: What was to be done.
        status: `done`; `left`, as nothing can be measured on a diverged Run; `held`, as another
            process trains the Run; `failed`; or `lost` with its worker.
        reason: For people, where it failed or was lost.
        seconds: Time that the worker spent on it; 0 where it was lost. No part of equality.
    """

    job: Job
    status: Status
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @classmethod
    def from_text(cls, job: Job, answer: str) -> Finished:
        """Read a worker's answer."""
        return cls(job, **json.loads(answer))


def carry_out(text: str) -> str:
    """Do a job, in the process of a worker.

    Args:
        text: As `Job.to_text` wrote it.

    Returns:
        The answer for `Finished.from_text`, one line of JSON. No error is raised.
    """
    started = monotonic()
    status, reason = _attempt(text)
    return json.dumps({"status": status, "reason": reason, "seconds": monotonic() - started})


def _attempt(text: str) -> tuple[Status, str]:
    try:
        job = Job.from_text(text)
        if job.measurement is None:
            return _train(job.recipe, job.lab), ""
        measure(job.measurement, job.recipe, job.lab)
    except DivergedRunError:
        return "left", ""
    except TicError as error:
        return "failed", str(error)
    except Exception:  # a defect; whoever started the build sees where
        return "failed", traceback.format_exc()
    return "done", ""


def _train(recipe: Recipe, lab: Lab) -> Status:
    """Train; an ancestor that turns out to be damaged is trained again first."""
    for needed in (*recipe.ancestors, recipe):
        if not train_if_free(needed, lab) and not lab.has(needed):
            return "held"
    return "done"


@lru_cache(maxsize=8)
def _lab(store: str, data: str | None, device: str, compiled: bool) -> Lab:
    """One Lab for all jobs of a worker, so that it verifies each Run once."""
    return Lab(Path(store), None if data is None else Path(data), device, compiled)


@lru_cache(maxsize=64)
def _gpu_share(recipe: Recipe) -> float:
    per_sample = training_operations(recipe.but(train_size=1))
    if per_sample is None:
        return 1.0
    step = per_sample * recipe.batch_size
    return next((share for share in GPU_SHARES if step <= share * FILLING_OPERATIONS), 1.0)
