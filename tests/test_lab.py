from dataclasses import dataclass, replace

import pytest
import torch

from tic.data import SVHN, Dataset, Digits
from tic.errors import DataNotFoundError, DivergedRunError, TicError
from tic.fitting import CosineSGD
from tic.lab import Lab, _training_digest, exact_arithmetic, usable_device
from tic.losses import PrefixLoss
from tic.models import Spiking
from tic.recipe import Recipe
from tic.run import weights_name
from tic.train import _Training, train

# Devices


def test_the_cpu_is_always_usable(tmp_path):
    assert usable_device("cpu") == torch.device("cpu")
    assert Lab(tmp_path).device == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("warp", "unknown device 'warp'; known: cpu, cuda, cuda:0"),
        ("", "unknown device ''"),
        ("meta", "device must be cpu or cuda, got 'meta'"),
        ("cuda:99", "'cuda:99' was asked for and this machine has .* use --device cpu"),
    ],
)
def test_a_device_that_cannot_be_used_is_refused(tmp_path, name, message):
    with pytest.raises(TicError, match=message):
        usable_device(name)
    with pytest.raises(TicError, match=message):
        _ = Lab(tmp_path, device_name=name).device


def test_a_cuda_device_is_usable_when_the_machine_has_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert usable_device("cuda") == torch.device("cuda")
    assert usable_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(TicError, match="has 2 usable CUDA devices"):
        usable_device("cuda:2")


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_one_thread_holds_inside_and_not_after(lab):
    with exact_arithmetic(lab.device):
        assert torch.get_num_threads() == 1
        with exact_arithmetic(lab.device):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with pytest.raises(KeyError), exact_arithmetic(lab.device):
        raise KeyError
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_work_on_an_accelerator_leaves_the_threads_alone():
    with exact_arithmetic(torch.device("cuda")):
        assert torch.get_num_threads() == 2


def test_products_on_an_accelerator_are_of_whole_numbers_inside_and_not_after():
    def rounded():
        return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32

    before = rounded()
    assert before == (True, False)
    with exact_arithmetic(torch.device("cuda")):
        assert rounded() == (False, False)
    assert rounded() == before
    with pytest.raises(KeyError), exact_arithmetic(torch.device("cuda")):
        raise KeyError
    assert rounded() == before


# Data and identity


def test_images_are_loaded_once_and_a_smaller_set_is_part_of_a_larger(lab):
    large, small = (lab.samples(Digits(), "train", size) for size in (60, 30))
    assert lab.samples(Digits(), "train", 60) is large
    assert (len(large), len(small)) == (60, 30)
    rows = {bytes(image.flatten().tolist()) for image in large.inputs}
    assert {bytes(image.flatten().tolist()) for image in small.inputs} <= rows
    assert len(lab.samples(Digits(), "test")) == 360


@pytest.mark.parametrize("download", [True, False])
def test_both_splits_are_required_at_the_place_of_the_lab(tmp_path, monkeypatch, download):
    asked = []
    monkeypatch.setattr(
        "tic.data.dataset.load_whole",
        lambda dataset, split, root, *, download: asked.append((dataset, split, root, download)),
    )
    root = tmp_path / "images"
    Lab(tmp_path, data_root=root).require_data(SVHN(), download=download)
    assert asked == [(SVHN(), split, root, download) for split in ("train", "test")]


@pytest.mark.parametrize("missing", ["train", "test"])
def test_one_split_alone_is_not_enough(lab, monkeypatch, missing):
    def load(dataset, split, root, *, download):
        if split == missing:
            raise DataNotFoundError(f"no {split} images")

    monkeypatch.setattr("tic.data.dataset.load_whole", load)
    assert not lab.holds_data(SVHN())
    with pytest.raises(DataNotFoundError, match=f"no {missing} images"):
        lab.require_data(SVHN(), download=False)


def test_damaged_files_are_told_and_do_not_count_as_missing(lab, monkeypatch):
    def damaged(*arguments, download):
        raise TicError("svhn is not the published data set")

    monkeypatch.setattr(SVHN, "load", damaged)
    for ask in (lambda: lab.require_data(SVHN(), download=False), lambda: lab.holds_data(SVHN())):
        with pytest.raises(TicError, match="not the published"):
            ask()


