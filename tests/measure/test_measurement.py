"""Measurements: taken once, kept under all that they depend on, and what they are given."""

import json
import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import pytest
import torch
from torch import nn

from tic.data import Digits, FashionMNIST
from tic.errors import DivergedRunError, TicError
from tic.fitting import CosineSGD
from tic.lab import Lab
from tic.measure.measurement import (
    Measurement,
    NotMeasuredError,
    gathered,
    measure,
    measure_anew,
    rehearsal,
    stored_result,
    subset,
)
from tic.measure.permuted import PermutedLabels
from tic.measure.robustness import AccuracyMeasurement
from tic.models import Architecture
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
    others: tuple[int, ...] = ()

    def take(self, network, samples, partners):
        self.taken.append(self)
        time.sleep(0.02)
        return self.result or {
            "weights": weight_of(network),
            "readouts": len(network(samples.presented(samples.inputs[:2]))),
            "images": len(samples),
            "pixels": int(samples.inputs.sum()),
            "training": network.training,
            "threads": torch.get_num_threads(),
            "partners": [weight_of(partner) for partner in partners],
        }

    def partners(self, recipe):
        return tuple(recipe.with_seed(seed) for seed in self.others)


def weight_of(network):
    return sum(p.double().sum().item() for p in network.parameters())


@pytest.fixture
def taken(monkeypatch):
    monkeypatch.setattr(Probe, "taken", [])
    return Probe.taken


@pytest.fixture
def recipe(two_seeds):
    return two_seeds[1]


@pytest.fixture
def lab(unmeasured):
    return unmeasured


def stored(lab):
    return sorted(path for path in lab.store_root.glob("measurements/*/*") if path.is_file())


# The cache


def test_a_measurement_is_taken_once_and_the_same_when_read(lab, recipe, taken):
    first = measure(Probe(epoch=2), recipe, lab)
    assert measure(Probe(epoch=2), recipe, lab) == first
    assert measure(Probe(epoch=2), recipe, Lab(lab.store_root)) == first
    assert len(taken) == 1


def test_a_measurement_lies_under_its_run_and_says_what_it_is(lab, recipe, taken):
    result = measure(Probe(epoch=1, detail="this"), recipe, lab)
    [path] = stored(lab)
    assert path.parent.name == lab.fingerprint(recipe)
    assert path.name.startswith("probe-")
    document = json.loads(path.read_bytes())
    assert document["result"] == result
    assert document["measurement"] == {
        "kind": f"{__name__}:Probe",
        "fields": {"epoch": 1, "timesteps": None, "size": None, "detail": "this", "others": []},
    }
    assert document["version"] == 1


@pytest.mark.parametrize("key", ["measurement", "version", "sha256"])
def test_a_measurement_whose_file_says_something_else_is_measured_anew(lab, recipe, taken, key):
    result = measure(Probe(epoch=1), recipe, lab)
    [path] = stored(lab)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(f'"{key}"'.encode(), f'"{key[:-1]}_"'.encode()))
    assert stored_result(Probe(epoch=1), recipe, lab) is None
    assert measure(Probe(epoch=1), recipe, lab) == result
    assert path.read_bytes() == whole


def test_a_number_that_was_changed_in_its_file_is_noticed_and_measured_anew(lab, recipe, taken):
    result = measure(Probe(epoch=1), recipe, lab)
    [path] = stored(lab)
    whole = path.read_bytes()
    position = whole.rindex(str(result["pixels"]).encode())
    path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
    assert json.loads(path.read_bytes())["result"] != result
    assert stored_result(Probe(epoch=1), recipe, lab) is None
    assert measure(Probe(epoch=1), recipe, lab) == result
    assert path.read_bytes() == whole
    assert len(taken) == 2


def test_a_file_of_an_older_version_with_the_repr_of_its_measurement_is_read(lab, recipe, taken):
    result = measure(Probe(epoch=1), recipe, lab)
    [path] = stored(lab)
    older = {"measurement": repr(Probe(epoch=1)), "result": {**result, "pixels": 7}}
    path.write_text(json.dumps(older))
    assert measure(Probe(epoch=1), recipe, lab) == older["result"]
    assert len(taken) == 1


