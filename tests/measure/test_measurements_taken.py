"""Every kind of measurement: what it gives, and that all its fields count."""

from dataclasses import dataclass

import pytest
import torch

from claims.kim2023.deficits import DeficitMeasurement, deficit_accuracies
from claims.kim2023.perturbation import PerturbationMeasurement, perturbation_response
from claims.kim2023.redrawn import RedrawnFisherMeasurement
from tic.attacks import FGSM, PGD, Blur, GaussianNoise
from tic.data import CropFlip, Digits
from tic.errors import TicError
from tic.lab import Lab, exact_arithmetic
from tic.losses import Readout
from tic.measure import robustness
from tic.measure.confidence import ConfidenceMeasurement, margins, temperature
from tic.measure.fisher import Estimator, FisherMeasurement, fisher_information
from tic.measure.measurement import measure, stored_result
from tic.measure.permuted import PermutedLabels
from tic.measure.robustness import AccuracyMeasurement, CorrectMeasurement, ZeroGradientMeasurement
from tic.measure.tangent import TangentMeasurement, tangent_kernel
from tic.pruning import Pruning
from tic.seeding import generator

ATTACKED = (CorrectMeasurement, ZeroGradientMeasurement, ConfidenceMeasurement)


@pytest.fixture
def recipe(two_seeds):
    return two_seeds[1]


@pytest.fixture
def lab(unmeasured):
    return unmeasured


def stored(lab):
    return sorted(path for path in lab.store_root.glob("measurements/*/*") if path.is_file())


# The cache


def instead(monkeypatch, kind, take):
    """Let a kind of measurement take something else, of another shape."""
    monkeypatch.setattr(kind, "take", take)
    monkeypatch.setattr(kind, "shape", lambda *_: None)


@pytest.mark.parametrize(
    "measurement",
    [
        FisherMeasurement(epoch=2, readout=Readout.SUM),
        RedrawnFisherMeasurement(epoch=2, drawn=20, augmentation=CropFlip(), seed=1),
        AccuracyMeasurement(epoch=2),
        DeficitMeasurement(epoch=2, width=1),
        PerturbationMeasurement(epoch=2, shares=(0.1, 0.01), size=20),
        CorrectMeasurement(epoch=2, corruption=FGSM(), source_seed=1, size=20),
        ZeroGradientMeasurement(epoch=2, size=20),
        ConfidenceMeasurement(epoch=2, size=20),
        TangentMeasurement(epoch=2, size=20),
        PermutedLabels.instead_of(AccuracyMeasurement(epoch=2)),
    ],
    ids=lambda measurement: measurement.name,
)
def test_a_real_measurement_is_read_back_to_the_bit(lab, recipe, monkeypatch, measurement):
    first = measure(measurement, recipe, lab)
    monkeypatch.setattr(type(measurement), "take", lambda *arguments: pytest.fail("taken again"))
    assert measure(measurement, recipe, Lab(lab.store_root)) == first


def test_every_corruption_and_estimator_is_another_measurement(lab, recipe, monkeypatch):
    taken = []
    for kind in (AccuracyMeasurement, FisherMeasurement):
        instead(monkeypatch, kind, lambda self, *_: taken.append(self) or {"number": 1})
    corruptions = [
        None, GaussianNoise(), GaussianNoise(share=0.1), GaussianNoise(seed=1), Blur(),
        Blur(factor=4), FGSM(), FGSM(epsilon=0.1), PGD(), PGD(steps=3), PGD(step=0.1),
        PGD(random_start=False), PGD(seed=1),
    ]  # fmt: skip
    different = [AccuracyMeasurement(epoch=2, corruption=each) for each in corruptions]
    different += [AccuracyMeasurement(epoch=2, batch_size=7)]
    different += [FisherMeasurement(epoch=2, estimator=each) for each in Estimator]
    different += [FisherMeasurement(epoch=2, batch_size=7)]
    for measurement in [*different, *different]:
        measure(measurement, recipe, lab)
    assert taken == different


COMMON = [{"epoch": 1}, {"timesteps": 2}, {"size": 30}, {"batch_size": 7}]


