import numpy as np
import pytest
import torch
from torch import nn

import tic
from tic.data import Digits
from tic.errors import TicError
from tic.measure.activations import activations
from tic.measure.similarity import representation_similarity
from tic.neurons import LIF, fresh_membranes

DIGITS = Digits().load("test").take(60)


def loader(size=60, samples=DIGITS):
    return samples.batches(size)


def plain(seed=0, width=12):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10)
    ).double()


class InPlace(nn.Module):
    """Normalises images where they lie, as torchvision's Normalize(inplace=True) does."""

    def __init__(self, network, *, in_place):
        super().__init__()
        self.network, self.in_place = network, in_place

    def forward(self, images):
        if self.in_place:
            return self.network(images.sub_(0.5).div_(0.25))
        return self.network(images.sub(0.5).div(0.25))


class Spikes(nn.Module):
    """A stem that runs once, two layers of neurons that fire often, and a read-out."""

    def __init__(self, timesteps):
        super().__init__()
        self.timesteps = timesteps
        self.stem, self.inner, self.out = nn.Linear(64, 20), nn.Linear(20, 15), nn.Linear(15, 10)
        self.lif, self.deep = LIF(), LIF()

    def forward(self, images):
        currents = 4 * self.stem(images.flatten(1))
        with fresh_membranes(self):
            spikes = self.lif(currents.expand(self.timesteps, *currents.shape))
            return self.out(self.deep(5 * self.inner(spikes)))


def spiking(seed=0, timesteps=4):
    torch.manual_seed(seed)
    return Spikes(timesteps)


