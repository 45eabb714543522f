"""What the phases of an audit share within one pytest process."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from tic.errors import TicError
from tic.plugin.options import ARGUMENTS, flags_of
from tic.plugin.outcomes import Demands

if TYPE_CHECKING:
    from tic.audit.claims import Claim
    from tic.audit.judge import Judge
    from tic.lab import Lab
    from tic.session.expectation import Expectation
    from tic.session.options import Options
    from tic.session.session import AuditSession

MARK = "tic_claim"
NO_CLAIMS = "no claims were found; tic.audit.claim makes a test one of a claim"
JUDGE: pytest.StashKey[Judge] = pytest.StashKey()
STATE: pytest.StashKey[State] = pytest.StashKey()


def claim_of(item: pytest.Item) -> Claim | None:
    """Return the claim that a collected test decides, or None for any other test."""
    mark = item.get_closest_marker(MARK)
    return mark.args[0] if mark else None


def case_of(item: pytest.Item) -> str:
    """Return a test's parameters as its id shows them, \"\" without any."""
    return item.callspec.id if hasattr(item, "callspec") else ""


def entry_id(item: pytest.Item) -> str:
    """Return the id of the audit entry that a collected claim leads to."""
    claim = claim_of(item)
    if claim is None:
        raise pytest.UsageError(
            f"{item.nodeid} asks for the fixtures of a claim and is none; "
            "decorate it with tic.audit.claim"
        )
    return claim.entry_id(case_of(item))


class State:
    """Options and audit of this process; heavy parts are made when a claim asks for them.

    Attributes:
        config: pytest's.
        is_worker: Whether pytest-xdist started this process.
        faults: Sentences that refuse the command line.
        collected: Ids of all claims that were found, chosen or not.
        rehearses: Whether tests run only to tell what they lack.
        before_training: Whether a test runs only up to the first Run that it asks for.
        mistakes: What tests end in before that, by the id of their entry.
        has_audit: Whether a claim was found.
        claims_folder: Folder of the first claim; pytest's own root moves with `--store DIR`.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        self.faults: list[str] = []
        self.collected: frozenset[str] = frozenset()
        self.rehearses = False
        self.before_training = False
        self.mistakes: dict[str, Exception] = {}
        self.has_audit = False
        self.claims_folder = config.rootpath

    @cached_property
    def flags(self) -> argparse.Namespace:
        """What the options of an audit ask for, by their short names."""
        return flags_of(self.config)

    @property
    def arguments(self) -> Sequence[str]:
        """The whole command line, whatever part of it was written where."""
        return self.config.stash.get(ARGUMENTS, self.config.invocation_params.args)

    @property
    def runs_claims(self) -> bool:
        """Whether claims were found and their tests are to be run, or prepared for."""
        return self.has_audit and not self.config.option.collectonly

    @property
    def audits_here(self) -> bool:
        """Whether an audit is made here, where the reports of all workers arrive."""
        return self.runs_claims and not self.is_worker and not self.tells_only

    @property
    def tells_only(self) -> bool:
        """Whether only the plan or a list is wanted, and nothing is judged."""
        return bool(self.flags.plan or self.flags.list)

    @property
    def builds(self) -> bool:
        """Whether Runs and measurements are only made, by an engine, and nothing is judged."""
        return bool(self.flags.build)

    @property
    def uses_engine(self) -> bool:
        """Whether an engine trains and measures, for a build or for as long as a budget lasts."""
        return self.builds or self.flags.budget is not None

    @cached_property
    def session(self) -> AuditSession:
        """The audit; a build computes elsewhere, so it looks at the Store with a Lab on the CPU.

        Raises:
            TicError: The device cannot be used.
        """
        from tic.session.session import AuditSession

        lab = self.worker_lab
        return AuditSession(replace(lab, device_name="cpu") if self.builds else lab)

    @cached_property
    def worker_lab(self) -> Lab:
        """Where workers of the audit train and measure, with the device that was asked for.

        Raises:
            TicError: The device cannot be used here, where it has to be.
        """
        from tic.lab import Lab, usable_device
        from tic.session.options import store_folder

        flags = self.flags
        if not self.builds:
            usable_device(flags.device)
        data = flags.data and flags.data.absolute()
        return Lab(store_folder(flags).absolute(), data, flags.device, flags.compile)

    @cached_property
    def options(self) -> Options:
        """The options of the audit.

        Raises:
            TicError: One of them is out of its range.
        """
        from tic.session.options import read_options

        return read_options(self.flags)

    @cached_property
    def expected(self) -> Expectation | None:
        """The verdicts that --expect allows.

        Raises:
            TicError: The file cannot be read.
        """
        from tic.session.expectation import load_expectation

        path = self.flags.expect
        return load_expectation(path) if path else None

    @property
    def demands(self) -> Demands:
        """What every entry must meet.

        Raises:
            TicError: The file of expected verdicts cannot be read.
        """
        return Demands(self.expected, decided=self.flags.fail_on_inconclusive)

    def refuse(self, error: TicError) -> None:
        """Remember why the audit cannot start; collection ends with all the reasons."""
        self.faults.append(str(error))