@pytest.mark.parametrize(
    ("kind", "fields", "changes"),
    [
        (FisherMeasurement, {}, [{"readout": Readout.SUM}, {"split": "test"}]),
        (
            RedrawnFisherMeasurement,
            {"drawn": 20, "augmentation": None, "seed": 0},
            [
                {"estimator": Estimator.BATCH_MEAN},
                {"drawn": 21},
                {"drawn": None},
                {"augmentation": CropFlip()},
                {"seed": 1},
            ],
        ),
        (AccuracyMeasurement, {}, [{"split": "train"}]),
        (
            CorrectMeasurement,
            {"corruption": FGSM()},
            [
                {"corruption": FGSM(epsilon=0.1)},
                {"source_seed": 0},
                {"source_seed": 1},
                {"split": "train"},
            ],
        ),
        (ZeroGradientMeasurement, {}, [{"split": "train"}]),
        (ConfidenceMeasurement, {}, [{"split": "train"}]),
        (TangentMeasurement, {}, [{"split": "test"}]),
        (
            DeficitMeasurement,
            {"width": 1},
            [
                {"width": 2},
                {"noise": GaussianNoise(share=0.1)},
                {"noise": GaussianNoise(seed=1)},
                {"split": "train"},
            ],
        ),
        (
            PerturbationMeasurement,
            {"shares": (0.1, 0.2)},
            [{"shares": (0.2, 0.1)}, {"shares": (0.1,)}, {"split": "test"}],
        ),
    ],
)
def test_every_field_of_a_real_measurement_makes_another(
    lab, recipe, monkeypatch, kind, fields, changes
):
    taken = []
    instead(monkeypatch, kind, lambda self, *_: taken.append(self) or {"number": 1})
    different = [kind(**{"epoch": 2, **fields, **change}) for change in [{}, *COMMON, *changes]]
    for measurement in [*different, *different]:
        measure(measurement, recipe, lab)
    assert taken == different


def test_measurements_of_two_kinds_never_share_a_place(lab, recipe, monkeypatch):
    kinds = [
        FisherMeasurement(epoch=2),
        RedrawnFisherMeasurement(epoch=2, drawn=None, augmentation=None, seed=0),
        AccuracyMeasurement(epoch=2),
        DeficitMeasurement(epoch=2, width=1),
        PerturbationMeasurement(epoch=2, shares=(0.1,)),
        CorrectMeasurement(epoch=2),
        ZeroGradientMeasurement(epoch=2),
        ConfidenceMeasurement(epoch=2),
        TangentMeasurement(epoch=2),
        PermutedLabels.instead_of(AccuracyMeasurement(epoch=2)),
    ]
    for number, each in enumerate(kinds):
        result = {"number": number}
        instead(monkeypatch, type(each), lambda *_, result=result: result)
        measure(each, recipe, lab)
    assert [stored_result(each, recipe, lab)["number"] for each in kinds] == list(range(len(kinds)))
    assert len({path.name.rpartition("-")[0] for path in stored(lab)}) == len(kinds)


# What they give


@pytest.mark.parametrize("estimator", [Estimator.EMPIRICAL, Estimator.BATCH_MEAN])
def test_fisher_is_that_of_the_trained_on_images_layer_by_layer(lab, recipe, estimator):
    measurement = FisherMeasurement(epoch=1, timesteps=3, estimator=estimator, batch_size=50)
    result = measure(measurement, recipe, lab)["by_layer"]
    network = lab.network(recipe, 1)
    network.timesteps = 3
    batches = lab.samples(Digits(), "train", 100).batches(50)
    with exact_arithmetic(lab.device):
        expected = fisher_information(network, batches, estimator).by_layer
    assert result == {name: trace.tolist() for name, trace in expected.items()}
    assert all(len(trace) == 3 for trace in result.values())


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_images_are_those_of_the_split(lab, recipe, monkeypatch, split):
    given = []
    kinds = (FisherMeasurement, AccuracyMeasurement, DeficitMeasurement, *ATTACKED)
    for kind in kinds:
        instead(monkeypatch, kind, lambda _, __, images, ___: given.append(images) or {"n": 1})
        fields = {"width": 1} if kind is DeficitMeasurement else {}
        measure(kind(epoch=2, split=split, size=30, **fields), recipe, lab)
    digest = lab.samples(Digits(), split, 30).digest
    assert [(images.split, images.digest) for images in given] == [(split, digest)] * 6


def test_fisher_looks_at_training_images_and_accuracies_at_test_images():
    assert FisherMeasurement(epoch=2).split == "train"
    assert PerturbationMeasurement(epoch=2, shares=(0.1,)).split == "train"
    assert AccuracyMeasurement(epoch=2).split == "test"
    assert DeficitMeasurement(epoch=2, width=1).split == "test"
    assert TangentMeasurement(epoch=2).split == "train"
    for kind in ATTACKED:
        assert kind(epoch=2).split == "test"