@dataclass(frozen=True)
class Wrong(Digits):
    """The digits, which says of itself that they have other classes than they have."""

    num_classes: int = 12

    @property
    def facts(self):
        return replace(super().facts, num_classes=self.num_classes)


def test_a_data_set_that_loads_something_else_than_it_says_is_not_a_missing_one(lab):
    with pytest.raises(TicError, match="load of the data set digits must return samples of the"):
        lab.samples(Wrong(), "train")


@dataclass(frozen=True)
class Noisy(Digits):
    """The digits under noise, which is drawn from the generator that everybody shares."""

    seed: int | None = None

    def require(self, root=None, *, download=True):
        Dataset.require(self, root, download=download)

    def load(self, split, root=None, *, download=True):
        digits = super().load(split)
        draws = torch.Generator().manual_seed(self.seed) if self.seed is not None else None
        noise = torch.rand(digits.inputs.shape, generator=draws) < 0.01
        return replace(digits, inputs=torch.where(noise, 0, digits.inputs))


def test_a_data_set_that_draws_anew_at_every_load_is_refused(lab):
    lab.require_data(Noisy(seed=3), download=False)
    told = r"load of the data set digits must return the same train samples every time, got others"
    with pytest.raises(TicError, match=told):
        lab.require_data(Noisy(), download=False)


def test_the_fingerprint_names_recipe_and_data(lab, quick_recipe, monkeypatch):
    fingerprint = lab.fingerprint(quick_recipe)
    digest = lab.samples(Digits(), "train", 60).digest
    assert fingerprint == quick_recipe.fingerprint(digest)
    assert lab.fingerprint(quick_recipe.but(seed=1)) != fingerprint
    monkeypatch.setattr(Lab, "training_digest", lambda lab, *arguments: "other")
    assert lab.fingerprint(quick_recipe) == quick_recipe.fingerprint("other") != fingerprint


def test_the_digest_of_training_data_is_that_of_the_samples_and_is_made_once(lab, monkeypatch):
    digest = lab.samples(Digits(), "train", 50).digest
    assert lab.training_digest(Digits(), 50) == digest
    monkeypatch.setattr("tic.data.load", never)
    assert Lab(lab.store_root, device_name="cpu").training_digest(Digits(), 50) == digest


def never(*arguments, **options):
    raise AssertionError("the data were read again")


