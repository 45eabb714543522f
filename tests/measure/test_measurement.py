import json
import threading
import time
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from tic.attacks import FGSM, PGD, Blur, GaussianNoise
from tic.errors import DivergedRunError, TicError
from tic.lab import Lab, one_thread
from tic.losses import Readout
from tic.measure.deficits import deficit_accuracies
from tic.measure.fisher import Estimator, fisher_information
from tic.measure.measurement import (
    AccuracyMeasurement,
    DeficitMeasurement,
    FisherMeasurement,
    Measurement,
    PerturbationMeasurement,
    known,
    measure,
)
from tic.measure.perturbation import perturbation_response
from tic.train import train


@dataclass(frozen=True, kw_only=True)
class Probe(Measurement):
    """Tells what it was given, and how often."""

    name: ClassVar[str] = "probe"
    version: ClassVar[int] = 1
    split: ClassVar[str] = "train"
    taken: ClassVar[list] = []
    result: ClassVar[dict] = {}

    detail: str = ""

    def take(self, network, images):
        self.taken.append(self)
        time.sleep(0.02)
        return self.result or {
            "weights": sum(p.double().sum().item() for p in network.parameters()),
            "readouts": len(network(images.pixels(images.images[:2]))),
            "images": len(images),
            "pixels": int(images.images.sum()),
            "training": network.training,
            "threads": torch.get_num_threads(),
        }


