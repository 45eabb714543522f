"""The design put to a test: a claim of one's own is one short file, and nothing else changes."""

import pytest

from tic.kinds import describe
from tic.losses import PrefixLoss
from tic.stats import Outcome

NEW_CLAIM = """
from claims.kim2023.centroids import draw_centroids
from claims.kim2023.recipes import KIM2023, baseline
from tic.audit import claim
from tic.audit.control import SHUFFLED_TIMESTEPS
from tic.audit.judge import Judge
from tic.audit.pack import Setting
from claims.kim2023.runs import KimRuns
from tic.losses import PrefixLoss
from tic.recipe import Recipe
from tic.stats import below


def on_every_prefix(setting: Setting) -> Recipe:
    return baseline(setting).but(loss=PrefixLoss())


@claim(
    KIM2023,
    "unfitted-prefixes",
    source="Fig. 1, a rival explanation",
    says="Trained on every prefix, a network does not concentrate its information.",
    rule="ic(early) - ic(final) below 0.05.",
    needs=on_every_prefix,
    controls=(SHUFFLED_TIMESTEPS,),
)
def test_prefix_loss_does_not_concentrate(runs: KimRuns, judge: Judge) -> None:
    fall = runs.centroid("early") - runs.centroid("final")
    judge(fall, below(0.05), name="fall of the normalised centroid")
    draw_centroids(judge, "With the prefix loss", {"prefix": runs}, traced=("prefix",))
""".lstrip()
QUICK = {
    "--timesteps": 2, "--epochs": 3, "--train-size": 60, "--seeds": 3, "--fisher-size": 20,
    "--test-size": 20,
}  # fmt: skip


@pytest.fixture
def outcome(repository, one_thread):
    repository.pytester.makepyfile(test_prefixes=NEW_CLAIM)
    return repository.run(*(str(text) for pair in QUICK.items() for text in pair))


def test_thirty_lines_are_a_claim_with_a_verdict_a_figure_and_a_scope(outcome):
    assert len(NEW_CLAIM.splitlines()) <= 30
    entry = outcome.entry
    assert entry.id == "kim2023/unfitted-prefixes[tiny-digits]"
    assert entry.outcome in {Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE}
    assert entry.paper == "kim2023"
    (contrast,) = entry.contrasts
    assert contrast.region.text == "below 0.05"
    assert contrast.seeds == (0, 1, 2)
    (figure,) = entry.figures
    assert [len(panel.series) for panel in figure.panels] == [1, 3]
    assert entry.scope.level == "smoke"
    assert "timesteps: 2 instead of 10" in entry.scope.differences
    assert not any(each.startswith("loss") for each in entry.scope.differences)
    assert [run.recipe["loss"] for run in outcome.audit.runs] == [describe(PrefixLoss())] * 3
    assert len(entry.runs) == len(outcome.audit.runs) == 3
    report = (outcome.folder / "report.html").read_text(encoding="utf-8")
    assert "Trained on every prefix, a network does not concentrate" in report
