"""What a reader must know before anything else: notices on top of the page and of the summary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tic.document.audit import Audit
from tic.document.correction import by_todays_rule, is_former
from tic.document.seal import is_altered
from tic.report.index import index_of
from tic.report.numerals import level
from tic.report.overview import counted_outcomes
from tic.stats.judge import JUDGED
from tic.text import listed

_SHOWN = 5


@dataclass(frozen=True)
class Notice:
    """A notice: its kind, by which the page sets it, its title and what it says."""

    css: str
    title: str
    says: str

    @property
    def sentence(self) -> str:
        """The title and what it says, as one text."""
        return f"{self.title} {self.says}"


def notices(audit: Audit) -> tuple[Notice, ...]:
    """Say what is wrong with an audit as a whole, the gravest first; nothing where nothing is."""
    return tuple(_notices(audit))


def _notices(audit: Audit) -> Iterator[Notice]:
    if is_altered(audit):
        yield Notice(
            "missed",
            "Changed.",
            "This audit was changed after it was made: its seal is not that of its numbers. Trust "
            "nothing below; tic verify tells which verdicts do not follow from their effects.",
        )
    if not audit.completed:
        yield Notice(
            "partial",
            "Interrupted.",
            "The audit did not run to its end; what follows is partial.",
        )
    if audit.changed_code:
        yield Notice(
            "partial",
            "Changed code.",
            f"The code of {listed(audit.changed_code, _SHOWN)}, or what that names, became another "
            "at the same version while the Store was kept. What was trained and measured before "
            "may be of the former code, and is judged together with what came later.",
        )
    if is_former(audit.multiplicity):
        rate = level(audit.multiplicity.level)
        yield Notice(
            "partial",
            "An older rule.",
            "This audit was judged when only SUPPORTED was corrected for the number of claims. "
            f"Each true claim came out REFUTED at a rate of up to {rate}, so that among many "
            "some did; an audit of today holds all of a paper together to that rate. "
            f"Intervals are those of one contrast alone. {_again(audit)}",
        )


def _again(audit: Audit) -> str:
    """Say what today's rule makes of the verdicts, in the families of the audit."""
    claims = tuple(entry for entry in audit.entries if entry.role == "claim")
    try:
        today = index_of(by_todays_rule(audit.model_copy(update={"entries": claims})))
    except ValueError:
        return "Its effects cannot be judged again."
    judged = [item.entry for item in today.counted if item.entry.outcome in JUDGED]
    return f"By today's rule the same effects give {counted_outcomes(judged) or 'no verdict'}."
