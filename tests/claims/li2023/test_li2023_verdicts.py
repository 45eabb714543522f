"""Each claim and rival in worlds where the truth is known, and in its planted ones."""

import pkgutil
from importlib import import_module

import pytest
from li2023_worlds import World, conclude, outcome

import claims.li2023
from claims.li2023 import controls, paper
from claims.li2023 import test_inputs as inputs
from claims.li2023 import test_residual as residual
from claims.li2023 import test_rival_looks as looks
from claims.li2023 import test_rivals as rivals
from claims.li2023 import test_spatial as spatial
from claims.li2023 import test_time as time
from claims.li2023.paper import UNREAD
from claims.li2023.second_looks import LOOKS
from tic.audit import HeatMap
from tic.audit.claims import decided_by
from tic.audit.control import ONE_SEED, Control
from tic.stats import Outcome

TRUE = World()
TIMESTEPS, LEAK = {"factor": "timesteps"}, {"factor": "leak"}

HOLDS = {"ann-like": TRUE.but(sag=0.02)}

CASES = {
    "ann-like": (
        spatial.test_spiking_networks_are_as_near_as_another_ordinary_one, {},
        HOLDS["ann-like"],
        {"further": TRUE.but(level=0.7), "nearer": TRUE.but(level=0.9)},
        [[33 + 15, 48], [2]],
    ),
    "width": (
        spatial.test_similarity_rises_with_width, {}, TRUE,
        {"falls": TRUE.but(by_width=-0.04), "rises by too little": TRUE.but(by_width=0.004),
         "stays": TRUE.but(by_width=0.0)},
        [[1, 3]],
    ),
    "depth": (
        spatial.test_similarity_falls_with_depth, {}, TRUE,
        {"rises": TRUE.but(by_depth=-0.04), "falls by too little": TRUE.but(by_depth=0.004)},
        [[1, 48]],
    ),
    "periodic": (
        residual.test_similarity_recovers_after_the_residual_sum, {}, TRUE,
        {"branch is nearer": TRUE.but(sag=-0.1), "by too little": TRUE.but(sag=0.02)},
        [[2]],
    ),
    "spiking-pattern": (
        residual.test_the_pattern_comes_of_spikes, {}, TRUE,
        {"in both": TRUE.but(twin_sag=0.1), "in ordinary ones": TRUE.but(twin_sag=0.2),
         "by too little": TRUE.but(twin_sag=0.09)},
        [],
    ),
    "learned-pattern": (
        residual.test_the_pattern_is_learned, {}, TRUE,
        {"unlearned": TRUE.but(untrained_sag=0.2), "the same": TRUE.but(untrained_sag=0.1)},
        [[2]],
    ),
    "rectified": (
        residual.test_shortcuts_make_representations_ann_like, {}, TRUE,
        {"not at all": TRUE.but(plain_loss=0.0),
         "by too little": TRUE.but(plain_loss=0.02, twin_plain_loss=0.0),
         "in ordinary ones more": TRUE.but(twin_plain_loss=0.3)},
        [[2, 2]],
    ),
    "residual-accuracy": (
        residual.test_spiking_networks_need_shortcuts_more, {}, TRUE,
        {"alike": TRUE.but(spiking_lost=1.5), "less": TRUE.but(ordinary_lost=20)},
        [],
    ),
    "depth-dynamics": (
        time.test_deeper_layers_change_more_over_time, {}, TRUE,
        {"shallow ones": TRUE.but(change=(0.16, 0.01)), "alike": TRUE.but(change=(0.1, 0.1)),
         "by too little": TRUE.but(change=(0.1, 0.11))},
        [[2, 4, 4]],
    ),
    "events": (
        inputs.test_representations_of_events_change_more, {}, TRUE,
        {"less": TRUE.but(event_change=(0.0, 0.0)), "alike": TRUE.but(event_change=TRUE.change)},
        [[2]],
    ),
    "adversarial": (
        inputs.test_attacks_move_deep_representations_more, {}, TRUE,
        {"shallow ones": TRUE.but(attacked=(0.4, 0.05)), "alike": TRUE.but(attacked=(0.2, 0.21))},
        [[2]],
    ),
}  # fmt: skip
"""By claim: test, parameters, a world in which it holds, such in which it does not, figures."""
OPEN = {
    "timesteps": (time.test_timesteps_and_leak_change_representations, TIMESTEPS),
    "leak": (time.test_timesteps_and_leak_change_representations, LEAK),
}
RIVALS = {
    "any-residual": (
        rivals.test_two_ordinary_networks_do_it_too, {}, TRUE.but(twin_sag=0.1),
        {"no pattern": TRUE, "a weaker one": TRUE.but(sag=0.2, twin_sag=0.1)},
    ),
    "untrained-pattern": (
        rivals.test_untrained_networks_have_the_pattern, {}, TRUE.but(untrained_sag=0.2),
        {"none": TRUE},
    ),
    "untrained-dynamics": (
        rivals.test_untrained_networks_have_the_dynamics, {},
        TRUE.but(untrained_change=(0.0, 0.5)), {"none": TRUE},
    ),
    "constant-input": (
        rivals.test_on_events_deeper_layers_do_not_change_more, {},
        TRUE.but(event_change=(0.3, 0.1)), {"they do": TRUE},
    ),
    "hidden-by-shortcuts": (
        rivals.test_without_shortcuts_depth_makes_no_difference, {},
        TRUE.but(plain_change=(0.2, 0.2)), {"it does": TRUE},
    ),
    "estimator-bias": (
        rivals.test_the_estimator_is_biased_here, {}, TRUE.but(gap=0.1), {"it is not": TRUE},
    ),
    "ceiling-width": (
        rivals.test_two_ordinary_networks_change_likewise, {"of": "width"},
        TRUE.but(twin_by_width=0.04), {"it stays": TRUE, "it falls": TRUE.but(twin_by_width=-0.1)},
    ),
    "ceiling-depth": (
        rivals.test_two_ordinary_networks_change_likewise, {"of": "depth"},
        TRUE.but(twin_by_depth=0.04), {"it stays": TRUE, "it rises": TRUE.but(twin_by_depth=-0.1)},
    ),
    "any-noise": (
        rivals.test_random_signs_move_representations_as_much, {}, TRUE.but(signs=TRUE.attacked),
        {"it does not": TRUE},
    ),
    "class-structure": (
        looks.test_within_classes_spiking_networks_are_further_away, {},
        TRUE.but(seen={"classes": TRUE.but(level=0.6)}),
        {"they are not": HOLDS["ann-like"],
         "they are, but by too little": TRUE.but(seen={"classes": TRUE.but(level=0.79)}),
         "they are nearer": TRUE.but(seen={"classes": TRUE.but(level=0.95)}),
         "with class means only": TRUE.but(level=0.6, seen={"classes": HOLDS["ann-like"]})},
    ),
    "sparse-spikes": (
        looks.test_at_one_firing_rate_depth_makes_no_difference, {},
        TRUE.but(matched=(0.1, 0.1)),
        {"it does": TRUE, "with other spikes only": TRUE.but(change=(0.1, 0.1))},
    ),
    "sparse-spikes by the biased estimator": (
        looks.test_at_one_firing_rate_depth_makes_no_difference, {},
        TRUE.but(matched_biased=(0.2, 0.1)), {},
    ),
    "masked-gradients": (
        looks.test_what_other_attacks_find_moves_all_layers_alike, {},
        TRUE.but(attacked_otherwise=(0.2, 0.2)),
        {"they move deep ones": TRUE,
         "nothing is masked": TRUE.but(attacked_otherwise=(0.2, 0.2), worst=47.0),
         "moved as attacked": TRUE.but(attacked=(0.2, 0.2))},
    ),
}  # fmt: skip
AT_THE_MARGIN = {
    "untrained-dynamics": (
        rivals.test_untrained_networks_have_the_dynamics, {},
        TRUE.but(change=(0.3, 0.4), untrained_change=(0.0, 0.15)),
        {"more everywhere": TRUE.but(untrained_change=(0.5, 0.6))},
    ),
    "any-residual": (
        rivals.test_two_ordinary_networks_do_it_too, {}, TRUE.but(sag=0.065, twin_sag=0.045),
        {"both too weak": TRUE.but(sag=0.02, twin_sag=0.02),
         "ordinary more": TRUE.but(sag=0.1, twin_sag=0.145),
         "spiking more": TRUE.but(sag=0.145, twin_sag=0.1)},
    ),
    "any-residual, ordinary a little more": (
        rivals.test_two_ordinary_networks_do_it_too, {}, TRUE.but(sag=0.045, twin_sag=0.065), {},
    ),
    "constant-input": (
        rivals.test_on_events_deeper_layers_do_not_change_more, {},
        TRUE.but(event_change=(0.2, 0.22)), {"they do": TRUE.but(event_change=(0.2, 0.24))},
    ),
    "hidden-by-shortcuts": (
        rivals.test_without_shortcuts_depth_makes_no_difference, {},
        TRUE.but(plain_change=(0.2, 0.22)), {"it does": TRUE.but(plain_change=(0.2, 0.24))},
    ),
    "estimator-bias": (
        rivals.test_the_estimator_is_biased_here, {}, TRUE.but(gap=0.03),
        {"too little": TRUE.but(gap=0.015)},
    ),
    "ceiling-width": (
        rivals.test_two_ordinary_networks_change_likewise, {"of": "width"},
        TRUE.but(twin_by_width=0.015), {"too little": TRUE.but(twin_by_width=0.0075)},
    ),
    "ceiling-depth": (
        rivals.test_two_ordinary_networks_change_likewise, {"of": "depth"},
        TRUE.but(twin_by_depth=0.015), {"too little": TRUE.but(twin_by_depth=0.0075)},
    ),
    "any-noise": (
        rivals.test_random_signs_move_representations_as_much, {},
        TRUE.but(signs=(0.05, 0.383)), {"it does not": TRUE.but(signs=(0.05, 0.366))},
    ),
    "class-structure": (
        looks.test_within_classes_spiking_networks_are_further_away, {},
        TRUE.but(seen={"classes": HOLDS["ann-like"].but(level=0.73)}), {},
    ),
    "sparse-spikes": (
        looks.test_at_one_firing_rate_depth_makes_no_difference, {},
        TRUE.but(matched=(0.1, 0.12), matched_biased=(0.1, 0.12)),
        {"it does": TRUE.but(matched=(0.1, 0.14), matched_biased=(0.1, 0.14))},
    ),
    "masked-gradients": (
        looks.test_what_other_attacks_find_moves_all_layers_alike, {},
        TRUE.but(attacked_otherwise=(0.2, 0.25), worst=42.5),
        {"deep ones more": TRUE.but(attacked_otherwise=(0.2, 0.3))},
    ),
}  # fmt: skip
"""Truths just inside and just outside of each margin."""
RIVALS |= {f"{name}, at the margin": case for name, case in AT_THE_MARGIN.items()}
RIVALS |= {
    f"few-dominate-{name}-{look}": (
        looks.test_few_images_or_directions_make_it, {"of": name},
        HOLDS.get(name, TRUE).but(seen={look: world}),
        {"nothing does": HOLDS.get(name, TRUE),
         "without class means": HOLDS.get(name, TRUE).but(seen={"classes": world}),
         "with them only": world.but(seen=dict.fromkeys(LOOKS, HOLDS.get(name, TRUE)))},
    )
    for name in looks.INSIDE
    for look in LOOKS
    for world in [next(iter(CASES[name][3].values()))]
}  # fmt: skip
FALSE = [
    pytest.param(test, parameters, world, id=f"{name}: {what}")
    for name, (test, parameters, _, false, *_) in (CASES | RIVALS).items()
    for what, world in false.items()
]
PLANTED = [
    pytest.param(test, parameters, control, world, id=f"{name}: {control.name} where {what}")
    for name, (test, parameters, true, false, _) in CASES.items()
    for control in decided_by(test).worlds
    for what, world in {"it is true": true, **false}.items()
]


