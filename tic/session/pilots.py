"""Pilots: how far seeds spread, known before an audit, from seeds that no audit uses.

With five seeds a variance has four degrees of freedom, and a small error rate then asks for
enormous effects. The seeds of a pilot are of the same trainings, measured in the same way, and tell
only how far seeds spread (see `tic.stats.judge`) and in which order claims are worth a look. Their
means have no part in any verdict. A pack keeps what they gave in a file beside its claims:

    pytest claims --seeds 800000-800005 --write-pilots

What was trained, measured or claimed otherwise since then has no pilot, and is judged without one.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError, model_validator

from tic.document.audit import Entry
from tic.document.evidence import Effects, Pilot, Record
from tic.document.loading import first_fault
from tic.errors import TicError
from tic.files import parse_json, read_whole
from tic.lab import Lab
from tic.session.planned import PlannedEntry
from tic.writing import write_json

FEWEST = 3
"""Seeds of a pilot at least."""
FIRST = 10_000
"""Seed that a pilot may begin with; an audit adds a thousand to those of its setting at most."""


class EntryPilot(Record):
    """What pilot seeds gave for one claim in one setting.

    `measurements` tells which version each measurement had. A claim may be `left_open` by its test,
    whatever its effects say.
    """

    version: int
    measurements: dict[str, int]
    contrasts: tuple[Effects, ...]
    left_open: bool = False

    @model_validator(mode="after")
    def _has_pilots(self) -> EntryPilot:
        for effects in self.contrasts:
            if len(effects.seeds) < FEWEST:
                raise ValueError(
                    f"{effects.name}: a pilot takes at least {FEWEST} seeds, got "
                    f"{len(effects.seeds)}"
                )
            Pilot(seeds=effects.seeds, effects=effects.effects)
        return self

    @property
    def by_name(self) -> dict[str, Effects]:
        """Those whose spread can be used: means, of which one alone has the name."""
        names = Counter(effects.name for effects in self.contrasts)
        return {
            effects.name: effects
            for effects in self.contrasts
            if effects.trend is None and not effects.rate and names[effects.name] == 1
        }


class Pilots(Record):
    """A pack's file of pilots, by the ids of the audit's entries and by what was trained."""

    entries: dict[str, dict[str, EntryPilot]]


def pilot_of(planned: PlannedEntry, lab: Lab) -> EntryPilot | None:
    """Find what pilot seeds gave for a claim as it is planned."""
    path = planned.claim.pack.pilots
    if path is None or planned.control is not None or not planned.seeded_recipes:
        return None
    pilot = _read(path).entries.get(planned.id, {}).get(pilot_key(planned, lab))
    return pilot if pilot is not None and pilot.version == planned.claim.version else None


def pilot_effects(planned: PlannedEntry, lab: Lab, name: str, unit: str) -> Pilot | None:
    """Find what pilot seeds gave for a contrast whose measurements this process has asked for."""
    pilot = pilot_of(planned, lab)
    effects = None if pilot is None else pilot.by_name.get(name)
    if pilot is None or effects is None or effects.unit != unit:
        return None
    versions = lab.store.versions
    if any(versions.get(m, version) != version for m, version in pilot.measurements.items()):
        return None
    if set(effects.seeds).intersection(planned.setting.seeds):
        return None
    return Pilot(seeds=effects.seeds, effects=effects.effects)


def pilot_key(planned: PlannedEntry, lab: Lab) -> str:
    """Digest of what a claim's Runs are but for their seeds, and of what they are measured on."""
    setting = planned.setting
    document = {
        "runs": {
            role: lab.fingerprint(recipe.with_seed(0)) for role, recipe in planned.recipes.items()
        },
        "sizes": dict(setting.sizes),
        "attacks": setting.attacks,
        "protocol": planned.protocol.name,
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:24]