class Doubled(nn.Module):
    """Sees images in double precision."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network(images.double())


def features(network, name, time="joined"):
    ((images, _),) = loader()
    values = activations(network, images)[name]
    values = values.mean(0, keepdim=True) if time == "mean" else values
    return values.transpose(0, 1).flatten(1).double()


def cka_by_definition(x, y):
    """The slow twin: features centred, and the cross-covariance of features by features."""
    x, y = x - x.mean(0), y - y.mean(0)
    return float((y.mT @ x).square().sum() / ((x.mT @ x).norm() * (y.mT @ y).norm()))


@pytest.mark.parametrize("time", ["joined", "mean"])
def test_layers_of_a_spiking_and_another_network_have_the_cka_of_the_slow_twin(time):
    one, other = spiking(), Doubled(plain())
    ours = tic.representation_similarity(one, other, loader(), time=time)
    assert ours.images == 60
    assert ours.rows == ("stem", "lif", "inner", "deep", "out")
    assert ours.columns == ("network.0", "network.1", "network.2", "network.3")
    for row in ours.rows:
        for column in ours.columns:
            place = ours.rows.index(row), ours.columns.index(column)
            slow = cka_by_definition(features(one, row, time), features(other, column))
            assert ours.biased[place] == pytest.approx(slow, abs=1e-6)


def test_time_joined_is_not_its_mean():
    one = spiking()
    joined, mean = (
        representation_similarity(one, spiking(1), loader(), time=time)
        for time in ("joined", "mean")
    )
    lif, stem = joined.rows.index("lif"), joined.rows.index("stem")
    assert abs(joined.debiased[lif, lif] - mean.debiased[lif, lif]) > 1e-4
    assert joined.debiased[stem, stem] == pytest.approx(mean.debiased[stem, stem])


@pytest.mark.parametrize("tile", [8, 31, 59, 60, 1000])
@pytest.mark.parametrize("size", [60, 7])
def test_neither_tiles_nor_batches_of_the_loader_change_a_comparison_of_all_images(tile, size):
    one, other = Doubled(plain()), Doubled(plain(1))
    whole = representation_similarity(one, other, loader())
    ours = representation_similarity(one, other, loader(size), tile=tile)
    for name in ("debiased", "biased", "by_chance"):
        gap = abs(getattr(ours, name) - getattr(whole, name))
        assert gap.max() < 1e-10
    assert ours.images == 60


def test_batches_for_themselves_are_summed_before_the_ratio():
    one, other = Doubled(plain()), Doubled(plain(1))
    ours = representation_similarity(one, other, loader(20), batching="each")
    from tic.measure.hsic import GramSums, alignment

    total = None
    for images, _ in loader(20):
        x, y = (activations(net, images)["network.2"][0] for net in (one, other))
        sums = GramSums(2, 20, torch.device("cpu"))
        sums.add(torch.stack([x @ x.mT, y @ y.mT]), 0, 0)
        total = sums.criteria() if total is None else total + sums.criteria()
    expected = alignment(total.debiased, total.debiased.diagonal())[0, 1]
    assert ours.between("network.2", "network.2") == pytest.approx(float(expected), abs=1e-9)
    assert ours.images == 60
    whole = representation_similarity(one, other, loader(20))
    assert abs(ours.debiased - whole.debiased).max() > 1e-3


def test_a_network_is_like_itself_and_its_layers_are_compared_with_each_other():
    one = spiking()
    alone, twice = (
        representation_similarity(one, other, loader(), layers=["lif", "deep"])
        for other in (one, spiking())
    )
    assert alone.rows == alone.columns == ("lif", "deep")
    assert alone.debiased.filled().diagonal() == pytest.approx(1, abs=1e-12)
    assert abs(alone.debiased - twice.debiased).max() < 1e-12
    assert alone.between("lif", "deep") < 1


def test_timesteps_apart_are_layers_of_their_own_and_a_static_one_never_changes():
    one = spiking()
    ours = representation_similarity(one, one, loader(), layers=["stem", "lif"], time="apart")
    assert ours.rows[:5] == (
        "stem[t=1]", "stem[t=2]", "stem[t=3]", "stem[t=4]", "lif[t=1]",
    )  # fmt: skip
    assert ours.debiased[:4, :4].filled() == pytest.approx(np.ones((4, 4)), abs=1e-12)
    ((images, _),) = loader()
    spikes = activations(one, images)["lif"].flatten(2).double()
    slow = cka_by_definition(spikes[0], spikes[3])
    assert ours.biased[4, 7] == pytest.approx(slow, abs=1e-9)
    assert slow < 0.999


def test_two_networks_see_what_each_is_shown_of_the_same_images():
    one = Doubled(plain())
    changed = type(DIGITS)(
        DIGITS.facts, "test", 16 - DIGITS.inputs, DIGITS.labels
    )  # the first layer is an affine map of the pixels: turned round, it is as similar as before
    turned = representation_similarity(
        one, one, loader(), other_loader=loader(samples=changed), layers=["network.1", "network.2"]
    )
    assert turned.between("network.1", "network.1") == pytest.approx(1, abs=1e-9)
    assert turned.between("network.2", "network.2") < 0.99


def test_other_images_are_not_similar_and_the_biased_estimator_betrays_itself():
    one = Doubled(plain(width=300))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    other = type(DIGITS)(DIGITS.facts, "test", DIGITS.inputs[order], DIGITS.labels[order])
    ours = representation_similarity(one, one, loader(), other_loader=loader(samples=other))
    place = ours.rows.index("network.2"), ours.rows.index("network.2")
    assert abs(ours.debiased[place]) < 0.1
    assert ours.biased[place] > 0.1
    assert ours.by_chance[place] == pytest.approx(ours.biased[place], abs=0.05)
    assert "with nothing in common it would be up to 0." in ours.note
    assert "over 60 images" in ours.note


def test_a_large_mean_costs_no_digits():
    class Shifted(nn.Module):
        def __init__(self, by):
            super().__init__()
            self.by, self.out = by, nn.Identity()

        def forward(self, images):
            return self.out(images.flatten(1).double() + self.by)

    near, far = (
        representation_similarity(Shifted(by), Doubled(plain()), loader()) for by in (0, 1e5)
    )
    assert abs(near.debiased - far.debiased).max() < 1e-8


class Dead(nn.Module):
    """Layers that never fire, that vary in their last digit or not at all, and one that varies."""

    def __init__(self):
        super().__init__()
        self.silent, self.rounded = nn.Identity(), nn.Identity()
        self.same, self.live = nn.Identity(), nn.Identity()

    def forward(self, images):
        flat = images.flatten(1)
        self.silent(0 * flat)
        self.rounded(1 + 1e-7 * (flat > 0.5))
        self.same(0 * flat + torch.rand(64, generator=torch.Generator().manual_seed(0)))
        return self.live(flat)


@pytest.mark.parametrize("tile", [60, 20])
def test_a_layer_that_is_the_same_for_all_images_is_undefined_and_no_number(tile):
    ours = representation_similarity(Dead(), Doubled(plain()), loader(), tile=tile)
    assert ours.undefined == (("silent", "rounded", "same"), ())
    for table in (ours.debiased, ours.biased, ours.by_chance):
        assert table.mask[:3].all()
        assert not table.mask[3].any()
        assert table.tolist()[0] == [None] * 4
    assert ours.between("silent", "network.2") is None
    assert 0 < ours.between("live", "network.2") < 1
    assert (
        "Undefined, images being the same or each in a direction of its own: rounded, same, silent"
        in ours.note
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("count", [4, 8, 12, 16, 30])
def test_images_that_each_differ_in_a_direction_of_their_own_are_undefined(count, dtype):
    """Debiased CKA of them is 0/0, which rounding made some number of."""
    turned = nn.Sequential(nn.Identity(), nn.Linear(count, count, bias=False)).to(dtype)
    torch.manual_seed(count)
    turned[1].weight.data = nn.init.orthogonal_(torch.empty(count, count)).to(dtype)
    batch = torch.eye(count, dtype=dtype), torch.zeros(count, dtype=torch.long)
    ours = representation_similarity(turned, turned, [batch])
    assert ours.debiased.mask.all()
    assert ours.undefined[0] == ("0", "1")


def test_nothing_that_varies_is_said_so():
    ours = representation_similarity(Dead(), Dead(), loader(), layers=["silent"])
    assert ours.note == "CKA over 60 images is undefined: no pair of layers varies."


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, images):
        return self.layer(images / images.sum((1, 2, 3), keepdim=True).sub(1e9).mul(0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": ["nowhere"]}, "Doubled has no layer 'nowhere'"),
        ({"time": "never"}, "unknown way of comparing timesteps 'never'"),
        ({"batching": "some"}, "unknown way of taking batches 'some'"),
        ({"tile": 0}, "tile must be at least 1, got 0"),
        ({"other_loader": DIGITS.batches(30)}, "of one size, got 60 and 30 in a batch"),
        ({"other_loader": DIGITS.take(40).batches(60)}, "of one size, got 60 and 40"),
        ({"loader": DIGITS.take(10).batches(7), "batching": "each"}, "at least 4 images.*got 3"),
        ({"loader": [(torch.rand(1, 1, 8, 8), torch.tensor([0]))]}, "at least 4 images.*got 1"),
        ({"loader": []}, "at least one batch"),
        ({"b": Broken()}, "must be finite, got NaN or infinity in layer layer"),
        (
            {"b": nn.Sequential(nn.Flatten(0))},
            "layer 0 must give out a tensor with an entry for each",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, message):
    given = {"a": Doubled(plain()), "b": Doubled(plain()), "loader": loader(), **arguments}
    with pytest.raises(TicError, match=message):
        representation_similarity(given.pop("a"), given.pop("b"), given.pop("loader"), **given)


def test_networks_of_unlike_timesteps_are_compared_joined_and_not_apart():
    with pytest.raises(TicError, match="needs equal numbers of them, got 4 and 3"):
        representation_similarity(spiking(), spiking(timesteps=3), loader(), time="apart")
    joined = representation_similarity(spiking(), spiking(timesteps=3), loader())
    assert joined.between("stem", "stem") == pytest.approx(1, abs=1e-6)


def test_a_layer_that_is_not_there_is_named_with_those_that_are():
    ours = representation_similarity(Doubled(plain()), Doubled(plain()), loader())
    with pytest.raises(TicError, match="no layer 'lif' among those compared"):
        ours.between("lif", "network.1")


def test_lack_of_memory_is_explained(monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr("tic.measure.similarity.GramSums", fail)
    with pytest.raises(TicError, match="comparing representations needs more memory"):
        representation_similarity(plain().float(), plain().float(), loader())


def test_wide_layers_take_no_matrix_of_features_by_features(monkeypatch):
    sizes = []
    before = torch.Tensor.addmm_
    monkeypatch.setattr(
        torch.Tensor,
        "addmm_",
        lambda self, a, b: sizes.append((self.shape, a.shape[1])) or before(self, a, b),
    )
    monkeypatch.setattr("tic.measure.grams._CHUNK", 60 * 100)
    whole = representation_similarity(Doubled(plain(width=230)), Doubled(plain()), loader())
    assert {tuple(shape) for shape, _ in sizes} == {(60, 60)}
    assert max(columns for _, columns in sizes) == 100
    monkeypatch.setattr("tic.measure.grams._CHUNK", 2**22)
    again = representation_similarity(Doubled(plain(width=230)), Doubled(plain()), loader())
    assert abs(whole.debiased - again.debiased).max() < 1e-12


class Halved(nn.Module):
    """Gives out whole numbers below 2048 in a precision, at once or timestep by timestep."""

    def __init__(self, values, dtype, at_once=True):
        super().__init__()
        self.values, self.dtype, self.at_once = values, dtype, at_once
        self.timesteps, self.layer = len(values), nn.Identity()

    def forward(self, images):
        chosen = self.values[:, images.flatten().long()].to(self.dtype)
        if self.at_once:
            return self.layer(chosen)
        return torch.stack([self.layer(step) for step in chosen])


def numbered(count):
    return [(torch.arange(float(count))[:, None], torch.zeros(count, dtype=torch.long))]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_mean_over_time_does_not_overflow_in_half_precision(dtype, at_once):
    draws = torch.Generator().manual_seed(0)
    # Up to 255 both precisions have every whole number, and 255 · 500 timesteps is above 65,504.
    values = torch.randint(0, 40, (500, 6, 3), generator=draws) + 40.0 * torch.arange(6)[:, None]
    values[..., 0] = 255
    halved = Halved(values, dtype, at_once)
    whole = Halved(values, torch.float64)
    found = representation_similarity(halved, whole, numbered(6), time="mean")
    assert not found.debiased.mask.any()
    expected = representation_similarity(whole, whole, numbered(6), time="mean")
    assert found.debiased[0, 0] == pytest.approx(1, abs=1e-6)
    assert found.biased[0, 0] == pytest.approx(expected.biased[0, 0], abs=1e-6)


def test_a_network_that_works_in_place_changes_neither_its_images_nor_a_similarity():
    images = torch.rand(20, 1, 8, 8, dtype=torch.float64)
    batch = [(images.clone(), torch.zeros(20, dtype=torch.long))]
    one, other = (
        [InPlace(plain(seed), in_place=in_place) for seed in (0, 1)] for in_place in (True, False)
    )
    for tile in (20, 7):
        ours, wanted = (
            representation_similarity(*pair, batch, tile=tile, batching="each")
            for pair in (one, other)
        )
        assert ours.debiased.tolist() == wanted.debiased.tolist()
    assert torch.equal(batch[0][0], images)


@pytest.mark.parametrize("time", ["joined", "mean"])
def test_rounding_of_half_precision_is_no_variation(time):
    values = torch.full((4, 6, 3), 1024.0)
    values[:, :2] += 1  # one unit in the last place of float16
    half, double = (Halved(values, dtype) for dtype in (torch.float16, torch.float64))
    assert representation_similarity(half, half, numbered(6), time=time).undefined[0] == ("layer",)
    assert representation_similarity(double, double, numbered(6), time=time).undefined[0] == ()