@pytest.mark.parametrize("name", CASES | RIVALS)
def test_what_holds_is_supported(name):
    test, parameters, true, *_ = (CASES | RIVALS)[name]
    assert outcome(test, true, parameters) is Outcome.SUPPORTED


@pytest.mark.parametrize(("test", "parameters", "world"), FALSE)
def test_what_does_not_hold_is_refuted(test, parameters, world):
    assert outcome(test, world, parameters) is Outcome.REFUTED


@pytest.mark.parametrize(("test", "parameters", "control", "world"), PLANTED)
def test_no_control_is_supported(test, parameters, control, world):
    assert outcome(test, world, parameters, control) is not Outcome.SUPPORTED


def test_a_silent_network_ends_as_undefined_and_not_as_a_number():
    test, parameters, true, *_ = CASES["ann-like"]
    assert outcome(test, true, parameters, controls.SILENT) is Outcome.NOT_APPLICABLE


def rows(panel):
    return len(panel.rows if isinstance(panel, HeatMap) else panel.series)


@pytest.mark.parametrize("name", CASES)
def test_a_claim_shows_its_figures_and_numbers_of_the_paper_that_nobody_read(name):
    test, parameters, true, _, panels = CASES[name]
    judge = conclude(test, true, parameters)
    assert [[rows(panel) for panel in figure.panels] for figure in judge.figures] == panels
    assert all(comparison.reported == UNREAD for comparison in judge.comparisons)


