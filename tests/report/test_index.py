import pytest

from tic.report.index import index_of
from tic.stats.judge import Outcome


@pytest.fixture
def indexed(edited):
    """Return a function that indexes an audit of some entries."""
    return lambda *entries: index_of(edited(entries=entries))


def test_anchors_are_unique_and_tell_the_roles_apart(example_audit, indexed):
    first = example_audit.entries[0]
    copy = first.model_copy(update={"role": "control"})
    assert [item.anchor for item in indexed(first, first, copy).items] == [
        "claim-kim2023-concentration-10",
        "claim-kim2023-concentration-10--2",
        "control-kim2023-concentration-10",
    ]


def test_labels_leave_out_parameters_that_all_entries_share(example, indexed):
    one = example.entry("c", "Fig. 1", "s", "r", parameters={"network": "tiny", "T": "4"})
    other = example.entry("c", "Fig. 1", "s", "r", parameters={"network": "tiny", "T": "6"})
    assert [item.label for item in indexed(one, other).items] == ["c (4)", "c (6)"]
    assert [item.label for item in indexed(one).items] == ["c"]


def test_claims_of_one_name_are_told_apart_by_their_paper(example_audit, indexed):
    first = example_audit.entries[0]
    other = first.model_copy(update={"paper": "doe2026", "claim": "doe2026/concentration"})
    alone, both = indexed(first, first), indexed(first, other)
    assert [item.label for item in alone.items] == ["concentration", "concentration"]
    assert [item.label for item in both.items] == ["kim2023/concentration", "doe2026/concentration"]
    assert [item.full_name for item in both.items] == [item.label for item in both.items]
    assert [item.name for item in both.items] == ["concentration", "concentration"]


def test_entries_are_told_apart_by_role_in_the_order_of_the_audit(example_audit):
    index = index_of(example_audit)
    assert [item.entry for item in index.items] == list(example_audit.entries)
    assert index.items == index.claims + index.rivals + index.controls
    assert [len(items) for items in (index.claims, index.rivals, index.controls)] == [14, 6, 6]
    assert index.measured == index.claims + index.rivals


def test_only_rivals_threaten_and_only_claims_are_threatened(example, indexed):
    claim = example.entry("c", "Fig. 1", "s", "r")
    rival = example.rival("a", ["c", "a"], "s", "r")
    index = indexed(claim, rival, claim.model_copy(update={"role": "control"}))
    threatened, threatening, _ = index.items
    assert index.rivals_of == {threatened: (threatening,)}
    assert index.threatened_by == {threatening: (threatened,)}


def test_a_rival_stands_beside_its_claim_under_every_protocol(example_audit):
    index = index_of(example_audit)
    standard, official = index.items[0], index.items[12]
    rivals = (index.items[14], index.items[15])
    assert index.rivals_of[standard] == index.rivals_of[official] == rivals
    assert index.rivals_of[index.items[10]] == ()
    assert index.threatened_by[index.items[16]] == (index.items[8],)


def test_a_rival_threatens_a_claim_of_the_overview_once_and_not_under_every_protocol(example_audit):
    index = index_of(example_audit)
    claims = index.threatened_by[index.items[15]]
    assert claims == (index.items[0],)


def test_repeated_entries_do_not_shadow_each_other(example_audit, indexed):
    first, official = example_audit.entries[0], example_audit.entries[12]
    index = indexed(first, official, first)
    one, other, again = index.items
    assert index.settings == ({"standard": one, "official": other}, {"standard": again})
    assert index.siblings[other] == {"standard": one, "official": other}
    assert index.siblings[again] == {"standard": again}


def test_the_overview_leaves_out_what_the_standard_protocol_stands_for(example_audit, indexed):
    first, official = example_audit.entries[0], example_audit.entries[12]
    assert [item.entry for item in indexed(official, first).overview] == [first]
    assert [item.entry for item in indexed(official).overview] == [official]


def test_protocols_are_listed_once_and_unlisted_ones_come_last(example_audit, edited):
    twice = (*example_audit.protocols[:1], *example_audit.protocols[:1])
    protocols = index_of(edited(protocols=twice)).protocols
    assert list(protocols) == ["kim2023"]
    assert [(p.name, p.says) for p in protocols["kim2023"].values()] == [
        ("standard", "the plain reading of the paper"),
        ("official", ""),
    ]


def test_the_weakest_of_the_contrasts_that_agree_is_decisive(example_audit):
    concentration, concentrated, failed = index_of(example_audit).items[:3]
    assert concentration.decisive == concentration.entry.contrasts[1]
    # Supported alone and demoted by Holm: the claim's own outcome counts.
    assert concentrated.decisive == concentrated.entry.contrasts[0]
    assert failed.decisive is None


def test_a_refuted_claim_hangs_on_its_refuted_contrast(example_audit):
    items = index_of(example_audit).items
    refuted = next(item for item in items if item.entry.outcome is Outcome.REFUTED)
    assert refuted.decisive is not None
    assert refuted.decisive.outcome is Outcome.REFUTED


def test_the_claims_own_outcome_chooses_the_contrast(example_audit, indexed):
    entry = next(e for e in example_audit.entries if e.outcome is Outcome.REFUTED)
    refuted, inconclusive = entry.contrasts
    assert (refuted.outcome, inconclusive.outcome) == (Outcome.REFUTED, Outcome.INCONCLUSIVE)
    contrasts = (refuted, inconclusive.model_copy(update={"p_value": 0.9}))
    corrected = entry.model_copy(update={"outcome": Outcome.INCONCLUSIVE, "contrasts": contrasts})
    assert indexed(corrected).items[0].decisive == refuted
