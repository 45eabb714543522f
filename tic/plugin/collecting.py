"""Collection: claims in their settings, the plan, and what is refused before anything trains."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.skipping import evaluate_skip_marks

from tic.errors import DataNotFoundError, TicError
from tic.plugin.options import hold_claims
from tic.plugin.state import MARK, State, case_of, claim_of, entry_id
from tic.plugin.terminal import columns, write_lines
from tic.plugin.verdict_table import wrapped
from tic.text import listed, shorten

if TYPE_CHECKING:
    from tic.audit.claims import Claim
    from tic.audit.control import Control
    from tic.audit.pack import Lacking, Setting
    from tic.audit.protocol import Protocol
    from tic.data import Dataset
    from tic.session.planned import PlannedEntry

SHOWN = 5
"""Files that could not be collected and are named."""
_LONGEST = 200


class Collecting:
    """Finds the claims and plans the audit."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._pytest_session: pytest.Session | None = None
        self._known_protocols: set[str] = set()
        self._collected: list[pytest.Item] = []
        self._settings: list[list[Setting | Lacking]] = []
        self._lacks: dict[tuple[Dataset, bool], TicError | None] = {}
        self._broken: dict[str, str] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Put a claim to the test in every setting and by every protocol that was asked for."""
        mark = next(metafunc.definition.iter_markers(MARK), None)
        if mark is None:
            return
        claim: Claim = mark.args[0]
        planted = self._controls(claim)
        worlds: list[Control | None] = [None, *planted]
        if "runs" not in metafunc.fixturenames:
            self._require_no_needs(claim)
            if planted and "judge" in metafunc.fixturenames:
                metafunc.parametrize("tic_control", worlds, ids=[_world_id(w) for w in worlds])
            return
        from tic.audit.protocol import STANDARD

        self._known_protocols.update(protocol.name for protocol in claim.protocols)
        settings, protocols = self._cases(claim)
        cases = [(protocol, None) for protocol in protocols] + [
            (STANDARD, control) for control in planted
        ]
        ids = [
            _protocol_id(protocol) if world is None else _world_id(world)
            for protocol, world in cases
        ]
        metafunc.parametrize("tic_setting", settings, ids=[setting.label for setting in settings])
        metafunc.parametrize(("tic_protocol", "tic_control"), cases, ids=ids)

    def _require_no_needs(self, claim: Claim) -> None:
        """Refuse what would be trained for a test that never looks at it."""
        if claim.needs is not None:
            self.state.refuse(
                TicError(
                    f"{claim.id} needs Runs, and its test does not ask for them; let it have a "
                    "parameter named runs, or leave needs out"
                )
            )

    def _controls(self, claim: Claim) -> tuple[Control, ...]:
        """What is planted for a claim, if that was asked for; every claim must name something."""
        if claim.role == "claim" and not claim.controls:
            self.state.refuse(
                TicError(
                    f"{claim.id} has no negative control, so nobody knows whether its test can say "
                    "no; give it controls=(…,), planted worlds in which it is false: tic.audit "
                    "has some, such as UNTRAINED"
                )
            )
        wanted = claim.role == "claim" and self.state.flags.controls
        return claim.worlds if wanted else ()

    def _cases(self, claim: Claim) -> tuple[list[Setting | Lacking], list[Protocol]]:
        from tic.audit.protocol import STANDARD

        try:
            options = self.state.options
        except TicError as error:
            self.state.refuse(error)
            return [claim.pack.setting(claim.pack.original)], [STANDARD]
        settings = options.settings(claim.pack)
        if options.concerns(claim):
            self._settings.append(settings)
        return settings, options.protocols_of(claim)

    def _require_settings(self) -> None:
        """Refuse a setting that no pack has; where some have it, the others' claims are not run."""
        from tic.audit.pack import Lacking

        for same in zip(*self._settings, strict=True):
            reasons = dict.fromkeys(e.reason for e in same if isinstance(e, Lacking))
            if all(isinstance(setting, Lacking) for setting in same):
                raise TicError("\n".join(reasons))

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Let -k find a claim by its name and place too."""
        if claim := claim_of(item):
            self._collected.append(item)
            item.extra_keyword_matches.update((claim.name, *claim.places))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember the files that cannot be collected, with the last line of what is told of each.

        Where workers are about to start, pytest itself tells nothing of it.
        """
        if report.failed:
            lines = report.longreprtext.strip().splitlines() or [""]
            self._broken[report.nodeid.split("::")[0]] = lines[-1].removeprefix("E  ").strip()

    def _require_all_files(self) -> None:
        """Refuse files that cannot be collected: their claims share the error rate with the others.

        Raises:
            TicError: There are such, and nobody asked to go on without.
        """
        if self._broken and not self.state.config.option.continue_on_collection_errors:
            told = [
                f"{shorten(file, _LONGEST)} ({shorten(reason, _LONGEST)})"
                for file, reason in self._broken.items()
            ]
            raise TicError(
                f"{len(told)} {'file' if len(told) == 1 else 'files'} could not be imported or "
                f"collected: {listed(told, SHOWN)}; nothing is audited until that is "
                "mended"
            )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Bring the claims into the order of their paper; leave out what was not asked for."""
        _bring_into_order(items)
        if self.state.flags.no_rivals:
            self._drop(items, [item for item in items if _role(item) == "rival"])
        try:
            if self.state.flags.paper:
                self._keep_papers(items)
            if self.state.flags.claim:
                self._keep_claims(items)
        except TicError as error:
            self.state.refuse(error)

    def _keep_papers(self, items: list[pytest.Item]) -> None:
        options = self.state.options
        options.require_papers(_claims_of(items))
        others = [i for i in items if (claim := claim_of(i)) is None or not options.concerns(claim)]
        self._drop(items, others)

    def _keep_claims(self, items: list[pytest.Item]) -> None:
        options, claims = self.state.options, _claims_of(items)
        options.require_claims(claims)
        named = {claim.id for claim in claims if options.selects(claim)}
        self._drop(items, [item for item in items if not _concerns(item, named)])

    def _drop(self, items: list[pytest.Item], dropped: list[pytest.Item]) -> None:
        if dropped:
            self.state.config.hook.pytest_deselected(items=dropped)
            items[:] = [item for item in items if item not in dropped]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Plan the audit; refuse what cannot be done."""
        claims = [item for item in session.items if claim_of(item)]
        try:
            if claims or self.state.flags.audit:
                self._require_all_files()
            if claims and not self.state.faults:
                self._require_settings()
                self.state.options.require_protocols(self._known_protocols)
                self._plan(claims)
                self._tell_too_few_seeds()
        except TicError as error:
            self.state.refuse(error)
        if self.state.faults:
            raise pytest.UsageError(*dict.fromkeys(self.state.faults))

    def _tell_too_few_seeds(self) -> None:
        """Say before hours of training that they cannot decide anything."""
        from tic.stats.power import MIN_SEEDS

        terminal = self.state.config.pluginmanager.get_plugin("terminalreporter")
        planned = self.state.session.planned.values()
        counts = {len(e.setting.seeds) for e in planned if e.is_question and e.seeded_recipes}
        if terminal and not self.state.is_worker and counts and max(counts) < MIN_SEEDS:
            there = f"there {'is' if max(counts) == 1 else 'are'} {max(counts)}"
            text = (
                f"no claim on means can be decided: that takes at least {MIN_SEEDS} seeds, and "
                f"{there}; give more by --seeds"
            )
            write_lines(terminal, wrapped(text, columns(terminal)))

    def _plan(self, items: list[pytest.Item]) -> None:
        from tic.document.correction import family_size_of
        from tic.session.pilots import require_readable
        from tic.session.planned import families_of

        session = self.state.session
        # What was not chosen of a paper shares its error rate all the same: no choice may change a
        # verdict. Other papers have error rates of their own.
        papers = {_paper(item) for item in items}
        collected = [item for item in self._collected if _paper(item) in papers]
        every = {item: self._planned(item) for item in dict.fromkeys([*items, *collected])}
        self._require_threatened(every.values())
        session.families = families_of(every.values())
        self.state.collected = frozenset(map(entry_id, self._collected))
        for item in items:
            planned = every[item]
            if planned.id in session.planned:
                first = next(test for test in items if every[test].id == planned.id)
                raise TicError(
                    f"a claim must be decided by one test, and two decide {planned.id}: "
                    f"{first.nodeid} and {item.nodeid}; give them distinct names or parameters"
                )
            family_size = family_size_of(
                session.families, planned.claim.pack.paper.key, planned.place, planned.role
            )
            design = self.state.options.design
            session.planned[planned.id] = replace(planned, family_size=family_size, design=design)
        require_readable(session.planned.values())
        _ = self.state.expected
        self.state.claims_folder = items[0].path.parent
        self.state.has_audit = True

    def _require_threatened(self, planned: Collection[PlannedEntry]) -> None:
        """Refuse rivals of claims that there are none of, where whole folders were collected."""
        if not all(Path(path).is_dir() for path in self.state.config.args):
            return
        claims: dict[str, dict[str, None]] = {}
        for entry in planned:
            if entry.claim.role == "claim":
                claims.setdefault(entry.claim.pack.paper.key, {})[entry.claim.id] = None
        for entry in planned:
            known = claims.get(entry.claim.pack.paper.key, {})
            if known and (strangers := [name for name in entry.threatens if name not in known]):
                raise TicError(
                    f"the rival {entry.claim.id} must be of claims of its paper, got "
                    f"{listed(strangers, SHOWN)}; known: {', '.join(known)}"
                )

    def _planned(self, item: pytest.Item) -> PlannedEntry:
        from tic.audit.protocol import STANDARD
        from tic.session.planned import plan_entry

        claim = claim_of(item)
        assert claim is not None
        parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        _require_fixtures(item, parameters)
        setting = parameters.pop("tic_setting", None)
        protocol = parameters.pop("tic_protocol", STANDARD)
        planted = parameters.pop("tic_control", None)
        planned = plan_entry(claim, case_of(item), setting, parameters, protocol, planted)
        return _unless_skipped(item, self._with_data(planned))

    def _with_data(self, planned: PlannedEntry) -> PlannedEntry:
        """Look for the data now, not hours later.

        The data set that was asked for is downloaded where it is not there, however a claim reads
        it; another one that a claim brings along only on demand. A claim that still lacks one is
        not run, and one whose data set is damaged is an error. A plan or a list needs no data, and
        says what an audit would do; who only collects tests is told nothing of data.
        """
        if self.state.config.option.collectonly:
            return planned
        from tic.engine.plan import with_ancestors
        from tic.session.privacy import anonymous

        asked_for = planned.setting.recipe.dataset
        used = {recipe.dataset for recipe in with_ancestors(planned.recipes.values())}
        for dataset in sorted(used, key=lambda dataset: dataset.label):
            optional = not _are_one(dataset, asked_for) and not self.state.flags.download
            if self.state.tells_only and not optional:
                continue
            match self._lack(dataset, download=not optional):
                case DataNotFoundError() as error:
                    way_out = "; --download fetches it" if optional and error.downloadable else ""
                    return replace(planned, unavailable=anonymous(f"{error}{way_out}"))
                case TicError() as error:
                    return replace(planned, fault=anonymous(str(error)))
        return planned

    def _lack(self, dataset: Dataset, *, download: bool) -> TicError | None:
        """Why a data set cannot be had, or None; looked for once for all claims."""
        key = (dataset, download)
        if key not in self._lacks:
            try:
                self.state.session.lab.require_data(dataset, download=download)
                self._lacks[key] = None
            except TicError as error:
                self._lacks[key] = error
        return self._lacks[key]

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session for when workers are about to start."""
        self._pytest_session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """Collect in the controller too, before its workers start: it refuses and plans."""
        config = self.state.config
        if self._pytest_session is None:
            return
        if self.state.flags.audit or hold_claims(config.args, config):
            self._pytest_session.perform_collect()


def _are_one(dataset: Dataset, other: Dataset) -> bool:
    """Whether two data sets are one that is read in two ways, such as with other labels."""
    from tic.data import Dataset
    from tic.kinds import kinds_within

    return kinds_within(dataset, Dataset) == kinds_within(other, Dataset)


def _require_fixtures(item: pytest.Item, parameters: Mapping[str, object]) -> None:
    """Refuse a test that asks for what there is none of, before anything is trained for it."""
    assert isinstance(item, pytest.Function)
    asked = item._fixtureinfo
    known = {*asked.name2fixturedefs, *parameters, "request"}
    if unknown := [name for name in asked.argnames if name not in known]:
        raise TicError(
            f"{item.nodeid} asks for {listed(unknown, SHOWN)}, and there is no such fixture; "
            "claims have runs and judge, and the parameters that their test is given"
        )


def _unless_skipped(item: pytest.Item, planned: PlannedEntry) -> PlannedEntry:
    """Plan no trainings for a claim whose author marked it to be skipped here."""
    try:
        skipped = evaluate_skip_marks(item)
    except pytest.fail.Exception:  # a condition that cannot be evaluated: its setup tells
        return planned
    if skipped is None:
        return planned
    return replace(planned, unavailable=skipped.reason or "skipped without a reason")


def _protocol_id(protocol: Protocol) -> str | object:
    from tic.audit.protocol import STANDARD

    return pytest.HIDDEN_PARAM if protocol == STANDARD else protocol.name


def _world_id(control: Control | None) -> str | object:
    return f"control-{control.name}" if control else pytest.HIDDEN_PARAM


def _claims_of(items: list[pytest.Item]) -> list[Claim]:
    return [claim for item in items if (claim := claim_of(item))]


def _role(item: pytest.Item) -> str | None:
    claim = claim_of(item)
    return claim.role if claim else None


def _concerns(item: pytest.Item, named: Set[str]) -> bool:
    """Whether a test decides one of these claims or rivals, or a rival of one of them."""
    from tic.audit.claims import Rival

    claim = claim_of(item)
    if claim is None:
        return False
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    threatened = claim.threatens(parameters) if isinstance(claim, Rival) else ()
    return bool(named & {claim.id, *threatened})


def _paper(item: pytest.Item) -> str:
    claim = claim_of(item)
    assert claim is not None
    return claim.pack.paper.key


def _bring_into_order(items: list[pytest.Item]) -> None:
    """Sort the claims of each paper by their place in it; what is no claim stays where it is."""
    claims = [(item, claim) for item in items if (claim := claim_of(item))]
    papers = list(dict.fromkeys(claim.pack.paper.key for _, claim in claims))
    claims.sort(key=lambda pair: (papers.index(pair[1].pack.paper.key), pair[1].position))
    ordered = iter(item for item, _ in claims)
    items[:] = [next(ordered) if claim_of(item) else item for item in items]
