"""What came out in all: counts, scopes, how many were corrected together, one row per verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tic.document.audit import Audit, Entry, Multiplicity
from tic.document.evidence import Contrast
from tic.report import numerals, verdicts
from tic.report.index import Index, Item
from tic.report.verdicts import BADGES
from tic.stats.judge import JUDGED

Corrected = Literal["claim", "rival"]
Value = str | int | float | None

_LEVELS = {
    "smoke": ("Smoke scale", "Says nothing yet about the paper's setting."),
    "reduced": ("Reduced scale", "Does not by itself carry over to the paper's setting."),
    "paper": ("The paper's own setting", "Speaks about the paper itself."),
}


@dataclass(frozen=True)
class ScopeGroup:
    """The claims of one paper at one scale.

    Attributes:
        paper: Its key.
        level: Of the scale.
        title: Names both.
        meaning: What verdicts at that scale say of the paper.
        share: Which part of the counted verdicts is theirs, in words; "" where all are.
        differences: From the paper, that most of them share; of those that not all do, how many.
        several: Whether there is more than one claim.
    """

    paper: str
    level: str
    title: str
    meaning: str
    share: str
    differences: tuple[str, ...]
    several: bool


@dataclass(frozen=True)
class Column:
    """One column of the table of verdicts.

    Attributes:
        head: What stands over it.
        kind: What its cells are, by which the page sets them.
        cell: Prints the cell of a verdict, in one part or more.
        fields: The same for programs, by name: exact numbers, one value each, and beside them what
            a reader of the table has around it.
    """

    head: str
    kind: Literal["verdict", "claim", "text", "setting", "number"]
    cell: Callable[[Item], tuple[str, ...]]
    fields: Mapping[str, Callable[[Item], Value]]


def title(audit: Audit) -> str:
    """Name the audit by its paper, or by how many there are."""
    if len(audit.papers) == 1:
        return audit.papers[0].title
    return f"Claims of {len(audit.papers)} papers"


def counts_sentence(index: Index) -> str:
    """Say in one sentence what came out; a finding that is another's is not counted again."""
    if not index.overview:
        return "No claim was judged."
    entries = [item.entry for item in index.counted]
    judged = [entry for entry in entries if entry.outcome in JUDGED]
    others = [entry for entry in entries if entry.outcome not in JUDGED]
    if not judged:
        return f"No verdict: {counted_outcomes(others)}."
    claims = len({(entry.paper, entry.claim) for entry in judged})
    on = f"{numerals.counted(len(judged), 'verdict')} on {numerals.counted(claims, 'claim')}"
    sentences = [f"{on}: {counted_outcomes(judged)}."]
    if others:
        sentences.append(f"Without a verdict: {counted_outcomes(others)}.")
    if index.repeats:
        more = numerals.counted(len(index.repeats), "more verdict")
        sentences.append(f"{more} not counted, with the numbers of another.")
    return " ".join(sentences)


P_VALUES = (
    "p is the p-value of the hypothesis that the claim is false, its effect outside the region, "
    "for the contrast that is weakest: near 0 speaks for the claim, near 1 against it."
)


def legend(index: Index) -> str:
    """Say at which confidence intervals in the table of verdicts are, and what p is."""
    levels = sorted(
        contrast.confidence
        for item in index.overview
        if (contrast := item.decisive) and contrast.interval and contrast.seeds
    )
    if not levels:
        return P_VALUES
    ends = dict.fromkeys(numerals.level(level) for level in (levels[0], levels[-1]))
    return (
        "In brackets stands the interval at the confidence of the verdict, here "
        f"{' to '.join(ends)}. It decides, except that the test of Page does on a trend, and that "
        "a claim of several contrasts is refuted only by one that passes the correction of Holm "
        f"inside the claim. {P_VALUES}"
    )


def counted_outcomes(entries: Sequence[Entry]) -> str:
    """Count in words how often each outcome came out: 3 supported and 2 refuted."""
    counts = Counter(entry.outcome for entry in entries)
    return numerals.enumerated(
        [f"{counts[outcome]} {b.phrase}" for outcome, b in BADGES.items() if counts[outcome]]
    )


def scope_groups(index: Index) -> tuple[ScopeGroup, ...]:
    """Group claims by scope and paper, the scope that says least about its paper first."""
    entries = [claim.entry for claim in index.claims]
    judged = [claim.entry for claim in index.counted if claim.entry.outcome in JUDGED]
    verdicts_of = Counter[tuple[str, str]]((entry.paper, entry.scope.level) for entry in judged)
    several = len({entry.paper for entry in entries}) > 1
    groups = []
    for level, (name, meaning) in _LEVELS.items():
        for paper in dict.fromkeys(entry.paper for entry in entries):
            members = [
                entry.scope.differences
                for entry in entries
                if (entry.paper, entry.scope.level) == (paper, level)
            ]
            if members:
                of = f"{name}, {paper}" if several else name
                count = verdicts_of[paper, level]
                share = f"{count} of {numerals.counted(len(judged), 'verdict')}"
                groups.append(
                    ScopeGroup(
                        paper=paper,
                        level=level,
                        title=of,
                        meaning=meaning,
                        share="" if len(members) == len(entries) else share,
                        differences=_in_most(members),
                        several=len(members) > 1,
                    )
                )
    return tuple(groups)


