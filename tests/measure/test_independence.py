"""Networks whose answers follow from more than the sample that they were asked about."""

import numpy as np
import pytest
import torch
from by_definition import K, OverTime, empirical, measurable, squares
from torch import nn

from fixtures.networks import awaken
from tic.errors import TicError
from tic.measure.fisher import fisher_information
from tic.measure.independence import SAMPLES, Answer, answers_alone, conduct, telling
from tic.measure.tangent import tangent_kernel
from tic.models import build

pytestmark = pytest.mark.usefixtures("one_thread")

ESTIMATORS = ["empirical", "sampled", "exact", "batch-mean"]
UNLIKE = r"^the number of timesteps must be the same for all batches, got \[4, 6\]; pad"


def answer(logits):
    """An answer whose gradients say what its logits say."""
    return Answer(logits, logits[0].T)


def test_a_function_of_each_sample_behaves_and_reacts():
    found = conduct(lambda some: answer(some.flatten(1)[None]), torch.rand(5, 2, 3))
    assert (found.is_random, found.reacts) == (False, True)
    found = conduct(lambda some: answer(torch.ones(1, len(some), 2)), torch.rand(5, 2, 3))
    assert (found.is_random, found.reacts) == (False, False)


def test_one_sample_alone_is_enough():
    inputs = torch.rand(1, 4)
    assert conduct(lambda some: answer(some[None]), inputs).reacts
    with pytest.raises(TicError, match="samples of a batch depend on each other"):
        conduct(lambda some: answer((some - some.mean(0))[None]), inputs)


def test_random_numbers_of_others_go_on_where_they_were(monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("seeded"))
    before = torch.get_rng_state()

    def draws(some):
        return answer((some + torch.rand_like(some))[None])

    assert conduct(draws, torch.rand(4, 3, generator=torch.Generator())).is_random
    assert torch.equal(torch.get_rng_state(), before)


def test_what_rounds_otherwise_in_other_shapes_is_the_same_answer():
    logits = torch.ones(1, 1, 2)

    def of(*norms, shift=0.0):
        return Answer(logits + shift, torch.tensor(norms)[:, None])

    assert not of(1.0, 1e-9).is_another(of(1.01, 3e-9))
    assert of(1.0, 1e-3).is_another(of(1.0, 2e-3))
    assert of(1.0, 0.0).is_another(of(1.0, 0.0, shift=0.2))


def test_what_shows_in_gradients_alone_is_seen():
    calls = []

    def leaks(inputs):
        calls.append(1)
        return Answer(torch.zeros(1, len(inputs), 2), len(calls) * torch.ones(1, len(inputs)))

    with pytest.raises(TicError, match="keeps state between calls"):
        conduct(leaks, torch.rand(4, 3))


def test_random_numbers_of_torch_are_no_state_and_are_left_as_they_were():
    state = torch.get_rng_state()
    found = conduct(lambda some: answer((torch.rand_like(some) < some).float()[None]), _half())
    assert found.is_random
    assert torch.equal(torch.get_rng_state(), state)


def _half():
    return torch.full((6, 40), 0.5)


def test_the_samples_that_tell_most_vary_most():
    inputs = torch.zeros(20, 2)
    inputs[5:15, 0] = torch.arange(10.0)
    assert telling(inputs)[:, 0].tolist() == [2.0, 3, 4, 5, 6, 7, 8, 9]
    assert len(telling(inputs)) == SAMPLES
    assert torch.equal(telling(inputs[:3]), inputs[:3])
    assert telling(torch.arange(20)).shape == (SAMPLES,)


class ByHand(nn.Module):
    """Normalises by the statistics of the batch, as layers without a name may."""

    def forward(self, images):
        return (images - images.mean(0)) / (images.std(0, correction=0) + 0.1)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("layer", [nn.Conv2d(1, 2, 3), nn.Conv1d(36, 32, 1)], ids=["2d", "1d"])
