import numpy as np
import pytest
import torch
from by_definition import OverTime, measurable, prefix_readout, timesteps_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tic.errors import TicError
from tic.losses import Readout
from tic.measure import gradient_passes
from tic.measure.fisher import fisher_information, information_centroid
from tic.measure.tangent import TangentKernel, tangent_kernel

pytestmark = pytest.mark.usefixtures("one_thread")


def split(batch, *sizes):
    images, labels = batch
    return list(zip(images.split(list(sizes)), labels.split(list(sizes)), strict=True))


def by_jacobian(model, image, label, t, readout="mean"):
    """δ and the whole K of one image, from the logits' derivatives one weight at a time."""
    logits = prefix_readout(model, image[None], t, readout)[0]
    weights = [p for p in model.parameters() if p.requires_grad]
    rows = []
    for logit in logits:
        found = torch.autograd.grad(logit, weights, retain_graph=True, allow_unused=True)
        rows.append(torch.cat([g.flatten() for g in found if g is not None]))
    jacobian = torch.stack(rows)
    delta = logits.detach().softmax(0)
    delta[label] -= 1
    return delta, jacobian @ jacobian.T


def twin(model, images, labels, readout="mean"):
    """‖δ‖², tr K and δᵀKδ of every image at every prefix, each (N, T)."""
    rows = []
    for image, label in zip(images, labels, strict=True):
        pairs = [
            by_jacobian(model, image, label, t, readout) for t in range(timesteps_of(model, images))
        ]
        rows.append([(d @ d, kernel.trace(), d @ kernel @ d) for d, kernel in pairs])
    return np.moveaxis(np.array(rows, dtype=float), 2, 0)


@pytest.fixture
def convolutional():
    """A convolution and a normalisation at every timestep, and a read-out."""
    return measurable(
        lambda: OverTime(nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2)), 32)
    )


@pytest.mark.parametrize("readout", list(Readout))
def test_error_and_trace_are_those_of_the_whole_kernel(readout, convolutional, data):
    errors, traces, information = twin(convolutional, *data, readout)
    found = tangent_kernel(convolutional, split(data, 3, 2), readout=readout)
    np.testing.assert_allclose(found.errors, errors, rtol=1e-9)
    np.testing.assert_allclose(found.kernel_trace, traces, rtol=1e-9)
    fisher = fisher_information(convolutional, [data], readout=readout).per_sample
    np.testing.assert_allclose(information, fisher, rtol=1e-9)


def test_the_kernel_of_a_spiking_network_is_the_whole_one(tiny, batch):
    images, labels = (each[:2] for each in batch)
    tiny.timesteps = 2
    errors, traces, information = twin(tiny, images, labels)
    found = tangent_kernel(tiny, [(images, labels)])
    np.testing.assert_allclose(found.errors, errors, rtol=1e-9)
    np.testing.assert_allclose(found.kernel_trace, traces, rtol=1e-9)
    fisher = fisher_information(tiny, [(images, labels)]).per_sample
    np.testing.assert_allclose(information, fisher, rtol=1e-9)