def family_of(entry: Entry, multiplicity: Multiplicity) -> str:
    """Count the claims, or the rivals, that a claim, or a rival, was corrected with."""
    noun: Corrected = "rival" if entry.role == "rival" else "claim"
    size = _sizes(multiplicity, noun).get((entry.paper, entry.setting), 0)
    return numerals.counted(size, noun)


def families(multiplicity: Multiplicity, noun: Corrected) -> str:
    """Count the members of every family, with its paper and setting where there are several."""
    sizes = _sizes(multiplicity, noun)
    if len(sizes) < 2:
        return numerals.counted(sum(sizes.values()), noun)
    papers = {paper for paper, _ in sizes}
    return numerals.enumerated(
        [
            f"{numerals.counted(size, noun)} of {paper}"
            + (f" in {setting}" if setting and len(sizes) > len(papers) else "")
            for (paper, setting), size in sizes.items()
        ]
    )


def _in_most(members: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What more than half have in common, and how many where not all do."""
    counts = Counter(difference for member in members for difference in dict.fromkeys(member))
    whole = len(members)
    return tuple(
        difference if count == whole else f"{difference} (in {count} of {whole})"
        for difference, count in counts.most_common()
        if count > whole / 2
    )


def _sizes(multiplicity: Multiplicity, noun: Corrected) -> dict[tuple[str, str], int]:
    return {
        (family.paper, family.setting): family.rivals if noun == "rival" else family.claims
        for family in multiplicity.families
    }


def _estimate(item: Item) -> tuple[str, ...]:
    contrast = item.decisive
    if contrast is None:
        return ("–",)
    interval = verdicts.interval(contrast) if contrast.interval else ""
    return verdicts.estimate(contrast), interval


def _seeds(item: Item) -> tuple[str, ...]:
    seeds = item.decisive.seeds if item.decisive else ()
    return (str(len(seeds) or "–"),)


def _of_contrast(value: Callable[[Contrast], Value]) -> Callable[[Item], Value]:
    return lambda item: None if item.decisive is None else value(item.decisive)


def _bound(end: Literal[0, 1]) -> Callable[[Item], Value]:
    return _of_contrast(lambda contrast: contrast.interval[end] if contrast.interval else None)


COLUMNS: Final = (
    Column(
        "Verdict",
        "verdict",
        lambda item: (item.badge.symbol, item.badge.word),
        {"outcome": lambda item: str(item.entry.outcome)},
    ),
    Column(
        "Claim",
        "claim",
        lambda item: (item.full_name,),
        {
            "id": lambda item: item.entry.id,
            "role": lambda item: item.entry.role,
            "paper": lambda item: item.entry.paper,
            "claim": lambda item: item.name,
            "version": lambda item: item.entry.version,
            "says": lambda item: item.entry.says,
            "rule": lambda item: item.entry.rule,
        },
    ),
    Column(
        "Place",
        "text",
        lambda item: (item.entry.source,),
        {"place": lambda item: item.entry.source},
    ),
    Column(
        "Setting",
        "setting",
        lambda item: (verdicts.setting(item.entry) or "–",),
        {
            "setting": lambda item: verdicts.parameters(item.entry),
            "protocol": lambda item: item.entry.protocol,
            "scope": lambda item: item.entry.scope.level,
        },
    ),
    Column(
        "Estimate",
        "number",
        _estimate,
        {
            "contrast": _of_contrast(lambda contrast: contrast.name),
            "estimate": _of_contrast(lambda contrast: contrast.estimate),
            "low": _bound(0),
            "high": _bound(1),
            "confidence": _of_contrast(lambda contrast: contrast.confidence),
            "unit": _of_contrast(lambda contrast: contrast.unit),
            "allowed": _of_contrast(lambda contrast: contrast.region.text),
        },
    ),
    Column(
        "p",
        "number",
        lambda item: (numerals.p_value(item.entry.p_value),),
        {"p": lambda item: item.entry.p_value},
    ),
    Column(
        "Seeds",
        "number",
        _seeds,
        {
            "seeds": _of_contrast(lambda contrast: len(contrast.seeds)),
            "over_samples": lambda item: item.entry.over_samples and str(item.entry.over_samples),
            "reason": lambda item: item.entry.reason,
        },
    ),
)
