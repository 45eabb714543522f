"""The pytest plugin: a test run over claims becomes an audit.

It stays out of the way of every test that is no claim. Heavy imports happen when claims are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tic.plugin.building import Building, check_options
from tic.plugin.collecting import Collecting
from tic.plugin.concluding import Concluding
from tic.plugin.judging import Judging
from tic.plugin.state import JUDGE, MARK, State, entry_id
from tic.plugin.watching import TellOnly, Watching

if TYPE_CHECKING:
    from tic.audit.counterfeit import Counterfeit
    from tic.audit.judge import Judge
    from tic.audit.pack import Setting
    from tic.audit.protocol import Protocol
    from tic.audit.runs import SeedRuns

LEVELS = ("quick", "standard", "full")
"""Of the masking battery; `tic.attacks.battery` is too heavy to be asked for every test run."""

PRECISIONS = ("fp32", "bf16")
"""Of the training; those of `tic.recipe`."""

STATE = pytest.StashKey[State]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of an audit."""
    group = parser.getgroup("tic", "audit of scientific claims")
    add = group.addoption
    add("--arch", metavar="NAME[,NAME]", help="network; brings its own setting")
    add("--dataset", metavar="NAME[,NAME]", help="data set instead of the setting's own")
    add("--timesteps", metavar="T", help="timesteps instead of the setting's own")
    add("--epochs", metavar="N", help="epochs instead of the setting's own")
    add("--precision", choices=PRECISIONS, help="of the training (default: the setting's own)")
    add("--seeds", metavar="S|A-B", help="number of seeds, or the first and the last of them")
    add("--train-size", metavar="N|all", help="number of training images, or all of them")
    add("--fisher-size", metavar="N|all", help="at most so many images for Fisher information")
    add("--test-size", metavar="N|all", help="at most so many test images for accuracy")
    add("--attacks", choices=LEVELS, help="level of the masking battery (default: the setting's)")
    add("--attack-size", metavar="N|all", help="at most so many test images for the battery")
    add("--device", metavar="DEVICE", default="cpu", help="cpu, cuda or cuda:N (default: cpu)")
    add("--compile", action="store_true", help="compile networks before training (for GPUs)")
    add("--data", metavar="DIR", type=Path, help="folder that data sets are looked for in first")
    add("--store", metavar="DIR", type=Path, help="folder of Runs (default: $TIC_STORE or .tic)")
    add("--report-dir", metavar="DIR", type=Path, help="folder of the report (reports/TIME)")
    add("--claim", metavar="PATTERN[,PATTERN]", help="claims by name or place (alpha-*, fig4)")
    add("--protocol", metavar="NAME[,NAME]", help="readings of what the paper leaves open, or all")
    add("--no-rivals", action="store_true", help="leave out other explanations of what is claimed")
    add("--counterfeits", action="store_true", help="see that no claim is supported where planted")
    add("--download", action="store_true", help="download what claims need beside the data set")
    add("--expect", metavar="FILE", type=Path, help="pass on the verdicts that FILE allows")
    add("--plan", action="store_true", help="show what would be trained and what it costs")
    add("--gpus", metavar="N[,N]", help="with --plan: simulate its schedule on so many GPUs")
    add("--build", action="store_true", help="train and measure what an audit needs, judge nothing")
    add("--engine", metavar="NAME", help="with --build: who does it: local, ray … (default: local)")
    add("--address", metavar="ADDRESS", help="with --build: cluster to join, of engines that can")
    add("--list", choices=("claims", "protocols"), help="list claims or protocols, judge nothing")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the mark and the phases of an audit."""
    config.addinivalue_line("markers", f"{MARK}(claim): the test decides a claim of a paper")
    check_options(config.option)
    state = State(config)
    config.stash[STATE] = state
    if state.tells_only or state.builds:
        # They are made in one process; workers of xdist would only start up and leave again.
        config.option.dist, config.option.tx = "no", []
    if state.tells_only:
        config.pluginmanager.register(TellOnly(), "tic-tellonly")
    phases: tuple[object, ...] = (Collecting(state), Building(state))
    if not state.builds:
        phases = (Collecting(state), Watching(state), Judging(state), Concluding(state))
    for phase in phases:
        config.pluginmanager.register(phase, f"tic-{type(phase).__name__.lower()}")


@pytest.fixture
def runs(
    request: pytest.FixtureRequest,
    setting: Setting,
    protocol: Protocol,
    counterfeit: Counterfeit | None,
) -> SeedRuns | dict[str, SeedRuns]:
    """The trained Runs that the claim needs, one per seed; by role where it named roles."""
    state = request.config.stash[STATE]
    planned = state.session.planned[entry_id(request.node)]
    return state.session.trained(planned) if state.builds else state.session.runs(planned)


@pytest.fixture
def counterfeit() -> None:
    """What is planted so that the claim is false; nothing without `--counterfeits`."""


@pytest.fixture
def judge(request: pytest.FixtureRequest, counterfeit: Counterfeit | None) -> Iterator[Judge]:
    """Records the claim's contrasts and what is shown beside them; see `tic.audit.judge`."""
    from tic.audit.judge import Judge
    from tic.audit.options import CONFIDENCE

    planned = request.config.stash[STATE].session.planned[entry_id(request.node)]
    recorder = Judge(planned.setting.seeds, CONFIDENCE)
    request.node.stash[JUDGE] = recorder
    with counterfeit.planted() if counterfeit else nullcontext():
        yield recorder
