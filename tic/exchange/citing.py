"""Texts that quote audits: every number in them is looked up, none is typed."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, get_args

from jinja2 import Undefined

from tic.document.audit import STANDARD_PROTOCOL, Audit, Entry, Family, Role
from tic.document.controls import ControlResult, control_results
from tic.document.correction import by_todays_rule
from tic.document.evidence import Contrast, WorstCase, decisive_contrast
from tic.document.loading import load_audit
from tic.document.repeated import repeated
from tic.document.rivals import explains, standing, threatens
from tic.document.seal import require_unaltered
from tic.errors import TicError, require_known
from tic.exchange.filling import fill_in
from tic.report import numerals, verdicts
from tic.stats.judge import Outcome
from tic.text import listed, quoted

Item = TypeVar("Item")
_MOST_NAMES = 12


@dataclass(frozen=True)
class Citation:
    """An audit as a text quotes it.

    Attributes:
        audit: What is quoted.
    """

    audit: Audit

    def entry(self, name: str, **parameters: str) -> CitedEntry:
        """Find an entry by the name of its claim or rival and by its parameters.

        Args:
            name: Such as `alpha-robustness`.
            parameters: As the entry has them, with `_` for spaces; `protocol` is the standard one
                unless it is given. Those that are not given may have any value.

        Raises:
            TicError: No entry, or more than one, is meant.
        """
        protocol = parameters.pop("protocol", STANDARD_PROTOCOL)
        wanted = _spaced(parameters)
        of_name = [entry for entry in self._measured if _name(entry) == name]
        matching = [
            entry
            for entry in of_name
            if entry.protocol == protocol and wanted.items() <= _spaced(entry.parameters).items()
        ]
        if len(matching) != 1:
            own = {} if protocol == STANDARD_PROTOCOL else {"protocol": protocol}
            raise TicError(
                f"{_call('entry', wanted | own, name)} must mean one entry of the audit, got "
                f"{len(matching) or 'none'}; it has "
                f"{_calls(matching or of_name, of_name, wanted) or self._nearest(name)}"
            )
        return self._cited(matching)[0]

    def _nearest(self, name: str) -> str:
        names = list(dict.fromkeys(map(_name, self._measured)))
        nearest = difflib.get_close_matches(name, names) or names
        return listed(nearest, _MOST_NAMES) or "no claim and no rival"

    @property
    def _measured(self) -> list[Entry]:
        return [entry for entry in self.audit.entries if entry.role != "control"]

    def of(self, paper: str) -> Citation:
        """Quote one of several papers.

        Raises:
            TicError: The audit has no entry of it.
        """
        entries = tuple(entry for entry in self.audit.entries if entry.paper == paper)
        if not entries:
            known = ", ".join(dict.fromkeys(entry.paper for entry in self.audit.entries))
            raise TicError(f"the audit has no paper {quoted(paper)}; it has {known or 'none'}")
        return Citation(self.audit.model_copy(update={"entries": entries}))

    @property
    def claims(self) -> tuple[CitedEntry, ...]:
        """Claims under the standard protocol; a finding that is another's is not listed again."""
        claims = self._standard("claim")
        again = repeated(claims)
        return self._cited(claim for claim in claims if claim.id not in again)

    @property
    def rivals(self) -> tuple[CitedEntry, ...]:
        """Rivals under the standard protocol."""
        return self._cited(self._standard("rival"))

    def _cited(self, entries: Iterable[Entry]) -> tuple[CitedEntry, ...]:
        return tuple(CitedEntry(entry, self.audit) for entry in entries)

    def _standard(self, role: Role) -> list[Entry]:
        return [e for e in self.audit.entries if (e.role, e.protocol) == (role, STANDARD_PROTOCOL)]

    @property
    def scopes(self) -> tuple[str, ...]:
        """At which scales claims were judged."""
        return tuple(dict.fromkeys(claim.entry.scope.level for claim in self.claims))

    def count(self, outcome: str, role: str = "claim", protocol: str = STANDARD_PROTOCOL) -> int:
        """Count the entries of a role that came out so under a protocol.

        A finding that is another's is not counted again.

        Raises:
            TicError: There is no such outcome or role, or no entry of it by that protocol.
        """
        require_known("outcome", outcome, Outcome)
        require_known("role", role, get_args(Role))
        of_role = [entry for entry in self.audit.entries if entry.role == role]
        judged_by = (STANDARD_PROTOCOL, *(entry.protocol for entry in of_role))
        require_known(f"protocol of a {role}", protocol, dict.fromkeys(judged_by))
        entries = [entry for entry in of_role if entry.protocol == protocol]
        again = repeated(entries)
        return sum(entry.outcome == outcome for entry in entries if entry.id not in again)

    @property
    def confidence(self) -> str:
        """Confidence of the intervals of claims and rivals, from the lowest to the highest."""
        levels = {
            c.confidence for e in self._measured for c in e.contrasts if c.interval and c.seeds
        }
        if not levels:
            return "no confidence"
        ends = dict.fromkeys(numerals.level(level) for level in (min(levels), max(levels)))
        return " to ".join(ends)

    @property
    def explaining(self) -> int:
        """Number of rivals that explain a claim which is supported, so that it does not stand."""
        claims = self._standard("claim")
        return sum(explains(rival, claims) for rival in self._standard("rival"))

    @property
    def caught(self) -> tuple[int, int]:
        """Controls that were caught, and those that were judged."""
        results = Counter(control_results(self.audit.entries).values())
        judged = results.total() - results[ControlResult.UNTESTED]
        return results[ControlResult.CAUGHT], judged

    def by_todays_rule(self, claims: int, rivals: int) -> Citation:
        """Judge every entry again from its effects, by the rule of today.

        Args:
            claims: How many share the error rate, as the paper's pack says today.
            rivals: The same of rivals.
        """
        places = dict.fromkeys((entry.paper, entry.setting) for entry in self.audit.entries)
        families = tuple(
            Family(paper=paper, setting=setting, claims=claims, rivals=rivals)
            for paper, setting in places
        )
        rule = self.audit.multiplicity.model_copy(update={"families": families})
        return Citation(by_todays_rule(self.audit.model_copy(update={"multiplicity": rule})))

    def moved_from(self, before: Citation) -> list[tuple[str, str, str]]:
        """List the claims and rivals whose verdicts were others, with those before and those here.

        Args:
            before: The same audit by another rule.
        """
        pairs = zip(before.audit.entries, self.audit.entries, strict=True)
        return [
            (entry.id, str(was.outcome), str(entry.outcome))
            for was, entry in pairs
            if entry.role != "control" and was.outcome is not entry.outcome
        ]


