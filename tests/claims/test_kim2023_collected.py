"""What an audit of Kim et al. 2023 collects, in which order, and which Runs it plans."""

import pytest

from claims.kim2023.paper import PLACES
from claims.kim2023.recipes import KIM2023

ENTRIES = [
    "concentration[tiny-digits]",
    "concentrated[tiny-digits]",
    "deficits[tiny-digits]",
    "layers[tiny-digits]",
    "timesteps[tiny-digits]",
    "time-constant[tiny-digits]",
    "weight-decay[tiny-digits]",
    "learning-rate[tiny-digits]",
    "datasets[tiny-digits-cifar10]",
    "datasets[tiny-digits-svhn]",
    "datasets[tiny-digits-fashion-mnist]",
    "architectures[tiny-digits]",
    "same-accuracy[tiny-digits]",
    "alpha-information[tiny-digits]",
    "alpha-convergence[tiny-digits]",
    "alpha-accuracy[tiny-digits]",
    "alpha-robustness[tiny-digits-gaussian]",
    "alpha-robustness[tiny-digits-blur]",
    "alpha-robustness[tiny-digits-fgsm]",
    "alpha-robustness[tiny-digits-pgd]",
    "kl-fisher[tiny-digits]",
    "pruning[tiny-digits-VGG-16-retrain4]",
    "pruning[tiny-digits-VGG-16-retrain3]",
    "pruning[tiny-digits-ResNet-19-retrain4]",
    "pruning[tiny-digits-ResNet-19-retrain3]",
    "pruning[tiny-digits-VGG-16-retrain2]",
    "pruning[tiny-digits-ResNet-19-retrain2]",
    "saving",
    "capacity[tiny-digits-ResNet-19]",
    "capacity[tiny-digits-AlexNet]",
]
CLAIMS = list(dict.fromkeys(entry.split("[")[0] for entry in ENTRIES))
RIVALS = {
    "unfitted-readouts": {"concentration"},
    "fitted-twin": {"concentration"},
    "fitted-twin-share": {"concentrated"},
    "fitted-twin-timesteps": {"timesteps"},
    "fitted-twin-datasets": {"datasets"},
    "fault": {"alpha-robustness"},
    "masked-gradients": {"alpha-robustness"},
    "matched-temperature": {"alpha-robustness"},
    "matched-margin": {"alpha-robustness"},
    "fewer-epochs": {"pruning"},
    "random-pruning": {"pruning"},
    "readings": {
        "concentration", "concentrated", "layers", "timesteps", "time-constant", "weight-decay",
        "learning-rate", "datasets", "architectures", "alpha-information",
    },
}  # fmt: skip
"""By rival: the claims that it threatens."""

SEEDS = 5  # of a smoke audit whose number of seeds is fixed
# How many Recipes each claim adds to those before it in a smoke audit, at T = 5.
BASELINE = 1
TIMESTEPS = 3  # T = 2, 3 and 4 for the paper's 4, 6 and 8; its 10 is the baseline
TIME_CONSTANTS = 2  # 0.75 and 4
WEIGHT_DECAYS = 2  # a fifth of the default and twice it
LEARNING_RATES = 3  # 0.03, 0.08 and 0.8
ARCHITECTURES = 2  # AlexNet and ResNet-34
ALPHAS = 3
ROUNDS = 5
RETRAININGS = 4  # at T = 5, 4, 3 and 2
VGG_16 = 1  # its first training; ResNet-19's is the baseline
CAPACITY_RESNET_19 = 1  # T = 1; T = 2 to 5 are those of Fig. 4a
CAPACITY_ALEXNET = 4  # T = 1 to 4; T = 5 is that of Fig. 4f
FASHION_MNIST = 1
TWINS = BASELINE + TIMESTEPS + FASHION_MNIST
LESS_TRAINING = 2 * ROUNDS  # fewer epochs of both networks, at T_retrain = 3
AT_RANDOM = 2 * ROUNDS
PRUNING = VGG_16 + 2 * RETRAININGS * ROUNDS
ON_DIGITS = (
    BASELINE
    + TIMESTEPS
    + TIME_CONSTANTS
    + WEIGHT_DECAYS
    + LEARNING_RATES
    + ARCHITECTURES
    + ALPHAS
    + PRUNING
    + CAPACITY_RESNET_19
    + CAPACITY_ALEXNET
)