@pytest.mark.parametrize("name", OPEN)
@pytest.mark.parametrize(
    ("change", "contrast"),
    [(0.1, Outcome.REFUTED), (-0.1, Outcome.REFUTED), (0, Outcome.SUPPORTED)],
)
def test_a_direction_that_was_not_read_leaves_a_claim_open(name, change, contrast):
    test, parameters = OPEN[name]
    changes = {"by_timesteps": change, "by_leak": change, "change": (0.2, 0.3)}
    judge = conclude(test, TRUE.but(**changes), parameters)
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    assert judge.contrasts[0].outcome is contrast
    assert judge.contrasts[1].outcome is Outcome.SUPPORTED
    assert any("was not read" in reason for reason in judge.left_open)


@pytest.mark.parametrize("name", OPEN)
@pytest.mark.parametrize(("sign", "factor"), [("rises", 1), ("falls", -1)])
def test_a_direction_that_is_filled_in_decides(name, sign, factor, monkeypatch):
    monkeypatch.setitem(paper.SIGNS, name, sign)
    test, parameters = OPEN[name]
    for change, expected in ((0.1, Outcome.SUPPORTED), (-0.1, Outcome.REFUTED)):
        world = TRUE.but(
            by_timesteps=factor * change,
            by_leak=factor * change,
            similar_by_factor=factor * change,
            change=(0.2, 0.3),
        )
        assert outcome(test, world, parameters) is expected
        for control in decided_by(test).worlds:
            assert outcome(test, world, parameters, control) is not Outcome.SUPPORTED