@pytest.fixture
def taken(monkeypatch):
    monkeypatch.setattr(Probe, "taken", [])
    return Probe.taken


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a Store with one Run, which no test changes, and the Recipe of that Run."""
    from tic.recipe import Recipe

    recipe = Recipe(
        dataset="digits",
        train_size=100,
        timesteps=2,
        epochs=8,
        batch_size=20,
        augmentation="none",
        checkpoints=4,
    )
    root = tmp_path_factory.mktemp("trained") / "store"
    train(recipe, Lab(root))
    return root, recipe


@pytest.fixture
def recipe(trained):
    return trained[1]


@pytest.fixture
def lab(trained, tmp_path):
    """A Lab whose Store has the Run and no measurement yet."""
    root = tmp_path / "store"
    root.mkdir()
    (root / "runs").symlink_to(trained[0] / "runs")
    return Lab(root)


def stored(lab):
    return sorted(path for path in lab.store_root.glob("measurements/*/*") if path.is_file())


# The cache


def test_a_measurement_is_taken_once_and_the_same_when_read(lab, recipe, taken):
    first = measure(Probe(epoch=2), recipe, lab)
    assert measure(Probe(epoch=2), recipe, lab) == first
    assert measure(Probe(epoch=2), recipe, Lab(lab.store_root)) == first
    assert len(taken) == 1


@pytest.mark.parametrize(
    "measurement",
    [
        FisherMeasurement(epoch=2, readout=Readout.SUM),
        AccuracyMeasurement(epoch=2),
        DeficitMeasurement(epoch=2, width=1),
        PerturbationMeasurement(epoch=2, shares=(0.1, 0.01), size=20),
    ],
    ids=lambda measurement: measurement.name,
)
def test_a_real_measurement_is_read_back_to_the_bit(lab, recipe, monkeypatch, measurement):
    first = measure(measurement, recipe, lab)
    monkeypatch.setattr(type(measurement), "take", lambda *arguments: pytest.fail("taken again"))
    assert measure(measurement, recipe, Lab(lab.store_root)) == first


def test_a_measurement_lies_under_its_run_and_says_what_it_is(lab, recipe, taken):
    result = measure(Probe(epoch=1, detail="this"), recipe, lab)
    [path] = stored(lab)
    assert path.parent.name == lab.fingerprint(recipe)
    assert path.name.startswith("probe-")
    document = json.loads(path.read_bytes())
    assert document["result"] == result
    assert document["measurement"] == "Probe(epoch=1, timesteps=None, size=None, detail='this')"


def test_every_field_makes_another_measurement(lab, recipe, taken):
    different = [
        Probe(epoch=2),
        Probe(epoch=1),
        Probe(epoch=2, timesteps=2),
        Probe(epoch=2, size=30),
        Probe(epoch=2, detail="other"),
    ]
    for _ in range(2):
        for measurement in different:
            measure(measurement, recipe, lab)
    assert taken == different


def test_another_version_is_another_measurement(lab, recipe, taken, monkeypatch):
    measure(Probe(epoch=2), recipe, lab)
    monkeypatch.setattr(Probe, "version", 2)
    assert known(Probe(epoch=2), recipe, lab) is None
    measure(Probe(epoch=2), recipe, lab)
    assert (len(taken), len(stored(lab))) == (2, 2)


def test_other_data_are_another_measurement(lab, recipe, taken, monkeypatch):
    monkeypatch.setattr(Probe, "split", "test")
    measure(Probe(epoch=2), recipe, lab)
    images = Lab.images

    def other_test_images(lab, dataset, split, size=None):
        found = images(lab, dataset, split, size)
        return found.take(len(found) - 1) if split == "test" else found

    monkeypatch.setattr(Lab, "images", other_test_images)
    assert measure(Probe(epoch=2), recipe, lab)["images"] == 359
    assert len(taken) == 2


def test_every_corruption_and_estimator_is_another_measurement(lab, recipe, monkeypatch):
    taken = []
    for kind in (AccuracyMeasurement, FisherMeasurement):
        monkeypatch.setattr(kind, "take", lambda self, *_: taken.append(self) or {"number": 1})
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
        (AccuracyMeasurement, {}, [{"split": "train"}]),
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
    monkeypatch.setattr(kind, "take", lambda self, *_: taken.append(self) or {"number": 1})
    different = [kind(**{"epoch": 2, **fields, **change}) for change in [{}, *COMMON, *changes]]
    for measurement in [*different, *different]:
        measure(measurement, recipe, lab)
    assert taken == different


def test_measurements_of_two_kinds_never_share_a_place(lab, recipe, monkeypatch):
    kinds = [
        FisherMeasurement(epoch=2),
        AccuracyMeasurement(epoch=2),
        DeficitMeasurement(epoch=2, width=1),
        PerturbationMeasurement(epoch=2, shares=(0.1,)),
    ]
    for number, each in enumerate(kinds):
        result = {"number": number}
        monkeypatch.setattr(type(each), "take", lambda *_, result=result: result)
        measure(each, recipe, lab)
    assert [known(each, recipe, lab)["number"] for each in kinds] == [0, 1, 2, 3]
    assert len({path.name.split("-")[0] for path in stored(lab)}) == 4


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b'{"result": 3}',
        b'{"result": {"accuracy": NaN}}',
        b'{"result": {"accuracy": null}}',
        b'{"result": {"accuracy": [1, Infinity]}}',
    ],
    ids=str,
)
def test_a_file_that_holds_no_measurement_is_measured_anew(lab, recipe, taken, content):
    first = measure(Probe(epoch=2), recipe, lab)
    [path] = stored(lab)
    path.write_bytes(content)
    assert known(Probe(epoch=2), recipe, lab) is None
    assert measure(Probe(epoch=2), recipe, lab) == first
    assert known(Probe(epoch=2), recipe, lab) == first
    assert len(taken) == 2


@pytest.mark.parametrize(
    "number",
    [float("nan"), float("inf"), [1.0, float("-inf")], {"deep": [float("nan")]}, None, "1"],
)
def test_what_is_not_finite_is_refused_and_not_stored(lab, recipe, taken, monkeypatch, number):
    monkeypatch.setattr(Probe, "result", {"number": number})
    with pytest.raises(TicError, match=r"tiny-digits-T2-seed0: Probe\(.*not finite"):
        measure(Probe(epoch=2), recipe, lab)
    assert stored(lab) == []


def test_threads_that_want_the_same_measurement_take_it_once(lab, recipe, taken):
    results = []
    threads = [
        threading.Thread(
            target=lambda: results.append(measure(Probe(epoch=2), recipe, Lab(lab.store_root)))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    assert results == 4 * results[:1]


def test_known_looks_and_does_not_measure(lab, recipe, taken):
    assert known(Probe(epoch=2), recipe, lab) is None
    assert taken == []
    assert measure(Probe(epoch=2), recipe, lab) == known(Probe(epoch=2), recipe, lab)


def test_a_store_that_cannot_be_written_still_gives_what_it_has(lab, recipe, taken):
    first = measure(Probe(epoch=2), recipe, lab)
    locks = lab.store_root / "locks"
    locks.rename(locks.with_name("moved"))
    locks.write_text("a file where a folder should be")
    assert measure(Probe(epoch=2), recipe, lab) == first
    with pytest.raises(TicError, match="cannot be written"):
        measure(Probe(epoch=1), recipe, lab)


# What is measured


def test_an_untrained_recipe_is_refused(lab, recipe, taken):
    with pytest.raises(TicError, match="train it first"):
        measure(Probe(epoch=2), recipe.but(seed=1), lab)
    assert taken == []


def test_a_measurement_is_not_given_without_its_run(lab, recipe, taken):
    measure(Probe(epoch=2), recipe, lab)
    (lab.store_root / "runs").unlink()
    with pytest.raises(TicError, match="train it first"):
        measure(Probe(epoch=2), recipe, Lab(lab.store_root))


def test_a_diverged_run_is_refused(tmp_path, recipe, taken):
    lab, diverging = Lab(tmp_path / "diverged"), recipe.but(learning_rate=1e30)
    train(diverging, lab)
    with pytest.raises(DivergedRunError):
        measure(Probe(epoch=2), diverging, lab)
    assert taken == []


def test_the_network_is_that_of_the_epoch(lab, recipe, taken):
    names = [name for name, _ in lab.fresh_network(recipe).named_parameters()]
    for epoch in (0, 1, 8):
        weights = lab.run(recipe).weights(epoch)
        expected = sum(weights[name].double().sum().item() for name in names)
        assert measure(Probe(epoch=epoch), recipe, lab)["weights"] == expected
    with pytest.raises(TicError, match="no weights of epoch 7"):
        measure(Probe(epoch=7), recipe, lab)


@pytest.mark.parametrize(("timesteps", "readouts"), [(None, 2), (1, 1), (2, 2), (5, 5)])
def test_the_network_runs_for_the_timesteps_that_were_asked_for(
    lab, recipe, taken, timesteps, readouts
):
    assert measure(Probe(epoch=2, timesteps=timesteps), recipe, lab)["readouts"] == readouts


def test_measurements_are_taken_in_evaluation_mode_on_one_thread(lab, recipe, taken):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    result = measure(Probe(epoch=2), recipe, lab)
    assert (result["training"], result["threads"], torch.get_num_threads()) == (False, 1, 2)
    torch.set_num_threads(before)


@pytest.mark.parametrize(("size", "used"), [(None, 100), (300, 100), (100, 100), (30, 30)])
def test_training_images_are_those_that_were_trained_on(lab, recipe, taken, size, used):
    result = measure(Probe(epoch=2, size=size), recipe, lab)
    images = lab.images("digits", "train", used)
    assert (result["images"], result["pixels"]) == (used, int(images.images.sum()))


@pytest.mark.parametrize(
    ("size", "used"), [(None, 360), (100, 100), (359, 359), (360, 360), (10_000, 360)]
)
def test_test_images_are_as_many_as_asked_for(lab, recipe, taken, monkeypatch, size, used):
    monkeypatch.setattr(Probe, "split", "test")
    result = measure(Probe(epoch=2, size=size), recipe, lab)
    images = lab.images("digits", "test", used)
    assert (result["images"], result["pixels"]) == (used, int(images.images.sum()))


@pytest.mark.parametrize("estimator", [Estimator.EMPIRICAL, Estimator.OFFICIAL])
def test_fisher_is_that_of_the_trained_on_images_layer_by_layer(lab, recipe, estimator):
    measurement = FisherMeasurement(epoch=1, timesteps=3, estimator=estimator, batch_size=50)
    result = measure(measurement, recipe, lab)["by_layer"]
    network = lab.network(recipe, 1)
    network.timesteps = 3
    batch = 16 if estimator is Estimator.OFFICIAL else 50
    batches = lab.images("digits", "train", 100).batches(batch)
    with one_thread(lab.device):
        expected = fisher_information(network, batches, estimator).by_layer
    assert result == {name: trace.tolist() for name, trace in expected.items()}
    assert all(len(trace) == 3 for trace in result.values())


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_images_are_those_of_the_split(lab, recipe, monkeypatch, split):
    given = []
    for kind in (FisherMeasurement, AccuracyMeasurement, DeficitMeasurement):
        monkeypatch.setattr(kind, "take", lambda _, __, images: given.append(images) or {"n": 1})
        fields = {"width": 1} if kind is DeficitMeasurement else {}
        measure(kind(epoch=2, split=split, size=30, **fields), recipe, lab)
    digest = lab.images("digits", split, 30).digest
    assert [(images.split, images.digest) for images in given] == [(split, digest)] * 3


def test_fisher_looks_at_training_images_and_accuracies_at_test_images():
    assert FisherMeasurement(epoch=2).split == "train"
    assert PerturbationMeasurement(epoch=2, shares=(0.1,)).split == "train"
    assert AccuracyMeasurement(epoch=2).split == "test"
    assert DeficitMeasurement(epoch=2, width=1).split == "test"


def test_fisher_is_that_of_the_read_out(lab, recipe):
    total = measure(FisherMeasurement(epoch=8, readout=Readout.SUM), recipe, lab)["by_layer"]
    network = lab.network(recipe, 8)
    batches = lab.images("digits", "train", 100).batches(128)
    with one_thread(lab.device):
        expected = fisher_information(network, batches, readout="sum").by_layer
    assert total == {name: trace.tolist() for name, trace in expected.items()}
    assert total != measure(FisherMeasurement(epoch=8), recipe, lab)["by_layer"]


def test_deficits_are_those_of_the_network_over_its_windows(lab, recipe):
    noise = GaussianNoise(share=2.0)
    measurement = DeficitMeasurement(epoch=8, timesteps=3, size=100, noise=noise, width=2)
    result = measure(measurement, recipe, lab)
    network = lab.network(recipe, 8)
    network.timesteps = 3
    batches = lab.images("digits", "test", 100).batches(256)
    assert result == {"accuracy": deficit_accuracies(network, batches, noise, 2)}
    assert len(result["accuracy"]) == 2


def test_a_window_longer_than_the_network_runs_is_refused_and_not_stored(lab, recipe):
    with pytest.raises(TicError, match=r"width must be in \[1, 2\]"):
        measure(DeficitMeasurement(epoch=8, width=3), recipe, lab)
    assert stored(lab) == []


def test_the_response_to_perturbations_is_stored_norm_by_norm_and_image_by_image(lab, recipe):
    measurement = PerturbationMeasurement(epoch=8, shares=(0.2, 0.1), size=40, batch_size=30)
    result = measure(measurement, recipe, lab)
    batches = lab.images("digits", "train", 40).batches(30)
    with one_thread(lab.device):
        expected = perturbation_response(lab.network(recipe, 8), batches, (0.2, 0.1))
    assert result == {name: values.tolist() for name, values in vars(expected).items()}
    assert [len(row) for row in result["divergence"]] == [40, 40]
    assert [len(row) for row in result["prediction"]] == [40, 40]
    assert len(result["trace"]) == 40


def test_sampled_fisher_draws_the_same_labels_every_time(trained, recipe, lab, tmp_path):
    measurement = FisherMeasurement(epoch=2, estimator=Estimator.SAMPLED)
    first = measure(measurement, recipe, lab)
    [path] = stored(lab)
    path.unlink()
    torch.manual_seed(99)
    assert measure(measurement, recipe, lab) == first


def test_accuracy_is_the_share_of_right_answers_on_test_images(lab, recipe):
    images = lab.images("digits", "test", 100)
    network = lab.network(recipe)
    with torch.no_grad():
        answers = network(images.images / 16).mean(0).argmax(1)
    right = sum(a == b for a, b in zip(answers.tolist(), images.labels.tolist(), strict=True))
    assert 10 < right < 100
    assert measure(AccuracyMeasurement(epoch=8, size=100), recipe, lab) == {"accuracy": right}


def test_a_corruption_is_applied_before_accuracy_is_measured(lab, recipe):
    clean, black = (
        measure(AccuracyMeasurement(epoch=8, corruption=each), recipe, lab)["accuracy"]
        for each in (None, Dark())
    )
    # All images alike get one answer, which is right for about a tenth of them.
    labels = lab.images("digits", "test").labels
    assert black in [100 * int((labels == k).sum()) / 360 for k in range(10)]
    assert clean != black


@dataclass(frozen=True)
class Dark:
    def __call__(self, model, images, labels, batch):
        return torch.zeros_like(images)