def test_what_cannot_be_described_is_not_measured(lab, recipe, taken):
    with pytest.raises(TicError, match=r"Probe: detail must be str, got \['x'\]"):
        measure(Probe(epoch=1, detail=["x"]), recipe, lab)
    assert taken == stored(lab) == []


# Rehearsals


def test_a_rehearsal_measures_nothing_and_tells_what_was_lacking(lab, recipe, taken):
    first = measure(Probe(epoch=1), recipe, lab)
    with rehearsal() as lacking:
        assert measure(Probe(epoch=1), recipe, lab) == first
        for epoch in (2, 4):
            with pytest.raises(NotMeasuredError, match="tiny-digits-T2-seed0 is not in the Store"):
                measure(Probe(epoch=epoch), recipe, lab)
    assert lacking == [(Probe(epoch=2), recipe), (Probe(epoch=4), recipe)]
    assert taken == [Probe(epoch=1)]
    measure(Probe(epoch=2), recipe, lab)
    assert lacking == [(Probe(epoch=2), recipe), (Probe(epoch=4), recipe)]


def test_a_rehearsal_refuses_an_untrained_recipe_like_a_measurement(lab, recipe, taken):
    with rehearsal() as lacking, pytest.raises(TicError, match="train it first"):
        measure(Probe(epoch=2), recipe.but(seed=2), lab)
    assert lacking == []


def test_all_that_is_gathered_is_lacking_at_once(lab, recipe, taken):
    asked = [partial(measure, Probe(epoch=epoch), recipe, lab) for epoch in (1, 2, 4)]
    measure(Probe(epoch=2), recipe, lab)
    with rehearsal() as lacking, pytest.raises(NotMeasuredError):
        gathered(asked)
    assert [measurement.epoch for measurement, _ in lacking] == [1, 4]
    assert gathered(asked) == [ask() for ask in asked]


def test_every_field_makes_another_measurement(lab, recipe, taken):
    different = [
        Probe(epoch=2),
        Probe(epoch=1),
        Probe(epoch=2, timesteps=2),
        Probe(epoch=2, size=30),
        Probe(epoch=2, detail="other"),
        Probe(epoch=2, others=(0,)),
        Probe(epoch=2, others=(1,)),
    ]
    for _ in range(2):
        for measurement in different:
            measure(measurement, recipe, lab)
    assert taken == different


def test_another_version_is_another_measurement(lab, recipe, taken, monkeypatch):
    measure(Probe(epoch=2), recipe, lab)
    monkeypatch.setattr(Probe, "version", 2)
    assert stored_result(Probe(epoch=2), recipe, lab) is None
    measure(Probe(epoch=2), recipe, lab)
    assert (len(taken), len(stored(lab))) == (2, 2)


def test_other_data_are_another_measurement(lab, recipe, taken, monkeypatch):
    monkeypatch.setattr(Probe, "split", "test")
    measure(Probe(epoch=2), recipe, lab)
    samples = Lab.samples

    def other_test_images(lab, dataset, split, size=None):
        found = samples(lab, dataset, split, size)
        return found.take(len(found) - 1) if split == "test" else found

    monkeypatch.setattr(Lab, "samples", other_test_images)
    assert measure(Probe(epoch=2), recipe, lab)["images"] == 359
    assert len(taken) == 2


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
    assert stored_result(Probe(epoch=2), recipe, lab) is None
    assert measure(Probe(epoch=2), recipe, lab) == first
    assert stored_result(Probe(epoch=2), recipe, lab) == first
    assert len(taken) == 2


@pytest.mark.parametrize(
    "number",
    [float("nan"), float("inf"), [1.0, float("-inf")], {"deep": [float("nan")]}, None, "1"],
)
def test_what_is_not_finite_is_refused_and_not_stored(lab, recipe, taken, monkeypatch, number):
    monkeypatch.setattr(Probe, "result", {"number": number})
    with pytest.raises(
        TicError,
        match=r"tiny-digits-T2-seed0: Probe \(test_measurement\.py:\d+\) must give a dictionary of "
        r"finite numbers .* got \{'number': .* from Probe\(epoch=2, ",
    ):
        measure(Probe(epoch=2), recipe, lab)
    assert stored(lab) == []


@pytest.mark.parametrize("result", [[1.0], 1.0, "1", ("number", 1.0)])
def test_what_is_no_dictionary_is_refused_and_not_stored(lab, recipe, taken, monkeypatch, result):
    monkeypatch.setattr(Probe, "result", result)
    with pytest.raises(TicError, match="must give a dictionary of finite numbers"):
        measure(Probe(epoch=2), recipe, lab)
    assert stored(lab) == []


