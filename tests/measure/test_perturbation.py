import numpy as np
import pytest
import torch
from by_definition import OverTime, each_sample, measurable
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from claims.kim2023.perturbation import perturbation_response
from tic.errors import TicError
from tic.measure.fisher import fisher_information

pytestmark = pytest.mark.usefixtures("one_thread")


class Seen(list):
    """What a model was shown, its copies included."""

    def __deepcopy__(self, memo):
        return self


class Linear(nn.Module):
    """Logits W x + b of three classes at the first timestep, twice as large at the second."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(36, 3)
        self.seen = Seen()

    def forward(self, images):
        self.seen.append((images, self.training))
        logits = self.layer(images.flatten(1))
        return torch.stack([logits, 2 * logits])

    @property
    def jacobian(self):
        """Of the mean logits at the image, (K, pixels)."""
        return (1.5 * self.layer.weight).detach().numpy()

    def probabilities(self, images):
        return self(images).mean(0).softmax(1).detach().numpy()


@pytest.fixture
def linear():
    return measurable(Linear)


@pytest.fixture
def batches(data):
    images, labels = data
    labels = labels % 3
    return [(images[:3], labels[:3]), (images[3:], labels[3:])]


def perturbations(model, batches, share, seed=0):
    """What is added to every image (N, pixels), seen from inside the model."""
    model.seen.clear()
    perturbation_response(model, batches, [share], seed=seed)
    clean = [images for images, _ in batches]
    shown = [
        images
        for images, _ in model.seen
        if not images.requires_grad
        and images.flatten(1).any(1).all()  # samples are blanked to see whether they are separate
        and not any(torch.equal(images, each[: len(images)]) for each in clean)
    ]
    found = []
    for images in clean:
        found += [
            (other - images).flatten(1)
            for other in shown
            if other.shape == images.shape and 0 < (other - images).norm() <= 2 * images.norm()
        ][:1]
    model.seen.clear()
    return torch.cat(found).numpy()


def divergence(p, q):
    return (p * (np.log(p) - np.log(q))).sum(1)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_norm_of_a_perturbation_is_a_share_of_the_images(linear, batches, share):
    images = torch.cat([each for each, _ in batches]).flatten(1)
    norms = np.linalg.norm(perturbations(linear, batches, share), axis=1)
    np.testing.assert_allclose(norms, share * images.norm(dim=1).numpy(), rtol=1e-12)


def test_one_direction_serves_every_norm(linear, batches):
    near, far = (perturbations(linear, batches, share) for share in (0.1, 0.4))
    np.testing.assert_allclose(far, 4 * near, rtol=1e-9, atol=1e-15)


def test_batches_of_equal_images_are_perturbed_along_different_directions(linear, data):
    image = data[0][:1]
    pair = [(image, torch.tensor([0])), (image, torch.tensor([0]))]
    response = perturbation_response(linear, pair, [0.3])
    first, second = response.prediction[0]
    assert first != second


@pytest.mark.parametrize("shape", [(36,), (6, 6), (2, 1, 3, 6)])
def test_images_of_every_shape_are_perturbed_alike(linear, batches, shape):
    flat = [(images.view(len(images), *shape), labels) for images, labels in batches]
    again = perturbation_response(linear, flat, [0.3])
    once = perturbation_response(linear, batches, [0.3])
    np.testing.assert_allclose(again.divergence, once.divergence, rtol=1e-9)
    np.testing.assert_allclose(again.prediction, once.prediction, rtol=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.01])
def test_the_prediction_is_the_closed_form_of_a_linear_softmax(linear, batches, share):
    response = perturbation_response(linear, batches, [share])
    images = torch.cat([each for each, _ in batches])
    shares = linear.probabilities(images)
    by_hand = []
    for delta, p in zip(perturbations(linear, batches, share), shares, strict=True):
        fisher = linear.jacobian.T @ (np.diag(p) - np.outer(p, p)) @ linear.jacobian
        by_hand.append(delta @ fisher @ delta / 2)
    assert min(by_hand) > 0
    np.testing.assert_allclose(response.prediction, [by_hand], rtol=1e-9)


def test_the_divergence_is_that_of_the_outputs_on_clean_and_perturbed_images(linear, batches):
    response = perturbation_response(linear, batches, [0.5])
    images = torch.cat([each for each, _ in batches])
    delta = torch.from_numpy(perturbations(linear, batches, 0.5)).view_as(images)
    by_hand = divergence(linear.probabilities(images), linear.probabilities(images + delta))
    np.testing.assert_allclose(response.divergence, [by_hand], rtol=1e-9)


@pytest.mark.parametrize("body", [nn.Flatten, lambda: nn.Conv2d(1, 1, 3, padding=1)])
def test_the_prediction_becomes_exact_at_order_one_as_the_norm_falls(data, body):
    model = measurable(lambda: OverTime(body(), 36))
    shares = [0.1 / 2**n for n in range(6)]
    response = perturbation_response(model, [data], shares)
    error = np.abs(response.divergence / response.prediction - 1).mean(1)
    orders = np.log2(error[:-1] / error[1:])
    assert (orders > 0.9).all()
    assert error[-1] < 0.01


def test_the_prediction_grows_with_the_square_of_the_norm(linear, batches):
    near, far = perturbation_response(linear, batches, [0.1, 0.3]).prediction
    np.testing.assert_allclose(far, 9 * near, rtol=1e-12)


@settings(max_examples=30)
@given(
    st.lists(st.floats(1e-6, 10), min_size=1, max_size=3),
    st.integers(0, 2**32),
    st.sampled_from([1e-3, 1.0, 30.0]),
)
def test_neither_divergence_nor_prediction_is_negative(shares, seed, scale):
    model = measurable(Linear)
    model.layer.weight.data *= scale
    images = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(seed))
    response = perturbation_response(model, [(images.double(), torch.tensor([0, 2]))], shares)
    assert response.divergence.shape == response.prediction.shape == (len(shares), 2)
    # The two logarithms are rounded by as much as this.
    assert (response.divergence >= -1e-12).all()
    assert (response.prediction >= 0).all()
    assert np.isfinite(response.divergence).all()


def test_the_trace_is_that_of_the_weights_at_the_last_timestep(linear, batches, tiny, batch):
    for model, loader in ((linear, batches), (tiny, [batch])):
        trace = perturbation_response(model, loader, [0.1]).trace
        information = fisher_information(model, loader).per_sample
        np.testing.assert_array_equal(trace, information[:, -1])
    rows = each_sample(linear, *(torch.cat(each) for each in zip(*batches, strict=True)))
    by_definition = [sum(row[-1].values()) for row in rows]
    trace = perturbation_response(linear, batches, [0.1]).trace
    np.testing.assert_allclose(trace, by_definition, rtol=1e-9)


def test_norms_and_images_keep_their_order(linear, batches):
    both = perturbation_response(linear, batches, [0.4, 0.1])
    alone = [perturbation_response(linear, batches, [share]) for share in (0.4, 0.1)]
    for name in ("divergence", "prediction"):
        rows = np.concatenate([getattr(each, name) for each in alone])
        np.testing.assert_array_equal(getattr(both, name), rows)
        assert rows.shape == (2, 5)
    assert both.trace.shape == (5,)
    first = perturbation_response(linear, batches[:1], [0.4, 0.1])
    np.testing.assert_array_equal(both.divergence[:, :3], first.divergence)


def test_a_seed_gives_the_same_result_and_another_seed_another(linear, batches):
    torch.manual_seed(1)
    first = perturbation_response(linear, batches, [0.3], seed=4)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = perturbation_response(linear, batches, [0.3], seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    for name, values in vars(first).items():
        np.testing.assert_array_equal(values, getattr(second, name))
    other = perturbation_response(linear, batches, [0.3], seed=5)
    assert (other.prediction != first.prediction).all()
    np.testing.assert_array_equal(other.trace, first.trace)
    default = perturbation_response(linear, batches, [0.3])
    zero = perturbation_response(linear, batches, [0.3], seed=0)
    np.testing.assert_array_equal(default.prediction, zero.prediction)


def test_the_loader_may_be_a_generator(linear, batches):
    lazy = perturbation_response(linear, (each for each in batches), [0.2])
    eager = perturbation_response(linear, batches, [0.2])
    np.testing.assert_array_equal(lazy.divergence, eager.divergence)
    np.testing.assert_array_equal(lazy.trace, eager.trace)


def test_a_network_in_single_precision_is_measured_in_double(linear, batches):
    double = perturbation_response(linear, batches, [1e-5])
    linear.float()
    single = perturbation_response(linear, [(x.float(), y) for x, y in batches], [1e-5])
    # At this norm the divergence is below 1e-10, under the rounding of single precision.
    assert (double.divergence < 1e-10).all()
    np.testing.assert_allclose(single.divergence, single.prediction, rtol=1e-2)
    assert {values.dtype for values in vars(single).values()} == {np.dtype(np.float64)}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_model_is_left_as_it_was_found(tiny, batch, dtype):
    tiny.to(dtype).train()
    tiny.blocks[1].eval()
    modes = [module.training for module in tiny.modules()]
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    buffers = [value.dtype for value in tiny.buffers()]
    images, labels = batch
    perturbation_response(tiny, [(images.to(dtype), labels)], [0.1])
    assert [module.training for module in tiny.modules()] == modes
    assert [value.dtype for value in tiny.buffers()] == buffers
    for name, value in tiny.state_dict().items():
        assert value.dtype is before[name].dtype
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in tiny.parameters())


def test_the_model_is_measured_in_evaluation_mode(linear, batches):
    perturbation_response(linear.train(), batches, [0.1])
    assert not any(training for _, training in linear.seen)
    assert linear.training


def test_type_and_mode_return_when_the_model_fails(data):
    class Refusing(Linear):
        def forward(self, images):
            if self.layer.weight.dtype is torch.float64:
                raise RuntimeError("no double precision here")
            return super().forward(images)

    images, labels = data
    model = Refusing().train()
    with pytest.raises(RuntimeError, match="no double precision here"):
        perturbation_response(model, [(images.float(), labels % 3)], [0.1])
    assert model.layer.weight.dtype is torch.float32
    assert model.training


class Resetting(nn.Module):
    """Of SpikingJelly; its neurons keep the graph of a call until the next one resets them."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            layer.Flatten(), layer.Linear(36, 12), neuron.LIFNode(), layer.Linear(12, 3)
        )
        functional.set_step_mode(self, "m")

    def forward(self, images):
        functional.reset_net(self)
        return self.body(4 * images.expand(3, *images.shape))


