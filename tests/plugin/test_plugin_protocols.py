"""Readings of what a paper leaves open: further entries beside the standard ones."""

import pytest

from fixtures.packs import SUPPORTED
from tic.audit.protocol import STANDARD

OPEN = """
from tic.audit import Gap, Protocol
SUMMED = Protocol("summed", "Of the sum.", reading="sum")
SHORT = Protocol("short", "One epoch.", alter=lambda recipe: recipe.but(epochs=1))
GAPS = (Gap("Sum or mean.", (SUMMED,)), Gap("How long.", (SHORT,)))
def leaves_open(name, gaps):
    return claim(PACK, name, source="Fig. 1", says=f"It is {name}.", rule="By losses.",
                 needs=lambda setting: setting.recipe, gaps=gaps, controls=(NOTHING,))
@leaves_open("open", GAPS)
def test_open(runs, judge, protocol):
    judge(runs.train_loss()[:, -1], above(0), name=protocol.name, unit="nats")
"""
CASES = """
import pytest
@leaves_open("cases", GAPS)
@pytest.mark.parametrize("level", ["low", "high"])
def test_cases(runs, judge, level):
    judge(runs.train_loss()[:, -1], above(0), name="loss")
"""


@pytest.fixture
def reading(repository):
    """Audit a claim with and one without open readings by some protocols."""

    def run(*arguments):
        repository.write(SUPPORTED, OPEN)
        return repository.run(*arguments)

    return run


def by_protocol(outcome):
    return {each.id.removeprefix("other2024/"): each.protocol for each in outcome.audit.entries}


def test_without_the_option_there_is_the_standard_protocol_alone(reading):
    outcome = reading()
    assert by_protocol(outcome) == {
        "positive[tiny-digits]": "standard",
        "open[tiny-digits]": "standard",
    }
    assert [each.alternatives for each in outcome.audit.entries] == [(), ("summed", "short")]
    assert [each.name for each in outcome.audit.protocols] == ["standard"]


def test_all_protocols_make_further_entries_and_leave_the_ids_of_the_standard_ones(reading):
    outcome = reading("--protocol", "all")
    assert by_protocol(outcome) == {
        "positive[tiny-digits]": "standard",
        "open[tiny-digits]": "standard",
        "open[tiny-digits-summed]": "summed",
        "open[tiny-digits-short]": "short",
    }
    assert outcome.status == 0
    audit = outcome.audit
    assert [(each.name, each.says) for each in audit.protocols] == [
        ("standard", STANDARD.says),
        ("summed", "Of the sum."),
        ("short", "One epoch."),
    ]
    assert outcome.family.claims == 2
    assert [each.contrasts[0].name for each in audit.entries[1:]] == ["standard", "summed", "short"]


def test_a_protocol_that_trains_otherwise_has_other_runs_and_one_that_does_not_shares_them(reading):
    entries = {each.protocol: each for each in reading("--protocol", "all").audit.entries[1:]}
    assert entries["summed"].runs == entries["standard"].runs
    assert not set(entries["short"].runs) & set(entries["standard"].runs)
    assert entries["short"].scope == entries["standard"].scope  # the paper's setting is read so too
    assert entries["short"].notes == entries["standard"].notes == ("Sum or mean.", "How long.")


def test_one_protocol_stands_in_place_of_the_standard_one_where_it_concerns_a_claim(reading):
    assert by_protocol(reading("--protocol", "short")) == {
        "positive[tiny-digits]": "standard",
        "open[tiny-digits-short]": "short",
    }


def test_standard_and_another_are_judged_side_by_side(reading):
    assert by_protocol(reading("--protocol", "standard,summed", "--claim", "open")) == {
        "open[tiny-digits]": "standard",
        "open[tiny-digits-summed]": "summed",
    }


def test_a_claim_with_cases_is_judged_by_every_protocol_in_each(repository):
    repository.write(OPEN, CASES)
    outcome = repository.run("--protocol", "standard,summed", "--claim", "cases")
    found = {each.id: (each.protocol, each.parameters["level"]) for each in outcome.audit.entries}
    assert len(found) == 4
    assert sorted(found.values()) == [
        ("standard", "high"),
        ("standard", "low"),
        ("summed", "high"),
        ("summed", "low"),
    ]
    plain = repository.run("--claim", "cases").audit.entries
    assert {each.id for each in plain} < set(found)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_an_unknown_protocol_is_refused_in_one_sentence(reading, workers):
    outcome = reading("--protocol", "summed,sum", *workers)
    assert outcome.status == 4
    sentence = "ERROR: --protocol does not know 'sum'; known: standard, short, summed, all"
    assert outcome.text.count(sentence) == outcome.text.count("ERROR:") == 1
    assert "Traceback" not in outcome.text
    assert not outcome.folder.exists()


def test_a_protocol_is_known_when_the_claims_it_touches_are_left_out(reading):
    outcome = reading("--protocol", "summed", "--claim", "positive")
    assert by_protocol(outcome) == {"positive[tiny-digits]": "standard"}