@pytest.mark.parametrize("take", [measure, measure_anew])
@pytest.mark.parametrize("result", [{"traces": [1.0]}, {"traces": [1, 2, 3]}, {"trace": [1, 2]}])
def test_what_has_another_shape_than_it_says_is_refused_and_the_disk_not_blamed(
    lab, recipe, taken, monkeypatch, result, take
):
    monkeypatch.setattr(Probe, "result", result)
    monkeypatch.setattr(Probe, "shape", lambda *_: {"traces": (2,)})
    with pytest.raises(
        TicError,
        match=r"seed0: Probe \(.*\) must give a result of the shape that it says, "
        r"\{'traces': \(2,\)\}, got \{'trace.* from Probe\(epoch=2, .*; mend its method",
    ):
        take(Probe(epoch=2), recipe, lab)
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


def test_a_stored_result_is_looked_up_and_not_measured(lab, recipe, taken):
    assert stored_result(Probe(epoch=2), recipe, lab) is None
    assert taken == []
    assert measure(Probe(epoch=2), recipe, lab) == stored_result(Probe(epoch=2), recipe, lab)


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
        measure(Probe(epoch=2), recipe.but(seed=2), lab)
    assert taken == []


def test_a_measurement_is_not_given_without_its_run(lab, recipe, taken):
    measure(Probe(epoch=2), recipe, lab)
    (lab.store_root / "runs").unlink()
    with pytest.raises(TicError, match="train it first"):
        measure(Probe(epoch=2), recipe, Lab(lab.store_root))


def test_a_diverged_run_is_refused(tmp_path, recipe, taken):
    lab, diverging = Lab(tmp_path / "diverged"), recipe.but(fitting=CosineSGD(learning_rate=1e30))
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
    images = lab.samples(Digits(), "train", used)
    assert (result["images"], result["pixels"]) == (used, int(images.inputs.sum()))


@pytest.mark.parametrize(
    ("size", "used"), [(None, 360), (100, 100), (359, 359), (360, 360), (10_000, 360)]
)
def test_test_images_are_as_many_as_asked_for(lab, recipe, taken, monkeypatch, size, used):
    monkeypatch.setattr(Probe, "split", "test")
    result = measure(Probe(epoch=2, size=size), recipe, lab)
    images = lab.samples(Digits(), "test", used)
    assert (result["images"], result["pixels"]) == (used, int(images.inputs.sum()))


# Other samples than those of the Recipe


@dataclass(frozen=True)
class FewerDigits(Digits):
    @property
    def facts(self):
        return replace(super().facts, name="fewer-digits", test_size=7)

    def load(self, split, root=None, *, download=True):
        whole = super().load(split, root)
        return replace(whole, facts=self.facts, inputs=whole.inputs[:7], labels=whole.labels[:7])


def test_a_measurement_may_look_at_another_data_set(lab, recipe, taken, monkeypatch):
    monkeypatch.setattr(Probe, "split", "test")
    usual = measure(Probe(epoch=1), recipe, lab)
    monkeypatch.setattr(Probe, "dataset", lambda self, recipe: FewerDigits())
    probe = Probe(epoch=1)
    assert (usual["images"], measure(probe, recipe, lab)["images"]) == (360, 7)
    assert measure(PermutedLabels.instead_of(probe), recipe, lab)["images"] == 7
    looked_at = subset(probe, recipe)
    assert (looked_at.data, looked_at.size, looked_at.available) == ("fewer-digits", 7, 7)
    assert len(stored(lab)) == 3


# Another Run that a measurement needs


@pytest.mark.parametrize("seeds", [(0,), (1,), (1, 0), (0, 1, 0)])
def test_partners_are_the_final_networks_of_the_runs_that_were_named(lab, recipe, taken, seeds):
    found = measure(Probe(epoch=1, others=seeds), recipe, lab)
    assert found["partners"] == [weight_of(lab.network(recipe.with_seed(seed))) for seed in seeds]
    assert found["weights"] == weight_of(lab.network(recipe, 1))