def test_fisher_is_that_of_the_read_out(lab, recipe):
    total = measure(FisherMeasurement(epoch=8, readout=Readout.SUM), recipe, lab)["by_layer"]
    network = lab.network(recipe, 8)
    batches = lab.samples(Digits(), "train", 100).batches(128)
    with exact_arithmetic(lab.device):
        expected = fisher_information(network, batches, readout="sum").by_layer
    assert total == {name: trace.tolist() for name, trace in expected.items()}
    assert total != measure(FisherMeasurement(epoch=8), recipe, lab)["by_layer"]


def test_deficits_are_those_of_the_network_over_its_windows(lab, recipe):
    noise = GaussianNoise(share=2.0)
    measurement = DeficitMeasurement(epoch=8, timesteps=3, size=100, noise=noise, width=2)
    result = measure(measurement, recipe, lab)
    network = lab.network(recipe, 8)
    network.timesteps = 3
    batches = lab.samples(Digits(), "test", 100).batches(256)
    assert result == {"accuracy": deficit_accuracies(network, batches, noise, 2)}
    assert len(result["accuracy"]) == 2


def test_a_window_longer_than_the_network_runs_is_refused_and_not_stored(lab, recipe):
    with pytest.raises(TicError, match=r"width must be in \[1, 2\]"):
        measure(DeficitMeasurement(epoch=8, width=3), recipe, lab)
    assert stored(lab) == []


def test_the_response_to_perturbations_is_stored_norm_by_norm_and_image_by_image(lab, recipe):
    measurement = PerturbationMeasurement(epoch=8, shares=(0.2, 0.1), size=40, batch_size=30)
    result = measure(measurement, recipe, lab)
    batches = lab.samples(Digits(), "train", 40).batches(30)
    with exact_arithmetic(lab.device):
        expected = perturbation_response(lab.network(recipe, 8), batches, (0.2, 0.1))
    assert result == {name: values.tolist() for name, values in vars(expected).items()}
    assert [len(row) for row in result["divergence"]] == [40, 40]
    assert [len(row) for row in result["prediction"]] == [40, 40]
    assert len(result["trace"]) == 40


def test_sampled_fisher_draws_the_same_labels_every_time(recipe, lab):
    measurement = FisherMeasurement(epoch=2, estimator=Estimator.SAMPLED)
    first = measure(measurement, recipe, lab)
    [path] = stored(lab)
    path.unlink()
    torch.manual_seed(99)
    assert measure(measurement, recipe, lab) == first


def test_accuracy_is_the_share_of_right_answers_on_test_images(lab, recipe):
    images = lab.samples(Digits(), "test", 100)
    network = lab.network(recipe)
    with torch.no_grad():
        answers = network(images.inputs / 16).mean(0).argmax(1)
    right = sum(a == b for a, b in zip(answers.tolist(), images.labels.tolist(), strict=True))
    assert 10 < right < 100
    assert measure(AccuracyMeasurement(epoch=8, size=100), recipe, lab) == {"accuracy": right}


def test_a_corruption_is_applied_before_accuracy_is_measured(lab, recipe):
    clean, black = (
        measure(AccuracyMeasurement(epoch=8, corruption=each), recipe, lab)["accuracy"]
        for each in (None, Dark())
    )
    # All images alike get one answer, which is right for about a tenth of them.
    labels = lab.samples(Digits(), "test").labels
    assert black in [100 * int((labels == k).sum()) / 360 for k in range(10)]
    assert clean != black


@dataclass(frozen=True)
class Dark:
    def __call__(self, model, images, labels, batch):
        return torch.zeros_like(images)


# Image by image


def answers(lab, recipe, images, epoch=8):
    with torch.no_grad():
        return lab.network(recipe, epoch)(images).mean(0).argmax(1)


def test_right_answers_are_told_image_by_image(lab, recipe):
    ((images, labels),) = lab.samples(Digits(), "test", 60).batches(60)
    found = measure(CorrectMeasurement(epoch=8, size=60, batch_size=25), recipe, lab)
    assert found == {"correct": (answers(lab, recipe, images) == labels).int().tolist()}
    accuracy = measure(AccuracyMeasurement(epoch=8, size=60), recipe, lab)["accuracy"]
    assert 100 * sum(found["correct"]) / 60 == pytest.approx(accuracy)


@pytest.mark.parametrize(("source", "seed"), [(None, 0), (0, 0), (1, 1)])
def test_an_attack_is_made_on_the_source_and_answered_by_the_network(lab, recipe, source, seed):
    attack = FGSM(epsilon=0.3)
    ((images, labels),) = lab.samples(Digits(), "test", 60).batches(60)
    measurement = CorrectMeasurement(epoch=2, corruption=attack, source_seed=source, size=60)
    found = measure(measurement, recipe, lab)["correct"]
    # A source is attacked after its training, whatever the epoch of the network that answers.
    crafted_on = lab.network(recipe.with_seed(seed), 2 if source is None else 8)
    with exact_arithmetic(lab.device):
        seen = attack(crafted_on, images, labels, 0)
    assert found == (answers(lab, recipe, seen, epoch=2) == labels).int().tolist()