def test_data_that_are_here_are_told_from_data_that_are_not(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TIC_DATA", raising=False)
    lab = Lab(tmp_path / "store", data_root=tmp_path)
    assert lab.holds_data(Digits())
    assert not lab.holds_data(SVHN())
    with pytest.raises(TicError, match=r"svhn is not on this machine.*downloading is switched off"):
        lab.require_data(SVHN(), download=False)
    assert list(tmp_path.iterdir()) == []


# Runs and networks


def test_a_run_that_was_not_trained_is_refused(lab, quick_recipe):
    assert not lab.has(quick_recipe)
    with pytest.raises(TicError, match="tiny-digits-T2-seed0 is not in the Store; train it first"):
        lab.run(quick_recipe)


def test_a_trained_run_is_there(lab, quick_recipe):
    run = train(quick_recipe, lab)
    assert lab.has(quick_recipe)
    assert lab.has(quick_recipe, verify=True)
    assert lab.run(quick_recipe) == run
    assert not lab.has(quick_recipe.but(seed=1))


def test_a_diverged_run_is_there_and_gives_nothing(lab, quick_recipe):
    diverging = quick_recipe.but(fitting=CosineSGD(learning_rate=1e30))
    train(diverging, lab)
    assert lab.has(diverging, verify=True)
    for use in (lab.run, lab.network):
        with pytest.raises(DivergedRunError, match=r"tiny-digits-T2-lr1e\+30-seed0: .* became nan"):
            use(diverging)


def test_damage_is_seen_when_it_is_looked_for(lab, quick_recipe):
    (train(quick_recipe, lab).folder / weights_name(1)).write_bytes(b"")
    later = Lab(lab.store_root)
    assert later.has(quick_recipe)
    assert not later.has(quick_recipe, verify=True)
    assert not later.has(quick_recipe)


def test_the_network_of_an_epoch_has_its_weights_and_is_in_evaluation_mode(lab, quick_recipe):
    run = train(quick_recipe, lab)
    for asked, epoch in ((None, 2), (0, 0), (1, 1), (2, 2)):
        network = lab.network(quick_recipe, asked)
        assert not any(module.training for module in network.modules())
        for name, tensor in run.weights(epoch).items():
            assert torch.equal(network.state_dict()[name], tensor)


def test_the_network_of_an_epoch_that_was_not_kept_is_refused(lab, quick_recipe):
    train(quick_recipe.but(checkpoints=1), lab)
    with pytest.raises(TicError, match=r"no weights of epoch 1; kept: \[2\]"):
        lab.network(quick_recipe.but(checkpoints=1), 1)


def test_a_fresh_network_has_the_recipes_shape(lab, quick_recipe):
    network = lab.fresh_network(
        quick_recipe.but(timesteps=3, architecture=Spiking("tiny", tau=1.7))
    )
    assert network.training
    assert network.timesteps == 3
    assert network.lif.tau == 1.7
    assert network(torch.zeros(4, 1, 8, 8)).shape == (3, 4, 10)


def test_initial_weights_come_from_the_seed_alone(lab, quick_recipe):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = lab.fresh_network(quick_recipe).stem[0].weight
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert torch.equal(lab.fresh_network(quick_recipe).stem[0].weight, first)
    other = lab.fresh_network(quick_recipe.but(seed=1)).stem[0].weight
    assert not torch.equal(other, first)


def test_a_twin_starts_with_weights_of_its_own_and_sees_another_order(lab, quick_recipe):
    twin = quick_recipe.but(twin=1)
    assert not torch.equal(
        lab.fresh_network(twin).stem[0].weight, lab.fresh_network(quick_recipe).stem[0].weight
    )
    orders = [_Training(recipe, lab, "x").generator.get_state() for recipe in (twin, quick_recipe)]
    assert not torch.equal(*orders)


def test_initial_weights_do_not_depend_on_training_or_timesteps(lab, quick_recipe):
    first = lab.fresh_network(quick_recipe).stem[0].weight
    changed = quick_recipe.but(timesteps=5, loss=PrefixLoss(), epochs=9, train_size=None)
    assert torch.equal(lab.fresh_network(changed).stem[0].weight, first)


def test_fresh_networks_leave_the_generators_of_accelerators_alone(lab, quick_recipe, monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("seeded"))
    lab.fresh_network(quick_recipe)


def test_labs_of_equal_places_are_equal(tmp_path):
    assert Lab(tmp_path) == Lab(tmp_path)
    assert hash(Lab(tmp_path)) == hash(Lab(tmp_path))
    assert Lab(tmp_path) != Lab(tmp_path / "other")


def test_the_fingerprints_of_thousands_of_runs_are_made_once(lab, quick_recipe, monkeypatch):
    # No other test asks for them, and gets what is made up here.
    every = [quick_recipe.but(train_size=59, seed=seed) for seed in range(5_000)]
    made = []
    monkeypatch.setattr(Recipe, "fingerprint", lambda recipe, *digests: made.append(recipe.seed))
    for recipe in 2 * every:
        lab.fingerprint(recipe)
    assert len(made) == len(every)


DARK = []
"""Whether the data became others."""


@dataclass(frozen=True)
class Fading(Dataset):
    """Digits, or nothing but darkness."""

    @property
    def facts(self):
        return replace(Digits().facts, name="fading")

    def load(self, split, root=None, *, download=True):
        digits = Digits().load(split)
        return replace(digits, facts=self.facts, inputs=digits.inputs * (not DARK))


def test_a_run_is_another_where_only_the_data_of_its_parent_are(lab, quick_recipe, monkeypatch):
    child = quick_recipe.but(parent=quick_recipe.but(dataset=Fading()))
    before = lab.fingerprint(child)
    _training_digest.cache_clear()
    monkeypatch.setattr(f"{__name__}.DARK", [True])
    assert lab.fingerprint(child) != before
    _training_digest.cache_clear()
