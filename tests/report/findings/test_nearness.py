import pytest

from tic.document.evidence import RegionRecord, Sensitivity, Trend
from tic.report.findings import nearness
from tic.stats.judge import Outcome

S, R, I = Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE  # noqa: E741


def near(
    confidence: float | None = None,
    to: Outcome | None = None,
    margin: float | None = None,
    without: tuple[Outcome, ...] = (),
) -> Sensitivity:
    return Sensitivity(flip_confidence=confidence, flips_to=to, flip_margin=margin, without=without)


@pytest.fixture
def contrast(example_audit):
    """Return a function that gives a supported contrast of five seeds another sensitivity."""
    first = example_audit.entries[0].contrasts[0]

    def make(sensitivity: Sensitivity, **changes: object):
        return first.model_copy(
            update={"sensitivity": sensitivity, "seeds": (3, 5, 7, 8, 9)} | changes
        )

    return make


@pytest.mark.parametrize(
    ("sensitivity", "line"),
    [
        (near(), ""),
        (near(0.9731, I), "Would be INCONCLUSIVE above 97.31 % confidence."),
        (near(0.9999999, I), "Would be INCONCLUSIVE only above 99.99 % confidence."),
        (near(0.832, S), "Would be SUPPORTED at 83.2 % confidence or less."),
        (near(margin=0.1234), "Flips if the region began at 0.123."),
        (near(without=(S,) * 5), ""),
        (near(without=(I, S, S, S, S)), "Without seed 3: INCONCLUSIVE."),
        (
            near(without=(I, R, S, I, S)),
            "Without any one of seeds 3, 8: INCONCLUSIVE; without seed 5: REFUTED.",
        ),
        (
            near(0.97, I, 0.12, (S, S, I, S, S)),
            "Would be INCONCLUSIVE above 97 % confidence; flips if the region began at 0.120; "
            "without seed 7: INCONCLUSIVE.",
        ),
    ],
)
def test_a_contrast_says_what_would_change_it(contrast, sensitivity, line):
    assert nearness.contrast_line(contrast(sensitivity)).replace("\u202f", " ") == line


@pytest.mark.parametrize(
    ("low", "high", "line"),
    [
        (0.05, None, "Flips if the region began at 0.3."),
        (None, 0.05, "Flips if the region ended at 0.3."),
        (-1.0, 1.0, "Flips if the region reached 0.3 to either side of its middle."),
    ],
)
def test_the_margin_is_told_by_the_kind_of_region(contrast, low, high, line):
    region = RegionRecord(low=low, high=high, text="")
    said = nearness.contrast_line(contrast(near(margin=0.3), region=region))
    assert said.replace("0.300", "0.3") == line


def test_three_seeds_of_which_none_can_be_left_out_say_nothing(contrast, example_audit):
    few = near(without=(I, I, I))
    assert nearness.contrast_line(contrast(few, seeds=(0, 1, 2))) == ""
    entry = example_audit.entries[0].model_copy(update={"sensitivity": few})
    assert nearness.entry_line(entry) == "With 3 seeds none can be left out."
    assert nearness.hangs_on(entry) == ()
    assert not nearness.left_out(entry)


@pytest.mark.parametrize(
    ("without", "line", "seeds"),
    [
        ((S,) * 5, "The same with every seed left out.", ()),
        ((S, S, S, I, S), "Hangs on seed 3 (INCONCLUSIVE without it).", (3,)),
        (
            (I, S, R, S, S),
            "Hangs on seeds 0, 2 (INCONCLUSIVE or REFUTED without any one of them).",
            (0, 2),
        ),
    ],
)
def test_a_claim_says_whether_it_hangs_on_a_seed(example_audit, without, line, seeds):
    entry = example_audit.entries[0].model_copy(update={"sensitivity": near(without=without)})
    assert nearness.entry_line(entry) == line
    assert nearness.hangs_on(entry) == seeds
    assert nearness.left_out(entry)


def test_seeds_that_nobody_would_read_are_counted(contrast, example_audit):
    many = near(without=(I,) * 13 + (S,) * 7)
    entry = example_audit.entries[0].model_copy(update={"sensitivity": many})
    line = "Hangs on 13 of 20 seeds (INCONCLUSIVE without any one of them)."
    assert nearness.entry_line(entry) == line
    said = nearness.contrast_line(contrast(many, seeds=tuple(range(20))))
    assert said == "Without any one of 13 of 20 seeds: INCONCLUSIVE."


def test_a_margin_that_lies_next_to_the_edge_shows_on_which_side(contrast):
    region = RegionRecord(low=None, high=-1.0, text="below -1")
    said = nearness.contrast_line(contrast(near(margin=-0.9995), region=region))
    assert said == "Flips if the region ended at −0.9995."


def test_seeds_are_left_out_of_the_claim_by_itself_and_not_as_corrected(example_audit):
    corrected = example_audit.entries[1]
    assert (corrected.own_outcome, corrected.outcome) == (S, I)
    entry = corrected.model_copy(update={"sensitivity": near(without=(S,) * 5)})
    assert nearness.hangs_on(entry) == ()


def test_a_claim_without_sensitivity_says_nothing(example_audit):
    assert nearness.entry_line(example_audit.entries[2]) == ""
    assert not nearness.left_out(example_audit.entries[2])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, True),
        ({"effects": (0.0, 0.0, 0.0, 0.0, 0.1)}, False),
        ({"interval": (0.0, 0.0)}, False),
        ({"rate": True}, False),
        ({"trend": Trend(direction="increasing", samples=((0.0, 0.0),) * 5)}, False),
        ({"seeds": (), "effects": (0.0,)}, False),
        ({"seeds": (1, 2), "effects": (0.0, 0.0)}, False),
    ],
)
def test_effects_that_are_all_the_same_say_what_would_settle_them(contrast, changes, told):
    same = {"effects": (0.0,) * 5, "interval": None}
    line = nearness.unsettled_line(contrast(near(), **(same | changes)))
    assert line.startswith("More seeds settle this only once one of them differs.") is told
    assert ("resolution" in line) is told
