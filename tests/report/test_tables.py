import pytest

from tic.document.audit import RunRecord
from tic.document.evidence import Comparison, Unknown
from tic.report.tables import comparison_groups, recipe_value, training


def comparison(
    quantity: str, place: str, reported: float | Unknown, *measured: float
) -> Comparison:
    return Comparison(
        quantity=quantity, place=place, unit="%", reported=reported, measured=measured
    )


def run(seed: int, fingerprint: str, label: str = "", **recipe: object) -> RunRecord:
    return RunRecord.model_validate(
        {
            "fingerprint": fingerprint,
            "label": label or f"tiny-T5-seed{seed}",
            "seed": seed,
            "recipe": {"seed": seed, "epochs": 60} | recipe,
            "status": "finished",
            "seconds": 10.0,
            "train_loss": 0.1,
            "test_accuracy": 97.0,
        }
    )


def test_a_number_that_is_not_known_stands_beside_those_that_are():
    unknown = Unknown(why="it was not read")
    (group,) = comparison_groups(
        [
            comparison("clean", "Table 1", unknown, 94.0, 96.0),
            comparison("blur", "Table 1", 58.1, 50.0),
        ],
        "x",
    )
    first, second = group.rows
    assert first.reported == "not known: it was not read"
    assert (first.mean, first.difference) == ("95.0", "–")
    assert (second.reported, second.difference) == ("58.1", "−8.1")
    assert first.strip.count("reported") == 0
    assert second.strip.count("reported") == 1


def test_numbers_of_one_place_stand_together_with_the_papers_decimals():
    groups = comparison_groups(
        [
            comparison("clean", "Table 1", 92.04, 94.0, 96.0),
            comparison("blur", "Table 1", 58.1, 50.0),
            comparison("saving", "text", 20.0),
        ],
        "e",
    )
    assert [(group.place, len(group.rows)) for group in groups] == [("Table 1", 2), ("text", 1)]
    clean, blur = groups[0].rows
    assert (clean.reported, clean.mean, clean.spread) == ("92.04", "95.00", "94.00 to 96.00")
    assert clean.difference == "+2.96"
    assert (blur.reported, blur.spread, blur.difference) == ("58.10", "–", "−8.10")
    assert groups[1].rows[0].mean == "not measured"


@pytest.mark.parametrize(
    ("reported", "measured", "printed"),
    [
        (1.0, (0.55, 0.585, 0.62), ("1", "0.585", "0.550 to 0.620", "−0.415")),
        (1.0, (0.9961, 0.9961), ("1", "0.9961", "0.9961 to 0.9961", "−0.0039")),
        (1.0, (0.25,), ("1", "0.25", "–", "−0.75")),
        (1.0, (1.0, 1.0), ("1", "1", "1 to 1", "0")),
        (20.0, (10.0, 30.0), ("20", "20", "10 to 30", "0")),
        (92.04, (92.1, 92.3), ("92.04", "92.20", "92.10 to 92.30", "+0.16")),
        # What is small beside the spread needs no digits of its own.
        (92.0, (90.0, 94.001), ("92", "92.0", "90.0 to 94.0", "+0.0")),
        (1.0, (0.1 + 0.2, 0.3), ("1", "0.30", "0.30 to 0.30", "−0.70")),
    ],
)
def test_a_number_that_is_whole_takes_no_digits_from_ours(reported, measured, printed):
    ((row,),) = (
        g.rows for g in comparison_groups([comparison("x", "Tab", reported, *measured)], "e")
    )
    assert (row.reported, row.mean, row.spread, row.difference) == printed


def test_beside_a_number_that_is_not_known_ours_have_the_digits_of_their_spread():
    unknown = Unknown(why="it was not read")
    ((row,),) = (
        g.rows for g in comparison_groups([comparison("x", "T", unknown, 94.0, 96.0)], "e")
    )
    assert (row.mean, row.spread) == ("95.0", "94.0 to 96.0")


def test_runs_that_differ_only_in_their_seed_stand_together():
    what = training([run(0, "a" * 24), run(1, "b" * 24), run(0, "c" * 24, epochs=300)])
    assert [len(group.runs) for group in what.groups] == [2, 1]
    assert [group.label for group in what.groups] == ["tiny-T5", "tiny-T5"]
    assert [group.varying for group in what.groups] == [{"epochs": 60}, {"epochs": 300}]
    assert (what.count, what.seconds) == (3, 30.0)


@pytest.mark.parametrize(
    ("label", "seed", "shown"),
    [
        ("tiny-seed7", 7, "tiny"),
        ("tiny (seed 17)", 17, "tiny (seed 17)"),
        ("tiny, seed 17", 17, "tiny"),
        ("tiny-seed17", 7, "tiny-seed17"),
        ("tiny-seed07", 7, "tiny-seed07"),
        ("tiny-seed7-pruned", 7, "tiny-seed7-pruned"),
        ("seed7", 7, "seed7"),
    ],
)
def test_a_label_goes_without_the_seed_at_its_end_and_no_other(label, seed, shown):
    (group,) = training([run(seed, "a" * 24, label)]).groups
    assert group.label == shown


def test_a_parent_is_named_by_its_label_so_that_seeds_stay_together():
    parents = [run(seed, f"parent{seed}") for seed in (0, 1)]
    children = [
        run(seed, f"child{seed}", f"pruned-seed{seed}", parent=f"parent{seed}") for seed in (0, 1)
    ]
    groups = training([*parents, *children]).groups
    assert [len(group.runs) for group in groups] == [2, 2]
    assert groups[1].recipe["parent"] == "tiny-T5"


def test_kinds_are_told_by_their_class_with_their_fields_behind_it():
    def spiking(tau: float) -> dict[str, object]:
        fields = {"network": "tiny", "tau": tau}
        return {"kind": "tic.models.architecture:Spiking", "fields": fields}

    rule = {"kind": "tic.pruning:Pruning", "fields": {"sparsity": 0.5}}
    loss = {"kind": "tic.losses:MeanLoss", "fields": {}}
    what = training(
        [
            run(0, "a", architecture=spiking(2.0), loss=loss, rules=[]),
            run(0, "b", architecture=spiking(4.0), loss=loss, rules=[rule]),
        ]
    )
    assert what.common == {
        "architecture": "Spiking", "architecture.network": "tiny", "epochs": 60, "loss": "MeanLoss",
    }  # fmt: skip
    assert [group.varying for group in what.groups] == [
        {"architecture.tau": 2.0, "rules": None},
        {"architecture.tau": 4.0, "rules.1": "Pruning", "rules.1.sparsity": 0.5},
    ]


def test_what_all_recipes_share_is_said_once():
    what = training([run(0, "a", tau=2.0), run(0, "b", tau=4.0)])
    assert what.common == {"epochs": 60}
    assert training([]).groups == ()


def test_recipe_values_are_printed_as_they_are_set():
    values = (None, True, False, 2.0, 5e-4, 0.1, 10, "sgd", 0.1 + 0.2)
    printed = ("none", "yes", "no", "2", "0.0005", "0.1", "10", "sgd", "0.30000000000000004")
    assert tuple(recipe_value(value) for value in values) == printed