class Fading(nn.Module):
    """Logits c_t · (W x) over two classes, with W = 0 and c = 1, 3: prefix means 1 and 2."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, images):
        logits = self.linear(images.flatten(1))
        return torch.stack([logits, 3 * logits])


@pytest.mark.parametrize(
    ("readout", "traces"),
    [
        # ∂z_k/∂W = c · e_k xᵀ, so K = c²‖x‖² · I with ‖x‖² = 25 and 4, and c = 1, then 2 or 4
        ("mean", [[50, 200], [8, 32]]),
        ("sum", [[50, 800], [8, 128]]),
    ],
)
def test_the_kernel_of_a_linear_model_is_as_computed_by_hand(readout, traces):
    images = torch.tensor([[3.0, 4.0], [0.0, 2.0]]).view(2, 1, 1, 2)
    found = tangent_kernel(Fading(), [(images, torch.tensor([0, 1]))], readout=readout)
    np.testing.assert_allclose(found.kernel_trace, traces)
    # p = (½, ½): δ = (∓½, ±½)
    np.testing.assert_allclose(found.errors, [[0.5, 0.5], [0.5, 0.5]])


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.floats(0.01, 30), st.sampled_from(list(Readout)))
def test_information_is_at_most_error_times_trace(seed, scale, readout):
    draws = torch.Generator().manual_seed(seed)
    model = measurable(lambda: OverTime(nn.Conv2d(1, 2, 3), 8))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, scale, generator=draws)
    images = torch.rand(3, 1, 4, 4, dtype=torch.float64, generator=draws)
    loader = [(images, torch.randint(4, (3,), generator=draws))]
    found = tangent_kernel(model, loader, readout=readout)
    information = fisher_information(model, loader, readout=readout).per_sample
    bound = found.errors * found.kernel_trace
    assert (information <= bound * (1 + 1e-9)).all()
    assert (found.errors <= 2 + 1e-12).all()


def test_the_trace_needs_no_labels_and_the_error_does(tiny, batch):
    images, labels = batch
    tiny.timesteps = 2
    one, other = (tangent_kernel(tiny, [(images, each)]) for each in (labels, (labels + 1) % 10))
    np.testing.assert_array_equal(one.kernel_trace, other.kernel_trace)
    assert (np.abs(one.errors - other.errors) > 1e-6).any()


def test_only_weights_that_require_a_gradient_count(convolutional, data):
    whole = tangent_kernel(convolutional, [data]).kernel_trace
    convolutional.readout.weight.requires_grad_(False)
    _, traces, _ = twin(convolutional, *data)
    found = tangent_kernel(convolutional, [data]).kernel_trace
    np.testing.assert_allclose(found, traces, rtol=1e-9)
    assert (found < whole).all()


def test_single_precision_gives_double_arrays_and_the_same_numbers(tiny, batch):
    images, labels = batch
    tiny.timesteps = 3
    double = tangent_kernel(tiny, [batch])
    single = tangent_kernel(tiny.float(), [(images.float(), labels)])
    assert single.errors.dtype == single.kernel_trace.dtype == np.float64
    assert single.errors.shape == single.kernel_trace.shape == (6, 3)
    np.testing.assert_allclose(single.errors, double.errors, rtol=1e-3)
    np.testing.assert_allclose(single.kernel_trace, double.kernel_trace, rtol=1e-3)


def test_means_and_centroids_are_over_the_images():
    kernel = TangentKernel(
        errors=np.array([[1.0, 0.0, 0.0], [1.0, 2.0, 0.0]]),
        kernel_trace=np.array([[0.0, 3.0, 1.0], [0.0, 1.0, 3.0]]),
    )
    np.testing.assert_array_equal(kernel.mean_errors, [1, 1, 0])
    np.testing.assert_array_equal(kernel.mean_kernel_trace, [0, 2, 2])
    assert kernel.error_centroid == pytest.approx(1.5)
    assert kernel.kernel_centroid == pytest.approx(2.5)
    assert kernel.kernel_centroid == information_centroid(kernel.mean_kernel_trace)


def test_errors_of_zero_have_no_centroid():
    kernel = TangentKernel(errors=np.zeros((2, 3)), kernel_trace=np.ones((2, 3)))
    with pytest.raises(TicError, match="not zero throughout"):
        _ = kernel.error_centroid


def test_an_unknown_read_out_and_an_empty_loader_are_refused(simple, data):
    with pytest.raises(TicError, match="unknown readout 'last'; known: mean, sum"):
        tangent_kernel(simple, [data], readout="last")
    with pytest.raises(TicError, match="the loader must give at least one batch, got none"):
        tangent_kernel(simple, [])


class Mixed(nn.Module):
    """Subtracts the mean of the batch, so that no image has a gradient of its own."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(36, 4)

    def forward(self, images):
        logits = self.linear(images.flatten(1))
        return (logits - logits.mean(0))[None]