def write_pilots(
    planned: Iterable[PlannedEntry],
    entries: Mapping[str, Entry],
    versions: Mapping[str, Mapping[str, int]],
    lab: Lab,
) -> dict[Path, int]:
    """Write what the seeds of an audit gave into the files of its packs.

    Entries that were not judged are kept as they were, and so are pilots of other trainings. To
    the seeds of the same trainings, judged in the same way, others are added.

    Args:
        planned: Claims and rivals of the audit.
        entries: What came out, by id.
        versions: Of the measurements that each entry asked for, by id.
        lab: Store, data and device.

    Returns:
        How many entries each file was given.

    Raises:
        TicError: A file cannot be written.
    """
    by_file: dict[Path, dict[str, dict[str, EntryPilot]]] = {}
    for of_claim in planned:
        path, entry = of_claim.claim.pack.pilots, entries.get(of_claim.id)
        if path is None or entry is None or of_claim.control is not None:
            continue
        effects = [
            Effects(**{name: getattr(contrast, name) for name in Effects.model_fields})
            for contrast in entry.contrasts
            if contrast.seeds
        ]
        if effects:
            pilot = EntryPilot(
                version=of_claim.claim.version,
                measurements=dict(sorted(versions.get(of_claim.id, {}).items())),
                contrasts=tuple(
                    contrast.model_copy(update={"pilot": None, "sample_spread": None})
                    for contrast in effects
                ),
                left_open=bool(entry.left_open) and not entry.readings,
            )
            kept = pilot_of(of_claim, lab)
            by_file.setdefault(path, {})[of_claim.id] = {
                pilot_key(of_claim, lab): pilot if kept is None else _joined(kept, pilot)
            }
    for path, written in by_file.items():
        kept_entries = _read(path).entries
        both = {name: {**kept_entries.get(name, {}), **pilots} for name, pilots in written.items()}
        pilots = Pilots(entries=dict(sorted({**kept_entries, **both}.items())))
        write_json(path, pilots.model_dump(mode="json", exclude_defaults=True))
    _read.cache_clear()
    return {path: len(written) for path, written in by_file.items()}


def _joined(kept: EntryPilot, made: EntryPilot) -> EntryPilot:
    """Add the seeds that a file has to those just made, unless they were judged otherwise."""
    measurements = kept.measurements | made.measurements
    # One of them may name more: whether a training collapsed is tested where nobody has done so.
    alike = all(kept.measurements.get(name, now) == now for name, now in measurements.items())
    if not alike or _judging(kept) != _judging(made):
        return made
    pairs = zip(kept.contrasts, made.contrasts, strict=True)
    contrasts = tuple(_with_seeds(*pair) for pair in pairs)
    return made.model_copy(update={"measurements": measurements, "contrasts": contrasts})


def _judging(pilot: EntryPilot) -> object:
    """What a pilot is but for seeds, measurements, and the error rate, which has no part in it."""
    contrasts = [
        (c.name, c.unit, c.region, c.rate, c.resolution)
        + ((c.trend.direction, len(c.trend.samples[0])) if c.trend else ())
        for c in pilot.contrasts
    ]
    return pilot.version, contrasts


def _with_seeds(kept: Effects, made: Effects) -> Effects:
    """Add the seeds of a contrast to those made later, which count where both have one."""
    by_seed: dict[int, tuple[float, tuple[float, ...]]] = {}
    for effects in (kept, made):
        samples = effects.trend.samples if effects.trend else ((),) * len(effects.seeds)
        by_seed |= dict(zip(effects.seeds, zip(effects.effects, samples, strict=True), strict=True))
    seeds = tuple(sorted(by_seed))
    samples = tuple(by_seed[seed][1] for seed in seeds)
    return made.model_copy(
        update={
            "seeds": seeds,
            "effects": tuple(by_seed[seed][0] for seed in seeds),
            "trend": made.trend and made.trend.model_copy(update={"samples": samples}),
        }
    )


def require_readable(planned: Iterable[PlannedEntry]) -> None:
    """Refuse a file of pilots that is none, before anything is trained.

    Raises:
        TicError: There is such a file.
    """
    for path in dict.fromkeys(entry.claim.pack.pilots for entry in planned):
        if path is not None:
            _read(path)


def require_files(planned: Iterable[PlannedEntry]) -> None:
    """Refuse to make pilots that could not be kept, before anything is trained for them.

    Raises:
        TicError: A pack has no file for them, or there are too few seeds.
    """
    for entry in planned:
        if entry.claim.pack.pilots is None:
            raise TicError(
                f"--write-pilots needs a file, and the pack of {entry.claim.pack.paper.key} names "
                'none; write Pack(pilots=Path(__file__).with_name("pilots.json"), …)'
            )
        seeds = entry.setting.seeds
        if entry.recipes and (len(seeds) < FEWEST or min(seeds) < FIRST):
            raise TicError(
                f"a pilot takes at least {FEWEST} seeds that no audit reaches, from {FIRST} on, "
                f"got {len(seeds)} from {min(seeds)} on; such as --seeds 800000-800005"
            )


@lru_cache
def _read(path: Path) -> Pilots:
    """Read a pack's file; a pack that has none yet has no pilots."""
    try:
        content = read_whole(path)
    except FileNotFoundError:
        return Pilots(entries={})
    except OSError as error:
        raise TicError(f"cannot read the pilots {path}: {error.strerror}") from None
    way_out = "remove it, and make it anew with --write-pilots"
    try:
        return Pilots.model_validate(parse_json(content))
    except ValidationError as error:
        raise TicError(f"{path} must hold pilots, got {first_fault(error)}; {way_out}") from None
    except TicError as error:
        raise TicError(f"{path} must hold pilots, got {error}; {way_out}") from None
