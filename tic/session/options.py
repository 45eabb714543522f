"""Command-line options of an audit, resolved against the settings of packs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from tic.attacks.suite import Level
from tic.audit.claims import Claim
from tic.audit.pack import Lacking, Pack, Setting
from tic.audit.protocol import STANDARD, Protocol
from tic.data import Dataset
from tic.errors import TicError
from tic.files import require_folder
from tic.recipe import MOST_EPOCHS, MOST_SAMPLES, MOST_TIMESTEPS, Precision
from tic.session.budget import Budget, read_budget
from tic.session.overriding import overridden
from tic.stats import Design
from tic.stats.looks import LOOKS
from tic.text import quoted, shorten

MOST_SEEDS = 1000
LAST_SEED = 1_000_000
MOST_WORKERS = 1_000_000
ALL_PROTOCOLS = "all"
Size = int | Literal["all"]


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line; empty or None where nothing was.

    Attributes:
        architectures: Each brings its pack's setting; the pack's default without any.
        datasets: Override the settings' data set, one audit setting each.
        timesteps: Overrides T.
        epochs: Overrides the length of the training.
        precision: Overrides the precision of the training.
        seeds: Overrides the seeds.
        train_size: Number of training images; "all" for every one.
        sizes: Purpose, and at most so many samples for it; None for all.
        attacks: Level of the attack suite.
        changes: `FIELD=VALUE`, for any field; applied last.
        papers: Keys of the papers whose claims are meant; all without any.
        claims: Patterns of claim names, ids or places; all without any.
        protocols: Names of protocols; only the standard one without any.
        gpus: Numbers of GPUs whose schedule a plan simulates.
        budget: What a sequential audit may spend; None where the number of seeds is fixed.
    """

    architectures: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    timesteps: int | None = None
    epochs: int | None = None
    precision: Precision | None = None
    seeds: tuple[int, ...] | None = None
    train_size: Size | None = None
    sizes: tuple[tuple[str, int | None], ...] = ()
    attacks: Level | None = None
    changes: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    gpus: tuple[int, ...] = ()
    budget: Budget | None = None

    @property
    def design(self) -> Design:
        """Whether the number of seeds is fixed in advance."""
        return "fixed" if self.budget is None else "sequential"

    def settings(self, pack: Pack) -> list[Setting | Lacking]:
        """Resolve the settings that the claims of a pack are audited in.

        Their order is that of the options, the same for every pack. One that the pack does not
        have, as another in the same audit may, is listed with the reason.
        """
        return [
            self._setting(pack, architecture, dataset)
            for architecture in self.architectures or (pack.default,)
            for dataset in self.datasets or (None,)
        ]

    def selects(self, claim: Claim) -> bool:
        """Whether `--claim` names this claim or rival, by its name, its full id or its place."""
        return not self.claims or any(_matches(claim, pattern) for pattern in self.claims)

    def concerns(self, claim: Claim) -> bool:
        """Whether `--paper` names the paper of this claim or rival."""
        return not self.papers or claim.pack.paper.key in self.papers

    def require_papers(self, claims: Sequence[Claim]) -> None:
        """Refuse a paper that says none of the claims, unless there are no claims at all.

        Raises:
            TicError: One of the keys is that of no paper.
        """
        known = sorted({claim.pack.paper.key for claim in claims})
        for key in self.papers:
            if known and key not in known:
                raise TicError(f"--paper does not know {quoted(key)}; known: {', '.join(known)}")

    def require_claims(self, claims: Sequence[Claim]) -> None:
        """Refuse a pattern that names none of the claims, unless there are no claims at all.

        Raises:
            TicError: One of the patterns matches nothing.
        """
        for pattern in self.claims:
            if claims and not any(_matches(claim, pattern) for claim in claims):
                names = sorted({claim.name for claim in claims} | {claim.id for claim in claims})
                close = get_close_matches(pattern.strip("*"), names, n=1)
                meant = f"did you mean {close[0]}? " if close else ""
                raise TicError(
                    f"--claim {quoted(pattern)} names no claim; {meant}`tic claims` lists their "
                    "names and places"
                )

    def protocols_of(self, claim: Claim) -> list[Protocol]:
        """Resolve the protocols that a claim is judged by: the standard one if none concerns it."""
        wanted = set(self.protocols or [STANDARD.name])
        offered = (STANDARD, *claim.protocols)
        chosen = [
            protocol for protocol in offered if protocol.name in wanted or ALL_PROTOCOLS in wanted
        ]
        return chosen or [STANDARD]

    def require_protocols(self, known: Collection[str]) -> None:
        """Refuse a protocol that no claim knows.

        Raises:
            TicError: A name is neither known nor `standard` nor `all`.
        """
        names = [STANDARD.name, *sorted(known), ALL_PROTOCOLS]
        for name in self.protocols:
            if name not in names:
                raise TicError(
                    f"--protocol does not know {quoted(name)}; known: {', '.join(names)}"
                )

    def _setting(self, pack: Pack, architecture: str, dataset: str | None) -> Setting | Lacking:
        try:
            chosen = pack.dataset(dataset) if dataset else None
            return self._override(pack.setting(architecture), chosen)
        except TicError as error:
            known = pack.settings.get(architecture)
            used = dataset or (known.recipe.dataset.name if known else None)
            named = {"network": architecture, "data set": used}
            return Lacking({key: name for key, name in named.items() if name}, str(error))

    def _override(self, setting: Setting, dataset: Dataset | None) -> Setting:
        changes: dict[str, Any] = {
            "dataset": dataset,
            "timesteps": self.timesteps,
            "epochs": self.epochs,
            "precision": self.precision,
        }
        setting = setting.but(**{name: value for name, value in changes.items() if value})
        if self.seeds is not None:
            setting = replace(setting, seeds=self.seeds)
        if self.budget is not None:
            setting = setting.with_seed_count(LOOKS[0])
        # A purpose that the pack does not name is another pack's in the same audit.
        known = {*setting.sizes, "test", "attack"}
        sizes = {purpose: size for purpose, size in self.sizes if purpose in known}
        setting = replace(setting, sizes={**setting.sizes, **sizes})
        if self.attacks is not None:
            setting = replace(setting, attacks=self.attacks)
        if self.train_size is not None:
            setting = _limit(setting, self.train_size)
        return overridden(setting, self.changes)


