import itertools
import math
import weakref

import numpy as np
import pytest
import torch
from by_definition import (
    K,
    OverTime,
    batch_mean,
    close,
    each_sample,
    empirical,
    exact,
    labels_drawn,
    measurable,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from fixtures.networks import awaken
from tic.errors import TicError
from tic.losses import Readout
from tic.measure import forward_pass, gradient_passes, readouts, vetting
from tic.measure.fisher import Estimator, fisher_information, information_centroid
from tic.measure.tangent import tangent_kernel
from tic.memory import counting_saved_bytes
from tic.models import build
from tic.neurons import LIF

pytestmark = pytest.mark.usefixtures("one_thread")


def split(batch, *sizes):
    images, labels = batch
    return list(zip(images.split(list(sizes)), labels.split(list(sizes)), strict=True))


def test_every_layer_of_the_tiny_network_spikes(tiny, batch):
    rates = {}
    for name, module in tiny.named_modules():
        if isinstance(module, LIF):
            module.register_forward_hook(
                lambda _, __, spikes, name=name: rates.update({name: spikes.mean().item()})
            )
    tiny(batch[0])
    assert len(rates) == 7
    assert all(0.05 < rate < 0.95 for rate in rates.values())


def test_empirical_information_of_the_tiny_network_is_that_of_the_definition(tiny, batch):
    images, labels = (each[:3] for each in batch)
    close(fisher_information(tiny, [(images, labels)]), empirical(tiny, images, labels))


def test_empirical_information_of_resnet19_is_that_of_the_definition(batch):
    network = measurable(lambda: build("resnet19", in_channels=3, num_classes=10, timesteps=2))
    awaken(network, channels=3)
    images, labels = batch[0].view(2, 3, 8, 8), torch.tensor([3, 7])
    close(fisher_information(network, [(images, labels)]), empirical(network, images, labels))


def test_official_information_is_that_of_the_release_loop(tiny, batch):
    batches = split(batch, 4, 2)
    close(fisher_information(tiny, batches, "batch-mean"), batch_mean(tiny, batches))


def test_official_information_of_single_images_is_the_empirical_one(simple, data):
    singles = fisher_information(simple, split(data, 1, 1, 1, 1, 1), "batch-mean")
    np.testing.assert_allclose(singles.trace, fisher_information(simple, [data]).trace, rtol=1e-12)


def test_official_information_falls_to_the_squared_mean_gradient_as_batches_grow(simple, data):
    # over all 3² batches of two drawn with replacement: I/B + (1 - 1/B)·‖E g‖², exactly
    images, labels = (each[:3] for each in data)
    drawn = [
        (images[list(pair)], labels[list(pair)]) for pair in itertools.product(range(3), repeat=2)
    ]
    single = fisher_information(simple, [(images, labels)]).trace
    whole = fisher_information(simple, [(images, labels)], "batch-mean").trace
    expected = single / 2 + whole / 2
    np.testing.assert_allclose(
        fisher_information(simple, drawn, "batch-mean").trace, expected, rtol=1e-12
    )
    assert (whole < 0.9 * single).all()


@pytest.mark.parametrize("sizes", [(5,), (2, 3)])
def test_exact_information_is_the_expectation_over_all_labels(data, sizes):
    body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    model = measurable(lambda: OverTime(body, 32))
    info = fisher_information(model, split(data, *sizes), "exact")
    close(info, exact(model, data[0]))


def test_exact_information_needs_no_labels(simple, data):
    images, labels = data
    np.testing.assert_array_equal(
        fisher_information(simple, [(images, labels)], "exact").trace,
        fisher_information(simple, [(images, labels.flip(0))], "exact").trace,
    )


def test_sampled_information_is_empirical_at_the_labels_that_were_drawn(tiny, batch):
    images, _ = batch
    info = fisher_information(tiny, [batch], "sampled", generator=torch.Generator().manual_seed(5))
    expected = [
        fisher_information(tiny, [(images, labels)]).trace[t]
        for t, labels in enumerate(labels_drawn(tiny(images).detach(), seed=5))
    ]
    np.testing.assert_allclose(info.trace, expected, rtol=1e-9)


@pytest.mark.parametrize("sizes", [(1,) * 6, (4, 2), (5, 1)])
def test_the_label_that_is_drawn_belongs_to_the_image_however_a_batch_is_split(sizes, tiny, batch):
    whole = fisher_information(tiny, [batch], "sampled").per_sample
    parts = fisher_information(tiny, split(batch, *sizes), "sampled").per_sample
    np.testing.assert_allclose(parts, whole, rtol=1e-9)
    kernel = tangent_kernel(tiny, [batch]).information[Estimator.SAMPLED].per_sample
    np.testing.assert_allclose(kernel, whole, rtol=1e-9)


def test_labels_drawn_for_want_of_memory_in_parts_are_those_of_the_whole(tiny, batch, cramped):
    whole = fisher_information(tiny, [batch], "sampled").per_sample
    cramped(4)
    np.testing.assert_allclose(
        fisher_information(tiny, [batch], "sampled").per_sample, whole, rtol=1e-9
    )


def test_sampled_information_approaches_the_exact_one(simple, data):
    many = fisher_information(simple, [data] * 300, "sampled")
    np.testing.assert_allclose(
        many.trace, fisher_information(simple, [data], "exact").trace, rtol=0.05
    )


def test_without_a_generator_sampled_labels_come_from_seed_zero(simple, data):
    state = torch.get_rng_state()
    seeded = torch.Generator().manual_seed(0)
    np.testing.assert_array_equal(
        fisher_information(simple, [data], "sampled").trace,
        fisher_information(simple, [data], "sampled", generator=seeded).trace,
    )
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("estimator", ["empirical", "exact"])
@pytest.mark.parametrize("sizes", [(1,) * 6, (4, 2), (5, 1)])
def test_information_per_image_does_not_depend_on_the_size_of_the_batches(
    estimator, sizes, tiny, batch
):
    tiny.timesteps = 2
    whole = fisher_information(tiny, [batch], estimator)
    parts = fisher_information(tiny, split(batch, *sizes), estimator)
    assert parts.samples == whole.samples == 6
    for name, trace in whole.by_layer.items():
        np.testing.assert_allclose(parts.by_layer[name], trace, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("estimator", list(Estimator))
def test_a_prefix_knows_nothing_of_later_timesteps(estimator, tiny, batch):
    if estimator is Estimator.SAMPLED:
        batch = tuple(each[:1] for each in batch)  # draws are in the order of images, then of time
    longer = fisher_information(tiny, [batch], estimator)
    tiny.timesteps = 3
    shorter = fisher_information(tiny, [batch], estimator)
    np.testing.assert_allclose(longer.trace[:3], shorter.trace, rtol=1e-9)


def test_the_backward_of_a_prefix_visits_no_later_timestep(tiny, batch):
    visits = []

    def count(_, __, output):
        step = len(visits)
        visits.append(0)
        output.register_hook(lambda _: visits.__setitem__(step, visits[step] + 1))

    tiny.classifier.register_forward_hook(count)
    fisher_information(tiny, split(batch, 3, 3))
    assert visits[-10:-5] == visits[-5:] == [5, 4, 3, 2, 1]


def test_single_precision_gives_the_same_information(tiny, batch):
    images, labels = batch
    double = fisher_information(tiny, [batch])
    single = fisher_information(tiny.float(), [(images.float(), labels)])
    np.testing.assert_allclose(single.trace, double.trace, rtol=1e-3)
    assert single.trace.dtype == np.float64


def test_the_outcome_says_what_was_measured(tiny, batch):
    info = fisher_information(tiny, split(batch, 4, 2), Estimator.BATCH_MEAN)
    assert info.estimator is Estimator.BATCH_MEAN
    assert info.samples == 6
    assert info.trace.shape == (5,)
    assert info.trace.dtype == np.float64
    assert "blocks.0.conv1.0" in info.by_layer
    assert info.centroid == information_centroid(info.trace)


def test_the_loader_may_be_a_generator(simple, data):
    lazy = fisher_information(simple, (each for each in split(data, 3, 2)))
    np.testing.assert_allclose(lazy.trace, fisher_information(simple, [data]).trace, rtol=1e-12)


@pytest.mark.parametrize(
    ("forward", "shape"),
    [
        (lambda images, weight: images.flatten(1) @ weight, r"\(5, 4\)"),
        (lambda images, weight: (images.flatten(1) @ weight)[:, None], r"\(5, 1, 4\)"),
    ],
)
def test_logits_without_time_in_front_are_refused(forward, shape, data):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(36, K, dtype=torch.float64))

        def forward(self, images):
            return forward(images, self.weight)

    with pytest.raises(TicError, match=rf"logits \(T, B, K\) with B=5, got shape {shape}"):
        fisher_information(Model(), [data])


def test_an_empty_loader_is_refused(simple):
    with pytest.raises(TicError, match="the loader must give at least one batch, got none"):
        fisher_information(simple, [])


def test_an_unknown_estimator_is_refused_with_the_known_ones(simple, data):
    known = "empirical, batch-mean, sampled, exact"
    with pytest.raises(TicError, match=f"unknown estimator 'true'; known: {known}"):
        fisher_information(simple, [data], "true")


def test_an_unknown_read_out_is_refused_with_the_known_ones(simple, data):
    with pytest.raises(TicError, match="unknown readout 'last'; known: mean, sum"):
        fisher_information(simple, [data], readout="last")


@pytest.mark.parametrize("readout", ["mean", "sum"])
def test_every_estimator_measures_the_read_out_of_the_definition(readout, data):
    model = measurable(lambda: OverTime(nn.Conv2d(1, 2, 3), 32))
    images, labels = data
    batches = split(data, 3, 2)
    by_definition = {
        "empirical": empirical(model, images, labels, readout),
        "batch-mean": batch_mean(model, batches, readout),
        "exact": exact(model, images, readout),
    }
    for estimator, expected in by_definition.items():
        close(fisher_information(model, batches, estimator, readout=readout), expected)


def test_sampled_labels_are_drawn_from_the_read_out_that_is_measured(simple, data):
    images, _ = data
    info = fisher_information(simple, [data], "sampled", readout="sum")
    drawn = labels_drawn(simple(images).detach(), seed=0, readout="sum")
    for t, labels in enumerate(drawn):
        at_labels = fisher_information(simple, [(images, labels)], readout="sum")
        assert info.trace[t] == pytest.approx(at_labels.trace[t], rel=1e-9)


def test_the_read_outs_agree_at_the_first_timestep_and_part_after_it(tiny, batch):
    mean, total = (fisher_information(tiny, [batch], readout=each) for each in Readout)
    assert total.trace[0] == pytest.approx(mean.trace[0], rel=1e-12)
    assert (np.abs(total.trace[1:] / mean.trace[1:] - 1) > 0.01).all()
    np.testing.assert_array_equal(mean.trace, fisher_information(tiny, [batch]).trace)


@pytest.mark.parametrize("readout", ["mean", "sum"])
def test_every_image_has_the_information_of_the_definition(readout, data):
    model = measurable(lambda: OverTime(nn.Conv2d(1, 2, 3), 32))
    rows = each_sample(model, *data, readout)
    expected = [[sum(at_t.values()) for at_t in row] for row in rows]
    info = fisher_information(model, split(data, 3, 2), readout=readout)
    assert info.per_sample.shape == (5, 3)
    assert info.per_sample.dtype == np.float64
    np.testing.assert_allclose(info.per_sample, expected, rtol=1e-9)


@pytest.mark.parametrize("estimator", ["empirical", "sampled", "exact"])
def test_the_mean_over_the_images_is_the_trace(estimator, tiny, batch):
    info = fisher_information(tiny, split(batch, 4, 2), estimator)
    assert info.per_sample.shape == (6, 5)
    np.testing.assert_allclose(info.per_sample.mean(0), info.trace, rtol=1e-12)


def test_the_squared_gradient_of_a_batch_has_no_images(simple, data):
    assert fisher_information(simple, [data], "batch-mean").per_sample is None


# Memory


@pytest.fixture
def cramped(monkeypatch):
    """Let no more than so many images pass at a time; tell how many were tried."""

    def limit(images):
        tried = []
        sound = forward_pass.Pass.__init__

        def init(self, layers, shown, *arguments):
            tried.append(len(shown))
            if len(shown) > images:
                raise torch.OutOfMemoryError("CUDA out of memory")
            sound(self, layers, shown, *arguments)

        monkeypatch.setattr(forward_pass.Pass, "__init__", init)
        return tried

    return limit


@pytest.mark.parametrize("estimator", ["empirical", "exact"])
def test_a_batch_that_memory_does_not_hold_is_halved_and_the_log_says_so(
    estimator, tiny, batch, cramped, caplog
):
    tiny.timesteps = 2
    expected = fisher_information(tiny, [batch], estimator)
    tried = cramped(2)
    found = fisher_information(tiny, [batch], estimator)
    assert tried[-5:] == [6, 3, 2, 2, 2]
    assert caplog.messages == [
        f"memory ran out; going on with {size} images at a time" for size in (3, 2)
    ]
    np.testing.assert_allclose(found.per_sample, expected.per_sample, rtol=1e-9)
    np.testing.assert_allclose(found.trace, expected.trace, rtol=1e-9)


def test_a_batch_is_taken_in_parts_where_memory_is_known_not_to_hold_it(
    tiny, batch, cramped, monkeypatch, caplog
):
    expected = fisher_information(tiny, [batch])
    tried = cramped(6)
    per_image = bytes_per_image(tiny, batch)
    monkeypatch.setattr(gradient_passes, "free_bytes", lambda device: 2 * 4.5 * per_image)
    found = fisher_information(tiny, [batch])
    assert tried[-2:] == [4, 2]
    assert not caplog.messages
    np.testing.assert_allclose(found.per_sample, expected.per_sample, rtol=1e-9)


def bytes_per_image(network, batch):
    """What a forward in evaluation mode keeps of one image for the backward."""
    with counting_saved_bytes(network.parameters()) as saved:
        network.stepwise = True
        readouts.prefixes_of(readouts.readouts_of(network, batch[0][:2]), Readout.MEAN)
        network.stepwise = False
    return saved.bytes / 2


@pytest.mark.parametrize(("estimator", "images"), [("batch-mean", 5), ("empirical", 0)])
def test_memory_that_holds_no_part_is_an_error_that_says_what_to_do(
    estimator, images, tiny, batch, cramped, monkeypatch
):
    cramped(images)
    monkeypatch.setattr(vetting.Vetted, "get_ready", lambda *_: None)
    size = {"batch-mean": 6, "empirical": 1}[estimator]
    with pytest.raises(TicError, match=f"^{size} images need more memory .* run fewer processes"):
        fisher_information(tiny, [batch], estimator)


def test_another_error_is_no_lack_of_memory(tiny, batch):
    images, labels = batch
    with pytest.raises(TicError, match=r"fails on inputs of shape \(6, 2, 8, 8\) .*expected input"):
        fisher_information(tiny, [(torch.cat([images, images], 1), labels)])


@pytest.fixture
def touched(tiny):
    """A network in an uncommon state, and a function that says whether it still is."""
    tiny.train()
    tiny.blocks[1].eval()
    tiny.classifier.bias.grad = torch.ones(10, dtype=torch.float64)
    tiny.stem[0].weight.requires_grad_(False)
    modules = list(tiny.modules())
    modes = [module.training for module in modules]
    state = {name: value.clone() for name, value in tiny.state_dict().items()}

    def as_before():
        assert [module.training for module in modules] == modes
        assert not any(module._forward_hooks for module in modules)
        assert all(torch.equal(state[name], value) for name, value in tiny.state_dict().items())
        assert all(p.grad is None for p in tiny.parameters() if p is not tiny.classifier.bias)
        assert torch.equal(tiny.classifier.bias.grad, torch.ones(10, dtype=torch.float64))
        assert not tiny.stem[0].weight.requires_grad
        assert all(module.membrane is None for module in modules if isinstance(module, LIF))

    return tiny, as_before


@pytest.mark.parametrize("stepwise", [True, False])
@pytest.mark.parametrize("estimator", list(Estimator))
def test_the_model_is_left_as_it_was_found(estimator, stepwise, touched, batch):
    network, as_before = touched
    network.stepwise = stepwise
    fisher_information(network, [batch], estimator)
    as_before()
    assert network.stepwise is stepwise


@pytest.mark.parametrize("stepwise", [True, False])
def test_the_model_is_left_as_it_was_found_after_an_exception(stepwise, touched, batch):
    network, as_before = touched
    network.stepwise = stepwise
    images, labels = batch

    def batches():
        yield images, labels
        raise OSError("no more images")

    with pytest.raises(OSError, match="no more images"):
        fisher_information(network, batches())
    as_before()
    with pytest.raises(TicError, match="expected input"):
        fisher_information(network, [(torch.cat([images, images], 1), labels)])
    as_before()
    assert network.stepwise is stepwise


def test_gradients_are_measured_even_where_they_are_switched_off(simple, data):
    expected = fisher_information(simple, [data]).trace
    with torch.no_grad():
        np.testing.assert_array_equal(fisher_information(simple, [data]).trace, expected)


@pytest.mark.parametrize(
    ("trace", "centroid"),
    [
        ([7.0], 1.0),
        ([1, 0, 0], 1.0),
        ([0, 0, 5], 3.0),
        ([1, 1, 1, 1], 2.5),
        ([1, 2, 3], 14 / 6),
        ([3, 1], 1.25),
        ([1e290, 1e290], 1.5),
        ([5e-324, 0, 5e-324], 2.0),
    ],
)
def test_the_centroid_is_as_computed_by_hand(trace, centroid):
    assert information_centroid(trace) == pytest.approx(centroid, rel=1e-15)


information = st.lists(st.floats(0, 1e280), min_size=1, max_size=12).filter(any)


@settings(deadline=None)
@example([0.0] * 5 + [1.1e-16, 1.0])  # 7.000000000000001 before rounding is mended
@given(information)
def test_the_centroid_is_a_time(trace):
    assert 1 <= information_centroid(trace) <= len(trace)


@settings(deadline=None)
@given(information)
def test_the_centroid_of_the_mirrored_trace_is_mirrored(trace):
    mirrored = information_centroid(trace[::-1])
    assert mirrored == pytest.approx(len(trace) + 1 - information_centroid(trace))


@settings(deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=12), st.floats(1e-200, 1e200))
def test_the_centroid_does_not_depend_on_the_scale(trace, scale):
    scaled = information_centroid([scale * value for value in trace])
    assert scaled == pytest.approx(information_centroid(trace))


