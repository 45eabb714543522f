"""Which claims are audited, and in which order."""

import re

import pytest

PLACED = """
from dataclasses import replace
PLACED = replace(PACK, places=("Fig. 1", "Fig. 4a", "Fig. 4b", "Table 1"))
def at(name, source):
    return claim(PLACED, name, source=source, says="It is.", rule="By it.",
                 controls=(NOTHING,))
@at("robust", "Table 1")
def test_last(judge):
    judge([1], above(0), name="one", exact=True)
@at("rising", "Fig. 4b")
def test_third(judge):
    judge([1], above(0), name="one", exact=True)
@at("unplaced", "Discussion")
def test_nowhere(judge):
    judge([1], above(0), name="one", exact=True)
@at("falling-late", "Fig. 4a, Eq. 7")
def test_second(judge):
    judge([1], above(0), name="one", exact=True)
@at("concentration", "Fig. 1")
def test_first(judge):
    judge([1], above(0), name="one", exact=True)
"""
UNIT_TEST = "def test_unit():\n    pass\n"


def chosen(outcome):
    return list(outcome.verdicts)


def test_claims_are_audited_in_the_order_of_the_paper(repository):
    repository.write(PLACED)
    outcome = repository.run()
    assert chosen(outcome) == ["concentration", "falling-late", "rising", "robust", "unplaced"]
    assert outcome.status == 0


def collected(outcome):
    return [line.split("::")[1] for line in outcome.text.splitlines() if "::" in line]


def test_the_order_of_the_paper_holds_over_files_and_other_tests_stay_where_they_are(repository):
    repository.write(PLACED.split('@at("rising"')[0])
    text = (repository.pytester.path / "test_pack.py").read_text()
    early = text.replace('"robust", "Table 1"', '"early", "Fig. 1"').replace("_last", "_early")
    repository.pytester.makepyfile(test_unit=UNIT_TEST, test_yet=early)
    found = collected(repository.run("--collect-only", "-q"))
    assert found == ["test_early", "test_unit", "test_last"]


def test_the_claims_of_one_paper_stay_together_in_the_order_the_papers_were_met(repository):
    repository.write(PLACED)
    text = (repository.pytester.path / "test_pack.py").read_text()
    repository.pytester.makepyfile(test_other=text.replace("other2024", "another2025"))
    verdicts = [entry.id.split("/")[0] for entry in repository.run().audit.entries]
    assert verdicts == ["another2025"] * 5 + ["other2024"] * 5


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("fig1", ["concentration"]),
        ("fig4", ["falling-late", "rising"]),
        ("fig4a", ["falling-late"]),
        ("eq7", ["falling-late"]),
        ("table1,rising", ["rising", "robust"]),
        ("other2024/fall*", ["falling-late"]),
        ("discussion", ["unplaced"]),
    ],
)
def test_claims_are_chosen_by_place_and_name(repository, pattern, names):
    repository.write(PLACED)
    assert chosen(repository.run("--claim", pattern)) == names


def test_a_pattern_that_names_no_claim_is_refused(repository):
    repository.write(PLACED)
    outcome = repository.run("--claim", "fig1,fig9")
    assert (
        "--claim 'fig9' names no claim; `tic claims` lists their names and places" in outcome.text
    )
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert not outcome.folder.exists()


@pytest.mark.parametrize("pattern", ["falling-lat", "faling*", "other2024/falling-late2"])
def test_a_pattern_next_to_a_name_is_told_the_name(repository, pattern):
    repository.write(PLACED)
    outcome = repository.run("--claim", pattern)
    assert re.search(r"names no claim; did you mean (other2024/)?falling", outcome.text)


def test_tests_without_claims_may_be_selected_away(repository):
    repository.pytester.makepyfile(test_units=UNIT_TEST)
    assert (
        repository.run("--tic-claim", "fig9", "-k", "none").status
        == pytest.ExitCode.NO_TESTS_COLLECTED
    )


@pytest.mark.parametrize(
    ("expression", "names"),
    [("falling-late", ["falling-late"]), ("fig4", ["falling-late", "rising"])],
)
def test_claims_are_chosen_by_keyword(repository, expression, names):
    repository.write(PLACED)
    assert chosen(repository.run("-k", expression)) == names


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('tic_claim(place="fig1")', ["concentration"]),
        ('tic_claim(place="table1") or tic_claim(name="rising")', ["rising", "robust"]),
        ('tic_claim(paper="other2024") and not tic_claim(place="fig4")', None),
        ("not tic_claim", []),
    ],
)
def test_claims_are_chosen_by_marks(repository, expression, names):
    repository.pytester.makepyfile(test_units=UNIT_TEST)
    repository.write(PLACED)
    outcome = repository.run("-m", expression)
    if names == []:
        assert "1 passed, 5 deselected" in outcome.text
        assert not outcome.folder.exists()
    elif names:
        assert chosen(outcome) == names
    else:
        assert "concentration" in chosen(outcome)
        assert "rising" not in chosen(outcome)