def _matches(claim: Claim, pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in (claim.name, claim.id, *claim.places))


def _number(size: Size) -> int | None:
    return None if size == "all" else size


def _limit(setting: Setting, train_size: Size) -> Setting:
    facts = setting.recipe.dataset.facts
    if train_size == "all":
        return setting.but(train_size=None)
    if train_size > facts.train_size:
        raise TicError(
            f"--train-size must be at most the {facts.train_size} training {facts.noun} of "
            f"{facts.name}, got {train_size}; use --train-size all"
        )
    return setting.but(train_size=train_size)


def read_options(flags: argparse.Namespace) -> Options:
    """Read the options of an audit from pytest's.

    Raises:
        TicError: A value is out of its range.
    """
    if flags.gpus is not None and not flags.plan:
        raise TicError(
            f"--gpus goes with --plan, whose schedule it simulates, got --gpus "
            f"{shorten(flags.gpus, 40)} alone; use tic plan, or -n for the number of processes"
        )
    if flags.budget is not None and flags.seeds is not None:
        raise TicError(
            f"--budget adds seeds where a verdict is open, and --seeds fixes their number, got "
            f"both: --budget {shorten(flags.budget, 40)} --seeds {shorten(flags.seeds, 40)}; "
            "leave one of them out"
        )
    if flags.write_pilots and flags.seeds is None:
        raise TicError(
            "--write-pilots needs seeds that no audit uses, and goes with --seeds FIRST-LAST, such "
            "as --seeds 800000-800005"
        )
    if flags.write_pilots and (flags.build or flags.plan or flags.list):
        raise TicError(
            "--write-pilots keeps what an audit judged, and --build, --plan and --list judge "
            "nothing; leave one of them out"
        )
    require_folder("--store", store_folder(flags))
    if flags.report_dir is not None:
        require_folder("--report-dir", flags.report_dir)
    if flags.data is not None:
        require_folder("--data", flags.data)
    return Options(
        architectures=_listed("--arch", flags.arch),
        datasets=_listed("--dataset", flags.dataset),
        timesteps=_count("--timesteps", flags.timesteps, MOST_TIMESTEPS),
        epochs=_count("--epochs", flags.epochs, MOST_EPOCHS),
        precision=flags.precision,
        seeds=None if flags.seeds is None else _seeds(flags.seeds),
        train_size=_size("--train-size", flags.train_size),
        sizes=tuple(
            (purpose, _number(size))
            for purpose in ("fisher", "test", "attack")
            if (size := _size(f"--{purpose}-size", getattr(flags, f"{purpose}_size"))) is not None
        ),
        attacks=flags.attacks,
        changes=tuple(flags.set),
        papers=_listed("--paper", flags.paper),
        claims=_listed("--claim", flags.claim),
        protocols=_listed("--protocol", flags.protocol),
        gpus=tuple(
            _whole("--gpus", count, MOST_WORKERS) for count in _listed("--gpus", flags.gpus)
        ),
        budget=None if flags.budget is None else read_budget(flags.budget),
    )


def store_folder(flags: argparse.Namespace) -> Path:
    """Folder of the Store: what was asked for, else $TIC_STORE, else `.tic`."""
    return flags.store or Path(os.environ.get("TIC_STORE") or ".tic")


def _seeds(text: str) -> tuple[int, ...]:
    """Read a number of seeds, counted from 0, or the first and the last: `5`, `5-9`."""
    first, dash, last = text.partition("-")
    if not (dash and first and last):
        return tuple(range(_whole("--seeds", text, MOST_SEEDS, " or FIRST-LAST")))
    ends = [_whole("--seeds", end, LAST_SEED, least=0) for end in (first, last)]
    if not 0 <= ends[1] - ends[0] < MOST_SEEDS:
        raise TicError(
            f"--seeds must name the first and the last of at most {MOST_SEEDS} seeds, such as 5-9, "
            f"got {quoted(text)}"
        )
    return tuple(range(ends[0], ends[1] + 1))


def _size(option: str, text: str | None) -> Size | None:
    return "all" if text == "all" else _count(option, text, MOST_SAMPLES, way_out=" or all")


def _count(option: str, text: str | None, most: int, way_out: str = "") -> int | None:
    return None if text is None else _whole(option, text, most, way_out)


def _whole(option: str, text: str, most: int, way_out: str = "", *, least: int = 1) -> int:
    """Read a whole number up to `most`; digits beyond those of `most` are never converted."""
    digits = (text.lstrip("0") or text[-1:]) if text.isascii() and text.isdigit() else ""
    if not digits or (digits == "0" and least > 0):
        raise TicError(
            f"{option} must be a whole number of at least {least}{way_out}, got {quoted(text)}"
        )
    if len(digits) > len(str(most)) or int(digits) > most:
        raise TicError(f"{option} must be at most {most}{way_out}, got {quoted(text)}")
    return int(digits)


def _listed(option: str, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names or len(set(names)) != len(names):
        raise TicError(f"{option} needs distinct names separated by commas, got {quoted(text)}")
    return names