@dataclass(frozen=True)
class CitedEntry:
    """An entry as a text quotes it.

    Attributes:
        entry: What is quoted.
        audit: In which it stands, with the rivals that threaten it.
    """

    entry: Entry
    audit: Audit

    @property
    def label(self) -> str:
        """Name of the claim or rival, with its parameters beyond network and data set."""
        own = [v for k, v in self.entry.parameters.items() if k not in ("network", "data set")]
        name = _name(self.entry)
        return f"{name} ({', '.join(own)})" if own else name

    @property
    def says(self) -> str:
        """What is claimed, on one line of a table."""
        return " ".join(self.entry.says.split()).replace("|", "\\|")

    @property
    def decisive(self) -> str:
        """The contrast that the verdict hangs on and what it allows, or a dash without any."""
        contrast = decisive_contrast(self.entry.contrasts, self.entry.own_outcome)
        if contrast is None:
            return "–"
        return f"{contrast.name}: {_with_interval(contrast)}, allowed: {verdicts.region(contrast)}"

    def rivals(self, *outcomes: str) -> tuple[CitedEntry, ...]:
        """Those that threaten this claim and came out so; all that threaten it without outcomes.

        Raises:
            TicError: There is no such outcome.
        """
        for outcome in outcomes:
            require_known("outcome", outcome, Outcome)
        return tuple(
            CitedEntry(entry, self.audit)
            for entry in self.audit.entries
            if threatens(entry, self.entry) and entry.outcome in (outcomes or Outcome)
        )

    @property
    def fate(self) -> str:
        """The verdict; of a supported claim what rivals and controls leave of it, a `Standing`."""
        return str(standing(self.entry, self.audit.entries) or self)

    @property
    def hangs_on_samples(self) -> bool:
        """Whether the verdict is open over other samples than those that were looked at."""
        return self.entry.over_samples not in (None, self.entry.outcome)

    def __str__(self) -> str:
        """Give the verdict."""
        return str(self.entry.outcome)

    def effect(self, number: int = 1) -> str:
        """Give the estimate of a contrast, counted from 1, with its interval and unit."""
        return _with_interval(self._contrast(number))

    def estimate(self, number: int = 1) -> str:
        """Give the estimate of a contrast, counted from 1, with its unit."""
        return verdicts.estimate(self._contrast(number))

    def figure(self, number: int) -> CitedFigure:
        """Find a robust accuracy beside its worst case, counted from 1."""
        return CitedFigure(_nth(self.entry.worst_cases, number, f"figure of {self.entry.id}"))

    @property
    def readings(self) -> Counter[str]:
        """How often each verdict came out over the readings."""
        return Counter(str(reading.outcome) for reading in self.entry.readings)

    def reading(self, **factors: str) -> str:
        """Give the verdict of one reading and its estimate.

        Args:
            factors: As the reading has them, with `_` for spaces; enough to mean one.

        Raises:
            TicError: No reading, or more than one, is meant.
        """
        wanted = _spaced(factors)
        matching = [e for e in self.entry.readings if wanted.items() <= _spaced(e.factors).items()]
        if len(matching) != 1:
            raise TicError(
                f"{_call('reading', wanted)} must mean one reading of {self.entry.id}, got "
                f"{len(matching)}; {self._factors or 'it has none'}"
            )
        estimate = matching[0].estimate
        number = "" if estimate is None else f" ({numerals.number(estimate)})"
        return f"{matching[0].outcome}{number}"

    @property
    def _factors(self) -> str:
        """What the factors of its readings may be, in words."""
        values: dict[str, dict[str, None]] = {}
        for reading in self.entry.readings:
            for factor, value in _spaced(reading.factors).items():
                values.setdefault(factor, {})[value] = None
        return "; ".join(f"{factor} is one of {', '.join(of)}" for factor, of in values.items())

    @property
    def failed_checks(self) -> tuple[str, ...]:
        """Names of the checks that failed."""
        return tuple(check.name for check in self.entry.checks if not check.holds)

    @property
    def checks(self) -> int:
        """Number of checks."""
        return len(self.entry.checks)

    def _contrast(self, number: int) -> Contrast:
        return _nth(self.entry.contrasts, number, f"contrast of {self.entry.id}")