def test_normalisation_by_hand_is_refused_by_every_estimator(layer, estimator, data):
    shape = (1, 6, 6) if isinstance(layer, nn.Conv2d) else (36, 1)
    body = nn.Sequential(nn.Flatten(), nn.Unflatten(1, shape), ByHand(), layer, nn.Flatten())
    with pytest.raises(TicError, match="samples of a batch depend on each other"):
        fisher_information(measurable(lambda: OverTime(body, 32)), [data], estimator)


def test_a_batch_first_network_is_recognised_where_there_are_as_many_timesteps(data):
    class BatchFirst(OverTime):
        def forward(self, images):
            return super().forward(images).transpose(0, 1)

    model = measurable(lambda: BatchFirst(nn.Flatten(), 36, timesteps=5))
    with pytest.raises(TicError, match=r"got \(5, 5, 4\) with the batch first.*transpose\(0, 1\)"):
        fisher_information(model, [data])
    model.timesteps = 3
    with pytest.raises(TicError, match=r"shape \(5, 3, 4\); that looks like \(B, T, K\)"):
        fisher_information(model, [data])


def test_a_network_that_fails_on_what_it_kept_says_how_to_reset_it(data):
    class Kept(OverTime):
        membrane = 0.0

        def forward(self, images):
            logits = super().forward(images) + self.membrane
            self.membrane = logits.detach()
            return logits

    model = measurable(lambda: Kept(nn.Flatten(), 36))
    model(data[0][:4])
    with pytest.raises(TicError, match=r"fails on inputs of shape \(5, .*begin by resetting it"):
        fisher_information(model, [data])