def names(planned):
    return [entry.removeprefix("kim2023/") for entry in planned]


def applicable(audit):
    return set(names(k for k, each in audit.planned.items() if not each.not_applicable))


def test_every_claim_of_the_paper_is_collected_in_its_order(claims):
    planned = claims().planned
    assert names(planned) == ENTRIES
    assert not any(each.not_applicable for each in planned.values())
    assert CLAIMS == [
        "concentration", "concentrated", "deficits", "layers", "timesteps", "time-constant",
        "weight-decay", "learning-rate", "datasets", "architectures", "same-accuracy",
        "alpha-information", "alpha-convergence", "alpha-accuracy", "alpha-robustness", "kl-fisher",
        "pruning", "saving", "capacity",
    ]  # fmt: skip


def test_every_claim_stands_at_a_place_of_the_paper_and_the_places_ascend(claims):
    found = [each.claim for each in claims().planned.values()]
    for claim in found:
        assert claim.source.startswith(PLACES), claim.id
    positions = [claim.position for claim in found]
    assert positions == sorted(positions)
    assert {PLACES[position] for position in positions} == set(PLACES)


def test_every_claim_says_how_it_is_decided_and_belongs_to_the_pack(claims):
    for each in claims().planned.values():
        assert each.claim.pack == KIM2023
        assert each.claim.says.endswith(".")
        assert each.claim.rule.endswith(".")


def test_claims_with_one_name_share_place_and_gaps(claims):
    by_name = {}
    for each in claims().planned.values():
        by_name.setdefault(each.claim.name, []).append(each.claim)
    for found in by_name.values():
        assert len({(claim.source, claim.gaps) for claim in found}) == 1


def test_a_smoke_audit_says_nothing_about_the_paper_but_its_arithmetic(claims):
    planned = claims().planned
    by_level = {}
    for name, each in planned.items():
        by_level.setdefault(each.scope.level, []).append(name)
    assert set(by_level) == {"smoke", "paper"}
    assert by_level["paper"] == ["kim2023/saving"]


def test_an_audit_in_the_papers_own_setting_is_the_paper(claims):
    everything = ("digits", "fashion-mnist", "cifar10", "svhn")
    audit = claims("--arch", "resnet19", machine_holds=everything)
    assert {each.scope.level for each in audit.planned.values()} == {"paper"}
    assert not any(each.not_applicable for each in audit.planned.values())


def test_a_smoke_audit_plans_the_fewest_runs(claims):
    plan = claims().plan
    assert ON_DIGITS + FASHION_MNIST == 63
    assert len(plan) == SEEDS * 63 == 315
    assert len({planned.recipe.with_seed(0) for planned in plan}) == 63


def test_rivals_add_twins_and_two_kinds_of_pruning(collected):
    audit = collected()
    rivals = {name for name, each in audit.planned.items() if each.claim.role == "rival"}
    assert set(names(audit.planned)) - set(names(rivals)) == set(ENTRIES)
    assert len(audit.plan) == SEEDS * (63 + TWINS + LESS_TRAINING + AT_RANDOM)


def test_every_rival_threatens_the_claims_that_it_explains(collected):
    found, entries = {}, collected().planned
    for name in names(entries):
        each = entries[f"kim2023/{name}"]
        if each.claim.role == "rival":
            threatened = {claim.removeprefix("kim2023/") for claim in each.threatens}
            assert threatened <= set(ENTRIES) | {c.split("[")[0] for c in ENTRIES}
            of = {claim.split("[")[0] for claim in threatened}
            found.setdefault(each.claim.name, set()).update(of)
    assert found == RIVALS