@pytest.mark.parametrize("name", looks.INSIDE)
def test_what_few_dominate_is_the_first_contrast_of_the_claim(name):
    """By how much the claim is inside of its region, whatever look it is taken by."""
    test, _, true, false, *_ = CASES[name]
    for world in (true, *false.values()):
        (first, *_) = conclude(test, world).contrasts
        (inside, *_) = conclude(
            looks.test_few_images_or_directions_make_it, world, {"of": name}
        ).contrasts
        edges = [
            sign * (edge - first.estimate)
            for sign, edge in ((-1, first.region.low), (1, first.region.high))
            if edge is not None
        ]
        expected = min(edges)
        assert inside.estimate == pytest.approx(expected, abs=2e-3)


def test_each_look_is_shown():
    judge = conclude(looks.test_few_images_or_directions_make_it, TRUE, {"of": "periodic"})
    (table,) = judge.tables
    assert [row.name for row in table.rows] == list(LOOKS.values())


def all_of_the_pack():
    modules = [
        import_module(f"claims.li2023.{part.name}")
        for part in pkgutil.iter_modules(claims.li2023.__path__)
        if part.name.startswith("test_")
    ]
    return {
        test
        for module in modules
        for name, test in vars(module).items()
        if name.startswith("test_") and callable(test)
    }


def test_every_claim_and_rival_is_put_to_a_world():
    tried = {case[0] for case in (*CASES.values(), *OPEN.values(), *RIVALS.values())}
    assert tried == all_of_the_pack()


def test_every_control_is_planted_and_every_claim_has_one_of_its_own():
    claimed = [decided_by(test) for test in all_of_the_pack()]
    worlds = [claim.worlds for claim in claimed if claim.role == "claim"]
    used = {control.name for planted in worlds for control in planted}
    made = {item.name for item in vars(controls).values() if isinstance(item, Control)}
    assert made <= used
    assert all(set(planted) - {ONE_SEED} for planted in worlds)