def test_a_network_that_keeps_the_graph_of_its_last_call_is_measured(data):
    images, labels = data
    model = measurable(Resetting)
    fresh = perturbation_response(model, [(images, labels % 3)], [0.3])
    model(images)
    assert model.body[2].v.requires_grad
    again = perturbation_response(model, [(images, labels % 3)], [0.3])
    np.testing.assert_array_equal(again.divergence, fresh.divergence)
    np.testing.assert_array_equal(again.prediction, fresh.prediction)


@pytest.mark.parametrize("shares", [[float("nan")], ["0.1"], 0.1, [float("inf")]])
def test_norms_that_are_no_numbers_are_refused(linear, batches, shares):
    with pytest.raises(TicError, match="shares must"):
        perturbation_response(linear, batches, shares)


def test_the_response_of_a_spiking_network_is_told_image_by_image(tiny, batch):
    response = perturbation_response(tiny, [batch], [0.05, 0.5])
    assert response.divergence.shape == response.prediction.shape == (2, 6)
    assert (response.divergence[1] > 0).all()
    assert (response.prediction > 0).all()
    near, far = response.prediction
    np.testing.assert_allclose(far, 100 * near, rtol=1e-9)


@pytest.mark.parametrize(
    ("shares", "shown"), [([], r"\[\]"), ([0.1, 0.0], r"\[0.1, 0.0\]"), ((-0.5,), r"\[-0.5\]")]
)
def test_norms_that_perturb_nothing_are_refused(linear, batches, shares, shown):
    message = f"shares must be positive norms, at least one, got {shown}"
    with pytest.raises(TicError, match=message):
        perturbation_response(linear, batches, shares)


def test_an_empty_loader_is_refused(linear):
    with pytest.raises(TicError, match="the loader must give at least one batch, got none"):
        perturbation_response(linear, [], [0.1])
