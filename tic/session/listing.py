"""Claims and protocols in words, for people who choose what to audit."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable

from tic.audit.protocol import STANDARD, Protocol
from tic.engine.plan import expected_seconds, make_plan, missing
from tic.engine.progress import duration
from tic.lab import Lab
from tic.session.budget import Budget
from tic.session.planned import PlannedEntry
from tic.stats.looks import LOOKS

WIDTH = 96


def claims_text(planned: Iterable[PlannedEntry]) -> str:
    """Tell of every collected claim its id, place, statement, protocols and needed Runs."""
    return "\n\n".join(map(_claim_text, planned))


def _claim_text(entry: PlannedEntry) -> str:
    claim = entry.claim
    lines = [f"{entry.id}  ({claim.source})", *_indented(claim.says), *_indented(_needs(entry))]
    if claim.protocols:
        lines += _indented("protocols: " + ", ".join(protocol.name for protocol in claim.protocols))
    return "\n".join(lines)


def _needs(entry: PlannedEntry) -> str:
    if reason := _reason(entry):
        return f"needs: {reason}"
    runs = len(make_plan(entry.seeded_recipes))
    if not runs:
        return "needs: no Runs"
    return f"needs: {runs} Runs over {len(entry.setting.seeds)} seeds, shared with other claims"


def _reason(entry: PlannedEntry) -> str | None:
    """Why an entry has no Runs that could be planned here, where it is none of arithmetic."""
    if reason := entry.not_applicable or entry.unavailable:
        return f"not to be had here: {reason}"
    return f"looking for its data fails: {entry.fault}" if entry.fault else None


def looks_text(planned: Collection[PlannedEntry], lab: Lab, budget: Budget) -> str:
    """Tell what every claim costs at the first looks, were none of them decided."""
    rows = []
    for n_seeds in LOOKS[:4]:
        plan = make_plan(
            recipe.with_seed(seed)
            for entry in planned
            if entry.seeded_recipes
            for recipe in entry.recipes.values()
            for seed in entry.setting.with_seed_count(n_seeds).seeds
        )
        left = missing(plan, lab)
        seconds = duration(expected_seconds(left, lab))
        runs = f"{len(plan)} Runs, {len(left)} to train"
        rows.append(
            f"all claims at {n_seeds:>2} seeds        {runs}: about {seconds} of one process"
        )
    return "\n".join(
        [
            *rows,
            "Seeds are added only where a verdict is open, first where they decide most for their "
            f"cost, and {budget.text} may end before the first look at the others.",
        ]
    )


def left_out_text(planned: Iterable[PlannedEntry]) -> str:
    """Tell which entries a plan has nothing of, and why; empty where it has of all."""
    by_reason: dict[str, list[str]] = {}
    for entry in planned:
        if reason := _reason(entry):
            by_reason.setdefault(reason, []).append(entry.id)
    return "\n".join(
        line
        for reason, ids in by_reason.items()
        for line in (*_wrapped(f"left out, as {reason}", ""), *_indented(", ".join(ids)))
    )


def protocols_text(planned: Iterable[PlannedEntry]) -> str:
    """Tell of every protocol how it reads its paper, and which claims it touches."""
    touched: dict[tuple[str, Protocol], dict[str, None]] = {}
    for entry in planned:
        for protocol in entry.claim.protocols:
            touched.setdefault((entry.claim.pack.paper.key, protocol), {})[entry.claim.id] = None
    blocks = ["\n".join([STANDARD.name, *_indented(STANDARD.says)])]
    for (paper, protocol), claims in touched.items():
        heading = f"{protocol.name}  ({paper})"
        touches = _indented(f"touches: {', '.join(claims)}")
        blocks.append("\n".join([heading, *_indented(protocol.says), *touches]))
    return "\n\n".join(blocks)


def _indented(text: str) -> list[str]:
    return _wrapped(text, "    ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