def test_a_model_that_mixes_samples_is_refused_as_for_fisher_information(data):
    with pytest.raises(TicError, match="samples of a batch depend on each other"):
        tangent_kernel(measurable(Mixed), [data])


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was_found(fails, tiny, batch):
    tiny.train()
    tiny.blocks[0].eval()
    modes = [module.training for module in tiny.modules()]
    before = {name: value.clone() for name, value in tiny.state_dict().items()}

    def batches():
        yield tuple(each[:2] for each in batch)
        if fails:
            raise OSError("no more images")

    if fails:
        with pytest.raises(OSError, match="no more images"):
            tangent_kernel(tiny, batches())
    else:
        tangent_kernel(tiny, batches())
    assert [module.training for module in tiny.modules()] == modes
    assert not tiny.stepwise
    assert not any(module._forward_hooks for module in tiny.modules())
    assert all(torch.equal(before[name], value) for name, value in tiny.state_dict().items())
    assert all(parameter.grad is None for parameter in tiny.parameters())


@pytest.mark.parametrize("readout", list(Readout))
@pytest.mark.parametrize("estimator", ["empirical", "exact"])
def test_the_kernel_gives_the_information_that_is_measured_alone(
    estimator, readout, convolutional, tiny, data, batch
):
    for model, loader in ((convolutional, split(data, 3, 2)), (tiny, split(batch, 4, 2))):
        found = tangent_kernel(model, loader, readout=readout).information[estimator]
        alone = fisher_information(model, loader, estimator, readout=readout)
        assert list(found.by_layer) == list(alone.by_layer)
        for name, trace in alone.by_layer.items():
            np.testing.assert_allclose(found.by_layer[name], trace, rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(found.per_sample, alone.per_sample, rtol=1e-9)


def test_the_kernel_gives_the_information_at_labels_that_were_drawn(tiny, batch):
    images, _ = batch
    draws = torch.Generator().manual_seed(5)
    found = tangent_kernel(tiny, [batch], generator=draws).information["sampled"]
    draws = torch.Generator().manual_seed(5)
    alone = fisher_information(tiny, [batch], "sampled", generator=draws)
    np.testing.assert_allclose(found.trace, alone.trace, rtol=1e-9)
    assert found.samples == len(images)


class Unruled(nn.Module):
    """A parameter of its own, a tied weight and a layer normalisation: nothing has a rule."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(36)
        self.scale = nn.Parameter(torch.full((36,), 1.5))
        self.linear = nn.Linear(36, 4)

    def forward(self, images):
        hidden = self.norm(images.flatten(1)) * self.scale
        return torch.stack([self.linear(hidden), self.linear(torch.tanh(hidden))])


def test_layers_without_a_rule_have_their_share_in_the_kernel(data):
    model = measurable(Unruled)
    _, traces, information = twin(model, *data)
    found = tangent_kernel(model, [data])
    np.testing.assert_allclose(found.kernel_trace, traces, rtol=1e-9)
    np.testing.assert_allclose(found.information["empirical"].per_sample, information, rtol=1e-9)


@pytest.mark.parametrize("rows", [1, 8, 12, 1000])
def test_the_kernel_does_not_depend_on_how_many_images_are_taken_at_a_time(
    rows, convolutional, data, monkeypatch
):
    whole = tangent_kernel(convolutional, [data])
    monkeypatch.setattr(gradient_passes, "ROWS", rows)
    parts = tangent_kernel(convolutional, split(data, 2, 3))
    np.testing.assert_allclose(parts.errors, whole.errors, rtol=1e-9)
    np.testing.assert_allclose(parts.kernel_trace, whole.kernel_trace, rtol=1e-9)
    np.testing.assert_allclose(
        parts.information["exact"].trace, whole.information["exact"].trace, rtol=1e-9
    )