@settings(deadline=None, max_examples=50)
@given(information.filter(lambda trace: len(trace) > 1))
def test_information_at_the_end_moves_the_centroid_later(trace):
    later = [*trace[:-1], trace[-1] + max(trace)]
    assert information_centroid(later) >= information_centroid(trace) - 1e-12


@pytest.mark.parametrize(
    ("trace", "message"),
    [
        ([], "at least one value, got none"),
        (3.0, r"got \(\)"),
        ([[1, 2], [3, 4]], r"got \(2, 2\)"),
        ([0, 0], "not zero throughout"),
        ([1, -1e-9], "at least 0 and not zero"),
        ([1, math.nan], "must be finite"),
        ([1, math.inf], "must be finite"),
    ],
)
def test_a_trace_without_a_centroid_is_refused(trace, message):
    with pytest.raises(TicError, match=message):
        information_centroid(trace)


def test_the_graph_of_one_pass_is_gone_before_the_next_is_made(tiny, batch, monkeypatch):
    alive = []
    sound = forward_pass.Pass.__init__

    def init(self, *arguments):
        assert [each() for each in alive] == [None] * len(alive)
        alive.append(weakref.ref(self))
        sound(self, *arguments)

    monkeypatch.setattr(forward_pass.Pass, "__init__", init)
    monkeypatch.setattr(gradient_passes, "ROWS", 1)
    fisher_information(tiny, [batch], "exact")
    assert len(alive) > 6  # some on which the network is tried, and one for each image
