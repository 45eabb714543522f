"""What the paper of Kim et al. 2023 reports, digit by digit."""

import pytest

from claims.kim2023.paper import (
    DROPS,
    LEVELS,
    PLACES,
    PRUNING_SCHEDULE,
    SATURATION,
    SAVING,
    TABLE_1,
    TRANSITION,
    slips,
    table_1_rows,
)
from tic.pruning import compute_saving

# As printed for low, intermediate and high α: clean, then accuracy and (drop) by column.
PRINTED = {
    "svhn": """
        96.03 93.48 (-2.55) 95.56 (-0.47) 91.69 (-4.34) 90.87 (-5.16)
        96.01 93.24 (-2.77) 95.56 (-0.56) 77.93 (-18.08) 49.84 (-46.17)
        95.91 92.85 (-3.06) 95.12 (-0.79) 55.39 (-40.52) 4.46 (-91.45)""",
    "cifar10": """
        92.04 69.01 (-23.03) 58.11 (-33.93) 77.22 (-14.82) 74.63 (-17.41)
        91.89 68.09 (-23.80) 56.88 (-35.01) 69.29 (-22.60) 58.65 (-33.24)
        91.87 61.01 (-30.86) 54.55 (-37.32) 53.50 (-38.37) 32.58 (-59.29)""",
    "cifar100": """
        68.17 37.60 (-30.57) 51.18 (-16.99) 44.62 (-23.55) 38.64 (-29.52)
        68.47 36.98 (-31.49) 51.02 (-17.45) 43.39 (-25.08) 35.03 (-33.43)
        67.95 35.56 (-32.39) 49.09 (-18.86) 38.36 (-29.59) 30.33 (-37.62)""",
}
ROWS = {
    (dataset, level): line.split()
    for dataset, lines in PRINTED.items()
    for level, line in zip(LEVELS, lines.strip().splitlines(), strict=True)
}


def test_table_1_covers_three_data_sets_at_three_levels():
    for table in (TABLE_1, DROPS):
        assert {(dataset, level) for dataset in table for level in table[dataset]} == set(ROWS)


@pytest.mark.parametrize(("dataset", "level"), ROWS)
def test_table_1_holds_the_accuracies_and_drops_that_are_printed(dataset, level):
    row = ROWS[dataset, level]
    drops = [-float(text.strip("()")) for text in row if text.startswith("(")]
    assert list(DROPS[dataset][level]) == drops
    assert list(TABLE_1[dataset][level]) == [float(t) for t in row if not t.startswith("(")]


def test_the_columns_of_table_1_have_names():
    row = TABLE_1["svhn"]["high"]
    assert (row.clean, row.gaussian, row.blur, row.fgsm, row.pgd) == tuple(row)
    assert row.pgd == 4.46


def test_one_drop_under_blur_is_misprinted():
    assert slips("blur") == [
        "Table 1 prints a drop of 0.56 for svhn, α intermediate, blur; its accuracies give 0.45."
    ]


def test_two_drops_under_pgd_are_off_by_a_hundredth():
    assert slips("pgd") == [
        "Table 1 prints a drop of 29.52 for cifar100, α low, pgd; its accuracies give 29.53.",
        "Table 1 prints a drop of 33.43 for cifar100, α intermediate, pgd; "
        "its accuracies give 33.44.",
    ]


@pytest.mark.parametrize("corruption", ["gaussian", "fgsm"])
def test_the_other_drops_follow_from_the_accuracies(corruption):
    assert slips(corruption) == []


def test_a_data_set_outside_the_paper_is_set_beside_cifar10_and_says_so():
    assert table_1_rows("digits") == ("Table 1, cifar10", TABLE_1["cifar10"])
    assert table_1_rows("svhn") == ("Table 1, svhn", TABLE_1["svhn"])


def test_the_saving_is_the_formula_with_the_papers_numbers():
    # 60·5·(5 - 3) / (300·5 + 60·5·5) = 600 / 3000
    assert compute_saving(**PRUNING_SCHEDULE, timesteps=5, retrain_timesteps=3) == SAVING == 0.2


def test_numbers_of_the_text():
    assert round(300 * TRANSITION) == 80
    assert dict(SATURATION) == {"ResNet-19": 4, "AlexNet": 8}


def test_places_are_distinct_and_none_hides_a_later_one():
    assert len(set(PLACES)) == len(PLACES)
    hidden = [
        (place, later)
        for number, place in enumerate(PLACES)
        for later in PLACES[number + 1 :]
        if later.startswith(place)
    ]
    assert hidden == []