@pytest.mark.parametrize("name", ["tiny", "tiny-resnet34", "tiny-alexnet", "tiny-vgg16"])
def test_networks_of_this_project_behave_so_that_they_need_not_be_tried(name):
    network = measurable(lambda: build(name, in_channels=1, num_classes=K, timesteps=3))
    inputs = torch.rand(4, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def ask(some):
        logits = network(some)
        norms = [
            sum(squares(network, (logits[:, n] * torch.arange(K)).sum()).values())
            for n in range(len(some))
        ]
        return Answer(logits.detach(), torch.tensor([norms], dtype=torch.float64))

    awaken(network, channels=1)
    found = conduct(ask, inputs)
    assert (found.is_random, found.reacts) == (False, True)
    assert answers_alone(ask, inputs)


class Rate(nn.Module):
    """Bernoulli rate coding, in evaluation mode too; `shift` adds to all logits alike."""

    def __init__(self, shift=0.0):
        super().__init__()
        self.first, self.second = nn.Linear(36, 12), nn.Linear(12, K)
        self.shift = shift

    def forward(self, images):
        spikes = [(torch.rand_like(images) < images).to(images.dtype) for _ in range(3)]
        hidden = torch.relu(self.first(torch.stack(spikes).flatten(2)))
        return self.second(hidden) + self.shift * hidden.sum(-1, keepdim=True)


def of_one_draw(model, images, seed, probabilities):
    """Σ_k p_k‖∇ log p_k‖² of every image and prefix, from one forward and a backward per class."""
    torch.manual_seed(seed)
    logits = model(images)
    rows = []
    for n in range(len(images)):
        row = []
        for t in range(len(logits)):
            logs = logits[: t + 1, n].mean(0).log_softmax(0)
            terms = [
                p * sum(squares_kept(model, -log).values())
                for p, log in zip(probabilities(logs, n), logs, strict=True)
            ]
            row.append(sum(terms))
        rows.append(row)
    return rows


def squares_kept(model, loss):
    found = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    return {n: float(g.square().sum()) for n, g in enumerate(found)}


@pytest.mark.parametrize("shift", [0.0, 30.0])
def test_a_random_network_has_one_draw_for_all_classes(shift, data):
    images, labels = data
    model = measurable(lambda: Rate(shift))

    def expectation(logs, _):
        return logs.detach().exp().tolist()

    def at_the_label(logs, n):
        return [float(k == labels[n]) for k in range(K)]

    for estimator, weighting in (("exact", expectation), ("empirical", at_the_label)):
        expected = of_one_draw(model, images, 3, weighting)
        torch.manual_seed(3)
        found = fisher_information(model, [data], estimator).per_sample
        np.testing.assert_allclose(found, expected, rtol=1e-8)
        torch.manual_seed(3)
        kernel = tangent_kernel(model, [data]).information[estimator].per_sample
        np.testing.assert_allclose(kernel, expected, rtol=1e-8)


def test_what_adds_to_all_logits_alike_does_not_matter_in_single_precision(data):
    images, labels = data[0].float(), data[1]
    traces = []
    for shift in (0.0, 3000.0):
        model = measurable(lambda shift=shift: Rate(shift)).float()
        torch.manual_seed(0)
        traces.append(fisher_information(model, [(images, labels)], "exact").trace)
    # the shift changes what the first layer gets by rounding alone
    np.testing.assert_allclose(traces[1], traces[0], rtol=1e-2)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_autocast_in_the_forward_is_served(estimator, data, caplog):
    class Amp(OverTime):
        def forward(self, images):
            with torch.autocast("cpu", torch.bfloat16):
                return super().forward(images)

    model = measurable(lambda: Amp(nn.Conv2d(1, 2, 3), 32)).float()
    batch = data[0].float(), data[1]
    full = measurable(lambda: OverTime(nn.Conv2d(1, 2, 3), 32)).float()
    found = fisher_information(model, [batch], estimator).trace
    np.testing.assert_allclose(found, fisher_information(full, [batch], estimator).trace, rtol=0.05)
    assert not caplog.messages


def test_a_confident_answer_keeps_its_tiny_information_in_single_precision(data):
    images, labels = data
    model = measurable(lambda: OverTime(nn.Flatten(), 36, timesteps=2))
    with torch.no_grad():
        model.readout.weight *= 0.01
        model.readout.bias.copy_(torch.tensor([60.0, 0.0, 0.0, 0.0]))
    labels = torch.zeros_like(labels)
    double = fisher_information(model, [(images, labels)])
    assert 0 < double.trace.max() < 1e-48
    single = fisher_information(model.float(), [(images.float(), labels)])
    np.testing.assert_allclose(single.trace, double.trace, rtol=1e-4)
    np.testing.assert_allclose(
        double.trace, sum(empirical_of_confidence(model.double(), images)), rtol=1e-9
    )


def empirical_of_confidence(model, images):
    """‖∇ log p(0|x)‖² through log(1 + Σ_{k>0} e^{z_k - z_0}), which rounds nothing away."""
    total = []
    for t in range(2):
        norms = []
        for image in images:
            logits = model(image[None])[: t + 1].mean(0)[0]
            loss = torch.log1p((logits[1:] - logits[0]).exp().sum())
            norms.append(sum(squares(model, loss).values()))
        total.append(np.eye(2)[t] * np.mean(norms))
    return total


def test_measuring_works_inside_inference_mode(data):
    model = measurable(lambda: OverTime(nn.Conv2d(1, 2, 3), 32))
    expected = sum(empirical(model, *data).values())
    with torch.inference_mode():
        images = data[0].clone()
        found = fisher_information(model, [(images, data[1])])
    np.testing.assert_allclose(found.trace, expected, rtol=1e-9)


@pytest.mark.parametrize("shape", [(5, 36), (5, 3, 12), (5, 3, 1, 4, 3)])
def test_inputs_of_any_shape_are_measured(shape, data):
    class Sequence(nn.Module):
        """Reads features, sequences (B, T, F) or event frames (B, T, C, H, W)."""

        def __init__(self):
            super().__init__()
            self.readout = nn.Linear(36 if len(shape) == 2 else 12, K)

        def forward(self, inputs):
            if inputs.dim() == 2:
                return self.readout(torch.stack([inputs, 2 * inputs]))
            return torch.tanh(self.readout(inputs.flatten(2).transpose(0, 1)))

    model = measurable(Sequence)
    inputs = data[0].reshape(shape)
    for estimator in ESTIMATORS[:3]:
        assert fisher_information(model, [(inputs, data[1])], estimator).samples == 5
    expected = empirical(model, inputs, data[1])
    found = fisher_information(model, [(inputs, data[1])]).by_layer
    for name, trace in expected.items():
        np.testing.assert_allclose(found[name], trace, rtol=1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_answer_that_follows_from_the_size_of_the_batch_is_refused(estimator, data):
    class Shared(nn.Module):
        def forward(self, images):
            return images / len(images)

    model = measurable(lambda: OverTime(nn.Sequential(Shared(), nn.Conv2d(1, 2, 3)), 32))
    with pytest.raises(TicError, match="depends on how many are in its batch"):
        fisher_information(model, [data], estimator)


def test_a_network_of_one_size_of_batch_is_measured_at_that_size(data):
    class Fixed(OverTime):
        def at(self, images):
            return self.readout(torch.tanh(images.reshape(5, 36)))

    model = measurable(lambda: Fixed(nn.Identity(), 36))
    free = measurable(lambda: OverTime(nn.Flatten(), 36))
    free.load_state_dict(model.state_dict())
    for estimator in ESTIMATORS:
        np.testing.assert_allclose(
            fisher_information(model, [data], estimator).trace,
            fisher_information(free, [data], estimator).trace,
            rtol=1e-9,
        )


def test_gradients_that_are_clipped_on_their_way_back_are_refused(data):
    class Clipped(nn.Module):
        def forward(self, images):
            if images.requires_grad:
                images.register_hook(lambda gradient: gradient.clamp(-1e-3, 1e-3))
            return images

    model = measurable(lambda: OverTime(nn.Sequential(nn.Conv2d(1, 2, 3), Clipped()), 32))
    for estimator in ESTIMATORS:
        with pytest.raises(TicError, match="gradients must be proportional to the loss"):
            fisher_information(model, [data], estimator)


def test_what_autograd_cannot_do_is_told_in_a_sentence(data):
    class Cut(OverTime):
        def forward(self, images):
            return super().forward(images).detach()

    class Overwritten(OverTime):
        def at(self, images):
            return self.readout(self.body(images).sigmoid().mul_(2).flatten(1))

    class Broken(OverTime):
        def at(self, images):
            raise KeyError("no such layer")

    for make, message in (
        (Cut, "the logits must depend on a parameter that requires a gradient"),
        (Overwritten, "cannot be differentiated: .*modified by an inplace operation"),
        (Broken, r"model fails on .*KeyError: 'no such layer' \(\w+/test_\w+\.py, line \d+\)"),
    ):
        with pytest.raises(TicError, match=message):
            fisher_information(measurable(lambda make=make: make(nn.Conv2d(1, 2, 3), 32)), [data])


def test_sequences_must_be_of_one_length(data):
    class AsLong(nn.Module):
        def __init__(self):
            super().__init__()
            self.readout = nn.Linear(6, K)

        def forward(self, inputs):
            return self.readout(inputs.transpose(0, 1))

    rows, labels = data[0][:, 0], data[1]
    model = measurable(AsLong)
    for first, second in ((rows, rows[:, :4]), (rows[:, :4], rows)):
        batches = [(first, labels), (second, labels)]
        for estimator in ESTIMATORS:
            with pytest.raises(TicError, match=UNLIKE):
                fisher_information(model, batches, estimator)
        with pytest.raises(TicError, match=UNLIKE):
            tangent_kernel(model, batches)


def test_calls_inside_autocast_are_served(data):
    model = measurable(lambda: OverTime(nn.Conv2d(1, 2, 3), 32)).float()
    batch = data[0].float(), data[1]
    expected = fisher_information(model, [batch]).trace
    with torch.autocast("cpu", torch.bfloat16):
        found = fisher_information(model, [batch]).trace
    np.testing.assert_allclose(found, expected, rtol=0.05)


def test_what_is_no_network_or_generator_is_refused(data, simple):
    with pytest.raises(TicError, match=r"the model must be a torch\.nn\.Module"):
        fisher_information(lambda images: simple(images), [data])
    with pytest.raises(TicError, match=r"generator must be a torch\.Generator, got"):
        fisher_information(simple, [data], "sampled", generator=3)
    with pytest.raises(TicError, match="meta device"):
        fisher_information(OverTime(nn.Flatten(), 36).to("meta"), [data])
