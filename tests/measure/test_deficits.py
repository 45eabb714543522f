import pytest
import torch
from torch import nn

from claims.kim2023.deficits import deficit_accuracies
from tic.attacks import Blur, GaussianNoise
from tic.errors import TicError
from tic.measure.robustness import accuracy
from tic.models import SpikingNetwork


class Glance(SpikingNetwork):
    """Says class 1 when the frame of one timestep is bright and 0 when it is dark."""

    def __init__(self, timesteps, looks_at):
        super().__init__(timesteps, mean=(0.0,), std=(1.0,))
        self.looks_at = looks_at
        self.seen = []

    def encode(self, images):
        return images.mean((1, 2, 3)) - 0.5

    def advance(self, currents):
        self.seen.append((self.training, torch.is_grad_enabled()))
        attention = torch.zeros(self.timesteps)
        attention[self.looks_at - 1] = 1
        bright = attention.view(-1, 1) * currents
        return torch.stack([-bright, bright], 2)


def grey(*values):
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).clone()


def inverted(network, images, labels, batch):
    return 1 - images


LOADER = [
    (grey(0.1, 0.9, 0.8), torch.tensor([0, 1, 0])),
    (grey(0.2), torch.tensor([0])),
]


def by_hand(network, loader, noise, width):
    """Accuracy per window, one frame and one image at a time."""
    result = []
    for first in range(1, network.timesteps - width + 2):
        right = []
        for number, (images, labels) in enumerate(loader):
            noisy = noise(network, images, labels, number)
            for n in range(len(images)):
                frames = [images[[n]] for _ in range(network.timesteps)]
                for t in range(first, first + width):
                    frames[t - 1] = noisy[[n]]
                answer = network.watch(torch.stack(frames)).mean(0).argmax(1)
                right.append(answer.item() == labels[n].item())
        result.append(100 * sum(right) / len(right))
    return result


@pytest.fixture
def answers(tiny):
    """Two batches of images whose labels are the network's differing answers, but for one."""
    draws = torch.Generator().manual_seed(3)
    images = torch.rand(16, 1, 8, 8, dtype=torch.float64, generator=draws)
    with torch.no_grad():  # without a favourite class, the noise changes answers
        tiny.classifier.bias -= tiny(images).mean((0, 1))
    labels = tiny(images).mean(0).argmax(1)
    assert len(set(labels.tolist())) > 2
    labels[0] = (labels[0] + 1) % 10
    return list(zip(images.split([10, 6]), labels.split([10, 6]), strict=True))


@pytest.mark.parametrize("width", [1, 3, 5])
def test_accuracies_are_those_of_frames_put_together_by_hand(tiny, answers, width):
    noise = GaussianNoise(share=0.5)
    measured = deficit_accuracies(tiny, answers, noise, width)
    assert measured == pytest.approx(by_hand(tiny, answers, noise, width))
    assert min(measured) < accuracy(tiny, answers) == pytest.approx(1500 / 16)
    assert width == 5 or len(set(measured)) > 1


@pytest.mark.parametrize(
    ("looks_at", "width", "accuracies"),
    [
        # three of four are right on clean images, and the fourth on inverted ones
        (1, 1, [25, 75, 75, 75]),
        (1, 3, [25, 75]),
        (3, 1, [75, 75, 25, 75]),
        (3, 2, [75, 25, 25]),
        (4, 3, [75, 25]),
        (2, 4, [25]),
    ],
)
def test_only_windows_that_hold_the_timestep_looked_at_hurt(looks_at, width, accuracies):
    network = Glance(4, looks_at)
    assert deficit_accuracies(network, LOADER, inverted, width) == accuracies


def test_noise_of_no_norm_leaves_the_clean_accuracy(tiny, answers):
    clean = accuracy(tiny, answers)
    assert deficit_accuracies(tiny, answers, GaussianNoise(share=0.0), 2) == [clean] * 4


def test_a_window_of_all_timesteps_is_the_accuracy_on_corrupted_images(tiny, answers):
    noise = GaussianNoise(share=0.5)
    assert deficit_accuracies(tiny, answers, noise, 5) == [accuracy(tiny, answers, noise)]


def test_every_batch_is_corrupted_once_with_its_number():
    calls = []

    def noise(network, images, labels, batch):
        calls.append((network, images.shape, labels.tolist(), batch))
        return images

    network = Glance(4, 1)
    assert deficit_accuracies(network, LOADER, noise, 2) == [75, 75, 75]
    assert calls == [(network, (3, 1, 2, 2), [0, 1, 0], 0), (network, (1, 1, 2, 2), [0], 1)]


def test_the_loader_may_be_a_generator():
    assert deficit_accuracies(Glance(2, 1), (each for each in LOADER), inverted, 1) == [25, 75]


@pytest.mark.parametrize("width", [0, -1, 5])
def test_a_window_outside_the_sequence_is_refused(width):
    message = rf"width must be in \[1, 4\], the timesteps of the network, got {width}"
    with pytest.raises(TicError, match=message):
        deficit_accuracies(Glance(4, 1), LOADER, inverted, width)


def test_an_empty_loader_is_refused():
    with pytest.raises(TicError, match="the loader must give at least one batch, got none"):
        deficit_accuracies(Glance(4, 1), [], inverted, 1)


def test_the_network_is_measured_in_evaluation_mode_without_a_graph():
    network = Glance(3, 1).train()
    deficit_accuracies(network, LOADER, inverted, 1)
    assert network.seen == [(False, False)] * 6  # three windows of two batches
    assert network.training


@pytest.mark.parametrize("noise", [GaussianNoise(), Blur()])
def test_the_network_is_left_as_it_was_found(tiny, batch, noise):
    tiny.train()
    tiny.blocks[0].eval()
    modes = [module.training for module in tiny.modules()]
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    deficit_accuracies(tiny, [batch], noise, 3)
    assert [module.training for module in tiny.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in tiny.state_dict().items())
    assert all(parameter.grad is None for parameter in tiny.parameters())


def test_a_network_that_cannot_watch_a_sequence_of_images_is_refused():
    with pytest.raises(TicError, match=r"deficits need a network that can watch .* got Flatten"):
        deficit_accuracies(nn.Flatten(), LOADER, inverted, 1)


def test_the_modes_return_when_the_corruption_fails():
    def fail(*_):
        raise RuntimeError("broken")

    network = Glance(2, 1).train()
    with pytest.raises(RuntimeError, match="broken"):
        deficit_accuracies(network, LOADER, fail, 1)
    assert network.training