def test_no_two_planned_runs_differ_in_their_checkpoints_alone(collected):
    def trained(recipe):
        parent = None if recipe.parent is None else trained(recipe.parent)
        return recipe.but(checkpoints=1, parent=parent)

    plan = collected().plan
    assert len({trained(planned.recipe) for planned in plan}) == len(plan)


def test_without_fashion_mnist_its_claim_is_not_run_and_nothing_is_trained_on_it(claims):
    audit = claims(machine_holds=("digits",))
    assert len(audit.plan) == SEEDS * ON_DIGITS == SEEDS * 62
    lacking = {k: each.unavailable for k, each in audit.planned.items() if each.unavailable}
    assert lacking == {
        f"kim2023/datasets[tiny-digits-{dataset}]": (
            f"{dataset} is not on this machine; --download fetches it"
        )
        for dataset in ("cifar10", "svhn", "fashion-mnist")
    }


def test_every_data_set_of_fig_4e_adds_one_recipe(claims):
    everything = ("digits", "fashion-mnist", "cifar10", "svhn")
    assert len(claims(machine_holds=everything).plan) == SEEDS * (ON_DIGITS + 3)


@pytest.mark.parametrize(
    ("claim", "recipes"),
    [
        ("concentration,concentrated,deficits,layers,kl-fisher", BASELINE),
        ("timesteps", BASELINE + TIMESTEPS),
        ("time-constant", BASELINE + TIME_CONSTANTS),
        ("weight-decay", BASELINE + WEIGHT_DECAYS),
        ("learning-rate", BASELINE + LEARNING_RATES),
        (
            "same-accuracy",
            BASELINE + TIMESTEPS + TIME_CONSTANTS + WEIGHT_DECAYS + LEARNING_RATES,
        ),
        ("architectures", BASELINE + ARCHITECTURES),
        ("alpha-*", ALPHAS),
        ("pruning", BASELINE + PRUNING),
        ("saving", 0),
        ("capacity", BASELINE + TIMESTEPS + CAPACITY_RESNET_19 + 1 + CAPACITY_ALEXNET),
    ],
)
def test_a_claim_alone_needs_its_own_recipes(claims, claim, recipes):
    assert len(claims("--claim", claim).plan) == SEEDS * recipes


def test_three_timesteps_leave_what_they_can_tell(claims):
    audit = claims("--timesteps", "3")
    assert set(ENTRIES) - applicable(audit) == {
        "timesteps[tiny-digits]",
        "same-accuracy[tiny-digits]",
        "capacity[tiny-digits-ResNet-19]",
        "capacity[tiny-digits-AlexNet]",
        *(f"pruning[tiny-digits-{n}-retrain{t}]" for n in ("VGG-16", "ResNet-19") for t in (4, 3)),
    }
    factors = TIME_CONSTANTS + WEIGHT_DECAYS + LEARNING_RATES
    # Rounds at T = 3 and 2 only.
    pruning = VGG_16 + 2 * 2 * ROUNDS
    others = ARCHITECTURES + ALPHAS + FASHION_MNIST
    assert len(audit.plan) == SEEDS * (BASELINE + factors + others + pruning)


def test_eight_timesteps_need_first_trainings_of_their_own_for_pruning(claims):
    plan = claims("--timesteps", "8", "--claim", "concentration,pruning").plan
    # The baseline at T = 8; both networks' first trainings at T = 5.
    assert len(plan) == SEEDS * (BASELINE + 2 + 2 * RETRAININGS * ROUNDS)


def test_one_timestep_leaves_what_is_not_about_time(claims):
    audit = claims("--timesteps", "1")
    expected = {name for name in ENTRIES if name.startswith("alpha") or name == "saving"}
    assert applicable(audit) == expected


def test_every_architecture_of_the_pack_can_be_collected(claims):
    everything = ("digits", "fashion-mnist", "cifar10", "svhn")
    audit = claims("--arch", ",".join(KIM2023.settings), machine_holds=everything)
    assert len(audit.planned) == len(KIM2023.settings) * (len(ENTRIES) - 1) + 1
    assert not any(each.not_applicable for each in audit.planned.values())