def test_the_source_is_the_same_training_with_another_seed(recipe):
    child = recipe.but(parent=recipe, rules=(Pruning(0.5),))
    assert CorrectMeasurement(epoch=2).partners(child) == ()
    assert CorrectMeasurement(epoch=2, source_seed=1).partners(child) == (child.with_seed(1),)


def test_a_source_without_a_corruption_is_refused_and_not_stored(lab, recipe):
    with pytest.raises(TicError, match="there is no corruption"):
        measure(CorrectMeasurement(epoch=8, source_seed=1), recipe, lab)
    assert stored(lab) == []


def test_zero_gradients_are_told_image_by_image(lab, recipe):
    batches = list(lab.samples(Digits(), "test", 60).batches(60))
    found = measure(ZeroGradientMeasurement(epoch=8, size=60), recipe, lab)
    with exact_arithmetic(lab.device):
        expected = robustness.zero_gradients(lab.network(recipe), batches)
    assert found == {"zero": list(map(int, expected))}


def test_confidence_is_margin_by_margin_and_one_temperature(lab, recipe):
    batches = list(lab.samples(Digits(), "test", 60).batches(60))
    found = measure(ConfidenceMeasurement(epoch=2, size=60), recipe, lab)
    with exact_arithmetic(lab.device):
        network = lab.network(recipe, 2)
        expected = {
            "margins": margins(network, batches),
            "temperature": temperature(network, batches),
        }
    assert found == expected
    assert len(found["margins"]) == 60


def test_the_tangent_kernel_is_told_in_means_over_the_images(lab, recipe):
    found = measure(TangentMeasurement(epoch=8, timesteps=3, size=20), recipe, lab)
    network = lab.network(recipe)
    network.timesteps = 3
    images = lab.samples(Digits(), "train", 20)
    with exact_arithmetic(lab.device):
        expected = tangent_kernel(network, images.batches(128), generator=generator(0, "labels"))
    assert found == {
        "errors": expected.errors.mean(0).tolist(),
        "kernel_trace": expected.kernel_trace.mean(0).tolist(),
        "by_layer": {
            kind: {name: trace.tolist() for name, trace in info.by_layer.items()}
            for kind, info in expected.information.items()
        },
    }
    assert set(found["by_layer"]) == {"empirical", "sampled", "exact"}
    assert len(found["errors"]) == len(found["kernel_trace"]) == 3


# Guessing


def test_chance_is_accuracy_on_the_same_images_with_labels_of_others(lab, recipe, monkeypatch):
    given = []

    def accuracy(network, batches, corruption=None):
        given.extend(batches)
        return 7.0

    monkeypatch.setattr("tic.measure.robustness.accuracy", accuracy)
    assert measure(PermutedLabels.instead_of(AccuracyMeasurement(epoch=8)), recipe, lab) == {
        "accuracy": 7.0
    }
    own = list(lab.samples(Digits(), "test").batches(256))
    images, labels = (torch.cat(parts) for parts in zip(*given, strict=True))
    true_images, true_labels = (torch.cat(parts) for parts in zip(*own, strict=True))
    assert torch.equal(images, true_images)
    assert torch.equal(labels.sort().values, true_labels.sort().values)
    # A label meets its own class about as often as any other: in a tenth of the 360 images.
    assert 18 <= int((labels == true_labels).sum()) <= 54


def test_chance_is_near_that_of_guessing_and_the_same_every_time(lab, recipe):
    first = measure(PermutedLabels.instead_of(AccuracyMeasurement(epoch=8)), recipe, lab)[
        "accuracy"
    ]
    assert 5 <= first <= 15
    assert measure(AccuracyMeasurement(epoch=8), recipe, lab)["accuracy"] > 20
    [path] = [each for each in stored(lab) if each.name.startswith("permuted-labels")]
    path.unlink()
    torch.manual_seed(99)
    assert (
        measure(PermutedLabels.instead_of(AccuracyMeasurement(epoch=8)), recipe, lab)["accuracy"]
        == first
    )


def test_a_measurement_that_memory_does_not_hold_is_told_and_not_stored(lab, recipe, monkeypatch):
    def refuse(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("tic.measure.robustness.accuracy", refuse)
    message = rf"^measuring accuracy of {recipe.label} needs more memory than cpu has left"
    with pytest.raises(TicError, match=message):
        measure(AccuracyMeasurement(epoch=8), recipe, lab)
    assert not stored(lab)