def test_a_partner_is_taken_at_the_epoch_that_is_said(lab, recipe, taken, monkeypatch):
    monkeypatch.setattr(Probe, "partner_epoch", lambda self, partner: self.epoch, raising=False)
    probe = Probe(epoch=1, others=(1,))
    for measurement in (probe, PermutedLabels.instead_of(probe)):
        (partner,) = measure(measurement, recipe, lab)["partners"]
        assert partner == weight_of(lab.network(recipe.with_seed(1), 1))
        assert partner != weight_of(lab.network(recipe.with_seed(1)))


def test_without_partners_none_are_given(lab, recipe, taken):
    assert measure(Probe(epoch=1), recipe, lab)["partners"] == []


def test_other_partners_are_another_measurement(lab, recipe, taken):
    asked = [(), (0,), (1,), (0,), ()]
    results = [measure(Probe(epoch=2, others=seeds), recipe, lab) for seeds in asked]
    assert (len(taken), len(stored(lab))) == (3, 3)
    assert results[0] == results[4] != results[1] == results[3] != results[2]


@pytest.mark.parametrize("seeds", [(7,), (0, 7)])
def test_a_partner_that_was_not_trained_is_refused_and_nothing_is_stored(lab, recipe, taken, seeds):
    with pytest.raises(TicError, match="tiny-digits-T2-seed7 is not in the Store; train it first"):
        measure(Probe(epoch=2, others=seeds), recipe, lab)
    assert taken == stored(lab) == []


# A network of somebody else


class Timeless(nn.Module):
    """One linear layer on the pixels, with one read-out."""

    def __init__(self):
        super().__init__()
        self.classifier = nn.Linear(64, 10)

    def forward(self, images):
        return self.classifier(images.flatten(1)).unsqueeze(0)


@dataclass(frozen=True)
class OfOnesOwn(Architecture):
    """Builds it."""

    def build(self, facts, timesteps):
        return Timeless()


@pytest.fixture
def timeless(tmp_path, recipe):
    """A Lab, and a training of it that lies there."""
    lab, own = Lab(tmp_path / "timeless"), recipe.but(architecture=OfOnesOwn(), timesteps=1)
    train(own, lab)
    return lab, own


def test_a_network_of_ones_own_is_measured_and_its_package_noted(timeless, taken):
    lab, own = timeless
    assert measure(Probe(epoch=2), own, lab)["weights"] == weight_of(lab.network(own, 2))
    assert lab.store.packages == {__name__}


def test_a_network_without_timesteps_cannot_be_asked_for_any(timeless, taken):
    lab, own = timeless
    with pytest.raises(TicError, match="Timeless must have an attribute timesteps that says how"):
        measure(Probe(epoch=2, timesteps=3), own, lab)
    assert taken == stored(lab) == []


def test_a_raised_version_of_what_is_measured_within_makes_another_measurement(
    lab, recipe, monkeypatch
):
    outer = PermutedLabels.instead_of(AccuracyMeasurement(epoch=1))
    before, _ = measure_anew(outer, recipe, lab)
    assert measure_anew(outer, recipe, lab)[0] == before
    monkeypatch.setattr(AccuracyMeasurement, "version", 2)
    assert measure_anew(outer, recipe, lab)[0] != before


def test_each_permutation_leaves_other_labels_as_they_were():
    @dataclass(frozen=True, kw_only=True)
    class Labels(AccuracyMeasurement):
        def take(self, network, samples, partners):
            return {"labels": samples.labels.tolist()}

    samples = Digits().load("test")
    given = [
        PermutedLabels.instead_of(Labels(epoch=1), number).take(None, samples, ())["labels"]
        for number in (0, 0, 1)
    ]
    assert given[0] == given[1] != given[2]
    assert sorted(given[0]) == sorted(given[2]) == sorted(samples.labels.tolist())
    left = [torch.tensor(labels) == samples.labels for labels in given]
    assert not torch.equal(left[0], left[2])


@dataclass(frozen=True, kw_only=True)
class Elsewhere(Probe):
    """Looks at other data than its Run was trained on."""

    split: str = "train"

    def dataset(self, recipe):
        return FashionMNIST()


def test_a_part_of_other_training_data_is_not_taken_for_that_of_the_training(lab, recipe, taken):
    with pytest.raises(TicError, match="which these are follows from the labels, so the same"):
        measure(Elsewhere(epoch=1), recipe, lab)
    assert taken == []