@dataclass(frozen=True)
class CitedFigure:
    """A robust accuracy as a text quotes it.

    Attributes:
        case: What is quoted.
    """

    case: WorstCase

    def __str__(self) -> str:
        """Give both accuracies, means over the seeds."""
        return f"{self.attacked} and {self.worst}"

    @property
    def attacked(self) -> str:
        """Mean accuracy under the paper's attack."""
        return _percent(self.case.attacked)

    @property
    def worst(self) -> str:
        """Mean accuracy in the worst case per image."""
        return _percent(self.case.worst)


def _with_interval(contrast: Contrast) -> str:
    # Exact effects have no seeds, and nothing lies about them.
    interval = f" {verdicts.interval(contrast)}" if contrast.interval and contrast.seeds else ""
    return f"{verdicts.estimate(contrast)}{interval}"


def _spaced(parameters: Mapping[str, str]) -> dict[str, str]:
    return {key.replace("_", " "): value for key, value in parameters.items()}


def _name(entry: Entry) -> str:
    return entry.claim.removeprefix(f"{entry.paper}/")


def _calls(entries: Sequence[Entry], of_name: Sequence[Entry], wanted: Collection[str]) -> str:
    """Write how a text names some entries: by what tells those of their name apart, or was asked.

    Args:
        entries: Those that are named.
        of_name: All of their name.
        wanted: Parameters that were asked for.
    """
    papers, calls = {entry.paper for entry in of_name}, []
    for entry in entries:
        told = {
            key: value
            for key, value in _spaced(entry.parameters).items()
            if key in wanted or any(_spaced(e.parameters).get(key) != value for e in of_name)
        }
        if entry.protocol != STANDARD_PROTOCOL:
            told["protocol"] = entry.protocol
        paper = f".of({quoted(entry.paper)})" if len(papers) > 1 else ""
        calls.append(f"{paper}{_call('entry', told, _name(entry))}")
    return listed(calls, _MOST_NAMES)


def _call(method: str, named: Mapping[str, str], *words: str) -> str:
    given = [f"{key.replace(' ', '_')}={quoted(value)}" for key, value in named.items()]
    return f".{method}({', '.join([*map(quoted, words), *given])})"


def _percent(values: tuple[float, ...]) -> str:
    return f"{numerals.fixed(sum(values) / len(values), 1)} %"


def _nth(items: tuple[Item, ...], number: int, what: str) -> Item:
    if not 1 <= number <= len(items):
        raise TicError(f"there is no {number}th {what}; it has {len(items)}")
    return items[number - 1]


def _printed(value: object) -> object:
    """Refuse what is no word and no number, which would print all that it holds.

    Raises:
        TicError: It is another thing.
    """
    if isinstance(value, str | int | float | CitedEntry | CitedFigure | Undefined):
        return value
    raise TicError(
        f"a text can print words, numbers and verdicts, got a {type(value).__name__}; name what is "
        "meant of it, such as audit(…).count('SUPPORTED') or audit(…).entry('NAME').effect(1)"
    )


def cite(template: Path) -> str:
    """Fill in a text; `audit(path)` in it opens an audit, relative to the text.

    It may include other texts of its folder.

    Args:
        template: Jinja template.

    Raises:
        TicError: It cannot be read, is no template, or quotes what is not there or was altered.
    """

    def opened(path: str) -> Citation:
        audit = load_audit(template.parent / path)
        require_unaltered(audit)
        return Citation(audit)

    return fill_in(template, _printed, audit=opened)
