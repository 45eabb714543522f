"""Networks of other libraries as they are: called, reset, copied, kept and trained."""

import copy
import json
import warnings
from dataclasses import dataclass

import pytest
import torch
from spikingjelly.activation_based import base, functional, layer, neuron, surrogate
from torch import nn

import tic
from tic.attacks.readout import MeanReadout
from tic.data import Digits
from tic.errors import TicError
from tic.lab import Lab
from tic.models import Adapted, Architecture
from tic.models.capabilities import Repeating, run_for, timesteps_of
from tic.models.copying import double_copy
from tic.models.logits import logits_of
from tic.recipe import Recipe
from tic.run import HISTORY, MANIFEST
from tic.train import train

with warnings.catch_warnings():
    # Raised inside snnTorch and Norse themselves on import.
    warnings.simplefilter("ignore")
    import norse.torch as norse
    import snntorch

T, B, K = 3, 4, 2


def jelly(step_mode="m", features=6, classes=K):
    network = nn.Sequential(
        layer.Flatten(), layer.Linear(features, 8), layer.BatchNorm1d(8),
        neuron.ParametricLIFNode(store_v_seq=True), layer.Linear(8, classes),
    )  # fmt: skip
    nn.init.constant_(network[2].bias, 1.5)  # enough to fire from the second timestep on
    functional.set_step_mode(network, step_mode)
    return network


def snn(cell=snntorch.Leaky, features=6, classes=K, **options):
    options = {"beta": 0.8, "threshold": 0.3, "init_hidden": True, **options}
    return nn.Sequential(
        nn.Flatten(), nn.Linear(features, 8), cell(**options), nn.Linear(8, classes),
        snntorch.Leaky(beta=0.8, threshold=0.3, init_hidden=True, output=True),
    )  # fmt: skip


def cells(features=6, classes=K):
    return norse.SequentialState(
        nn.Flatten(), nn.Linear(features, 8), norse.LIFBoxCell(), nn.Linear(8, classes),
        norse.LICell(),
    )  # fmt: skip


NETWORKS = {
    "SpikingJelly m": jelly,
    "SpikingJelly s": lambda **sizes: jelly("s", **sizes),
    "snnTorch Leaky": snn,
    "snnTorch RLeaky": lambda **sizes: snn(snntorch.RLeaky, linear_features=8, **sizes),
    "snnTorch RSynaptic": lambda **sizes: snn(
        snntorch.RSynaptic, alpha=0.7, linear_features=8, **sizes
    ),
    "Norse cells": cells,
    "Norse lifted": lambda **sizes: norse.Lift(cells(**sizes)),
}
every_network = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)


class Hidden(nn.Module):
    """An SLSTM, which keeps its spikes where neither copies nor checkpoints expect a graph."""

    def __init__(self):
        super().__init__()
        self.cell = snntorch.SLSTM(6, 6, init_hidden=True, threshold=0.01)

    def forward(self, inputs):
        return self.cell(inputs)


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def inputs_of(dtype=torch.float32):
    return 5 * torch.rand(B, 6, dtype=dtype)


# State


@every_network
def test_a_call_leaves_nothing_to_the_next_one(make):
    network, inputs = Adapted(make(), T).eval(), inputs_of()
    logits = network(inputs)
    assert logits.shape == (T, B, K)
    assert not torch.equal(logits[0], logits[-1])  # it has state within a call
    network(7 * inputs)
    assert torch.equal(network(inputs), logits)
    assert torch.equal(network(inputs[:1]), Adapted(network.network, T)(inputs[:1]))


@every_network
def test_state_from_before_it_was_adapted_or_from_outside_is_forgotten(make):
    body, inputs = make(), inputs_of()
    expected = Adapted(copy.deepcopy(body), T).eval()(inputs)
    network = Adapted(body, T).eval()
    network.network(inputs if network.takes == "B" else inputs.expand(T, *inputs.shape))
    assert torch.equal(network(inputs), expected)


@every_network
def test_an_earlier_call_can_be_differentiated_after_a_later_one(make):
    network, inputs = Adapted(make(), T).eval(), inputs_of()
    weights = list(network.parameters())
    (alone,) = [torch.autograd.grad(network(inputs).sum(), weights, allow_unused=True)]
    first = network(inputs).sum()
    network(inputs)
    for one, other in zip(
        alone, torch.autograd.grad(first, weights, allow_unused=True), strict=True
    ):
        assert (one is None and other is None) or torch.equal(one, other)


def test_a_memory_with_a_tensor_at_rest_is_not_written_into_while_a_graph_needs_it():
    class Gain(base.MemoryModule):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(2.0))
            self.register_memory("gain", torch.ones(()))

        def single_step_forward(self, x):
            self.gain = self.gain * self.scale
            return x * self.gain

    network, inputs = Adapted(Gain(), T), inputs_of().requires_grad_()
    network(inputs).sum().backward()
    logits = network(inputs)
    network(inputs)
    network.network.scale.grad = None
    logits.sum().backward()
    assert torch.equal(logits, torch.stack([inputs * 2**t for t in (1, 2, 3)]))
    assert network.network.scale.grad == pytest.approx(inputs.sum().item() * (1 + 4 + 12))


@pytest.mark.parametrize("make", [*NETWORKS.values(), Hidden], ids=[*NETWORKS, "snnTorch SLSTM"])
def test_it_is_copied_after_a_call_and_also_in_double_precision(make):
    takes = {"takes": "B"} if make is Hidden else {}
    network, inputs = Adapted(make(), T, **takes).eval(), inputs_of()
    logits = network(inputs)
    assert torch.equal(copy.deepcopy(network)(inputs), logits)
    double = double_copy(network)(inputs.double())
    assert double.dtype is torch.float64
    torch.testing.assert_close(double.float(), logits)


@every_network
def test_weights_are_kept_and_loaded_whatever_was_called_before(make):
    network, inputs = Adapted(make(), T).eval(), inputs_of()
    names = list(network.state_dict())
    logits = network(inputs)
    kept = network.state_dict()
    assert list(kept) == names
    other = Adapted(make(), T).eval()
    other(inputs[:2])
    other.load_state_dict(kept)
    assert torch.equal(other(inputs), logits)


def test_the_number_is_that_of_a_loop_that_hands_every_state_on():
    cell = snntorch.RSynaptic(alpha=0.7, beta=0.8, linear_features=6, threshold=0.3)
    inputs = inputs_of()
    states, expected = [torch.zeros(B, 6)] * 3, []
    for _ in range(T):
        states = list(cell(inputs, *states))
        expected.append(states[0])
    network = Adapted(nn.Sequential(cell), T)
    assert torch.equal(network(inputs), torch.stack(expected))
    assert torch.equal(Adapted(nn.Sequential(cell), T, output=2)(inputs)[-1], states[2])


# State of somebody else's


class Leak(nn.Module):
    """A neuron of no library: where it keeps its membrane is a test's."""

    def __init__(self, keep):
        super().__init__()
        self.keep, self.membrane, self.states = keep, None, {"list": [torch.zeros(1)]}
        self.register_buffer("buffer", torch.zeros(6))

    def forward(self, inputs):
        self.keep(self, inputs)
        return inputs


def in_an_attribute(neuron, inputs):
    neuron.membrane = inputs if neuron.membrane is None else neuron.membrane + inputs


def in_a_container(neuron, inputs):
    neuron.states["list"][0] = neuron.states["list"][0] + inputs


def in_place(neuron, inputs):
    neuron.states["list"][0] += 1


def in_a_buffer(neuron, inputs):
    neuron.buffer = 0.5 * neuron.buffer + inputs.mean(0)


@pytest.mark.parametrize(
    ("keep", "attribute"),
    [
        (in_an_attribute, "membrane"),
        (in_a_container, r"states\['list'\]\[0\]"),
        (in_place, r"states\['list'\]\[0\]"),
        (in_a_buffer, "buffer"),
    ],
)
def test_a_module_of_no_library_that_keeps_state_is_refused(keep, attribute):
    network = Adapted(nn.Sequential(Leak(keep), *jelly("s")), T).eval()
    for _ in range(2):
        with pytest.raises(TicError, match=rf"0 \(Leak\) keeps state .*{attribute}.*MemoryModule"):
            network(inputs_of())


def test_a_neuron_derived_from_one_of_a_library_is_reset_but_what_it_hides_is_refused():
    class Traced(neuron.LIFNode):
        def single_step_forward(self, x):
            self.trace = x
            return super().single_step_forward(x)

    with pytest.raises(TicError, match=r"\(Traced\) keeps state .* attribute 'trace'"):
        Adapted(nn.Sequential(Traced()), T)(inputs_of())


def test_statistics_that_change_while_training_and_constants_are_no_state():
    def keep(module, inputs):
        if module.training:
            module.buffer = 0.5 * module.buffer + inputs.mean(0)

    network = Adapted(nn.Sequential(Leak(keep), *jelly("s")), T)
    assert network(inputs_of()).shape == (T, B, K)
    assert network.eval()(inputs_of()).shape == (T, B, K)


# What a network takes and gives


class Recorded(nn.Module):
    """The usual loop of snnTorch: (spk_rec, mem_rec), with its axes in any order."""

    def __init__(self, timesteps, takes, gives):
        super().__init__()
        self.timesteps, self.takes, self.gives = timesteps, takes, gives
        self.cell = snntorch.Leaky(beta=0.8, threshold=0.3)

    def forward(self, inputs):
        membrane = self.cell.reset_mem()
        records = []
        for t in range(self.timesteps):
            step = {"B": inputs, "TB": inputs[t % len(inputs)], "BT": inputs[:, t % 2]}[self.takes]
            records.append(self.cell(step, membrane))
            membrane = records[-1][1]
        axis = {"TB": 0, "BT": 1}[self.gives]
        return tuple(torch.stack(record, axis) for record in zip(*records, strict=True))


@pytest.mark.parametrize("gives", ["TB", "BT"])
@pytest.mark.parametrize("takes", ["B", "TB", "BT"])
@pytest.mark.parametrize("output", [0, 1])
def test_what_is_taken_and_given_is_laid_out_as_it_must_be(takes, gives, output):
    # As many samples as timesteps, so that shapes do not tell.
    inputs, cell = torch.rand(T, K), snntorch.Leaky(beta=0.8, threshold=0.3)
    expected = Adapted(nn.Sequential(cell), T, output=output)(inputs)
    body = Recorded(T, takes, gives)
    network = Adapted(body, T, takes=takes, gives=gives, output=output)
    assert torch.equal(network(inputs), expected)


def test_sequences_are_shown_step_by_step_with_time_in_their_second_axis():
    sequences = torch.rand(B, T, 6)
    membranes = Adapted(nn.Sequential(snntorch.Leaky(beta=1.0, reset_mechanism="none")), T,
                        sequences=True, output=1)  # fmt: skip
    torch.testing.assert_close(membranes(sequences), sequences.cumsum(1).transpose(0, 1))
    for make in NETWORKS.values():
        network = Adapted(make(), T, sequences=True).eval()
        one = network(sequences)[:, :1]
        torch.testing.assert_close(network(sequences[:1]), one)
        static = Adapted(network.network, T).eval()(sequences[:, 0])
        torch.testing.assert_close(
            network(sequences[:, :1].expand(-1, T, -1)), static, rtol=1e-4, atol=1e-5
        )


class InPlace(nn.Module):
    """Halves what it takes where that lies."""

    def forward(self, inputs):
        return inputs.mul_(0.5)


@pytest.mark.parametrize("takes", ["B", "TB", "BT"])
def test_what_works_in_place_sees_the_same_sample_at_every_timestep(takes):
    logits = Adapted(InPlace(), T, takes=takes)(torch.ones(B, K))
    assert torch.equal(logits, torch.full((T, B, K), 0.5))


def test_what_takes_whole_sequences_or_their_timesteps_is_asked_of_the_libraries():
    known = {
        "TB": [jelly("m"), norse.Lift(cells()), norse.SequentialState(norse.LIF(), norse.LI())],
        "B": [jelly("s"), snn(), cells(), norse.LIFCell(), neuron.LIFNode()],
    }
    for axes, networks in known.items():
        for network in networks:
            adapted = Adapted(network, T)
            assert (adapted.takes, adapted.gives) == (axes, axes)


@pytest.mark.parametrize(
    "network",
    [
        Recorded(T, "B", "TB"),
        nn.Sequential(jelly("m"), jelly("s")),
        nn.Sequential(nn.Linear(6, K)),
        nn.ModuleList([norse.LIFCell()]),
    ],
)
def test_a_network_that_does_not_tell_what_it_takes_is_refused(network):
    with pytest.raises(TicError, match=r'it is not known what .* takes: .*say takes="B"'):
        Adapted(network, T)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"takes": "TB", "gives": "B"}, "must give a read-out of every timestep"),
        ({"takes": "B", "gives": "TB", "sequences": True}, "cannot be given sequences"),
        ({"takes": "T"}, "unknown value of takes 'T'; known: B, TB, BT"),
        ({"gives": "T"}, "unknown value of gives 'T'"),
        ({"output": -1}, "output must be"),
        ({"timesteps": 0}, "timesteps must be"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(options, message):
    with pytest.raises(TicError, match=message):
        Adapted(snn(), **{"timesteps": T, **options})


def test_what_is_not_given_as_said_is_refused_with_the_way_out():
    inputs = inputs_of()
    with pytest.raises(TicError, match=r"T=3 and B=4, got \(4, 3, 6\) when"):
        Adapted(Recorded(T, "B", "BT"), T, takes="B", gives="TB")(inputs)
    with pytest.raises(TicError, match=r"output 4 they are, got a tuple of 2: .* say which"):
        Adapted(snn(), T, output=4)(inputs)
    with pytest.raises(TicError, match=r"output 1 they are, got a tuple of 2: .*list"):
        Adapted(cells(), T, output=1)(inputs)
    with pytest.raises(TicError, match=r"\(B, T, …\) with T=3, .*got \(4, 6\)"):
        Adapted(snn(), T, sequences=True)(inputs)

    class Stateless(nn.Module):
        def forward(self, inputs, state=None):
            return inputs

    with pytest.raises(TicError, match="takes a state, so it must return a tuple"):
        Adapted(Stateless(), T, takes="B")(inputs)


# What the core asks of a network


@every_network
def test_it_can_be_run_for_another_number_of_timesteps(make):
    network, inputs = Adapted(make(), T).eval(), inputs_of()
    logits = network(inputs)
    run_for(network, T + 1)
    assert timesteps_of(network) == T + 1
    torch.testing.assert_close(network(inputs)[:T], logits)


def test_layers_that_run_again_are_named_where_that_is_known():
    network = Adapted(jelly(), T)
    assert isinstance(network, Repeating)
    assert network.repeated_weights() == ("network.1", "network.4")
    others = nn.Sequential(nn.Conv1d(1, 1, 1), nn.ConvTranspose3d(1, 1, 1), nn.ReLU())
    assert Adapted(others, T, takes="B").repeated_weights() == ("network.0", "network.1")
    with pytest.raises(TicError, match="Recorded runs over time by itself"):
        Adapted(Recorded(T, "B", "TB"), T, takes="B", gives="TB").repeated_weights()


@every_network
def test_an_attack_has_a_gradient_at_its_input(make):
    network = Adapted(make(), T).eval()
    inputs = inputs_of().requires_grad_()
    MeanReadout(network, torch.tensor([0, K - 1]))(inputs).square().sum().backward()
    assert inputs.grad.abs().sum() > 0


# Training


@dataclass(frozen=True)
class Foreign(Architecture):
    library: str = "SpikingJelly m"

    def build(self, facts, timesteps):
        pixels = torch.Size(facts.shape).numel()
        body = NETWORKS[self.library](features=pixels, classes=facts.num_classes)
        return Adapted(body, timesteps)


class InterruptionError(Exception):
    """Ends a training after an epoch."""


def contents(run):
    files = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    history, manifest = (json.loads(files.pop(name)) for name in (HISTORY, MANIFEST))
    del history["seconds"], manifest[HISTORY]
    return files, history, manifest


@pytest.mark.parametrize("library", NETWORKS)
def test_it_is_trained_and_an_interrupted_training_goes_on_with_the_same_bits(tmp_path, library):
    recipe = Recipe(
        dataset=Digits(), architecture=Foreign(library), timesteps=2, epochs=2, train_size=60,
        batch_size=25,
    )  # fmt: skip
    undisturbed = train(recipe, Lab(tmp_path / "one"))
    assert undisturbed.diverged is None
    lab = Lab(tmp_path / "other")

    def interrupt(epoch):
        raise InterruptionError

    with pytest.raises(InterruptionError):
        train(recipe, lab, interrupt)
    assert contents(train(recipe, lab)) == contents(undisturbed)
    begun, trained = (net.state_dict() for net in (lab.fresh_network(recipe), lab.network(recipe)))
    assert all(
        not torch.equal(begun[name], trained[name]) for name in begun if name.endswith("weight")
    )


@pytest.mark.parametrize(
    ("name", "library"),
    [("SpikingJelly m", "SpikingJelly"), ("SpikingJelly s", "SpikingJelly")],
)
def test_whoever_measures_one_as_it_is_is_told_to_wrap_it(name, library):
    network = NETWORKS[name](features=6).eval()
    with pytest.raises(TicError, match=rf"neurons of {library}: measure tic.models.Adapted\("):
        logits_of(network, torch.rand(B, 1, 6))


def test_one_of_snntorch_too():
    network = snntorch.Leaky(beta=0.8, init_hidden=True)
    with pytest.raises(TicError, match=r"neurons of snnTorch: measure tic.models.Adapted\("):
        logits_of(network, torch.rand(B, 6))


def test_a_network_that_only_borrows_a_surrogate_is_told_of_its_shape():
    network = nn.Sequential(nn.Flatten(), surrogate.ATan(), nn.Linear(6, K))
    with pytest.raises(TicError, match=r"that looks like \(B, K\)"):
        logits_of(network, torch.rand(B, 6))


def test_a_network_of_a_library_that_takes_something_else_is_told_to_be_adapted():
    with pytest.raises(TicError, match=r"neurons of SpikingJelly: measure tic.models.Adapted\("):
        tic.fisher_information(jelly("m"), [(torch.rand(B, 5), torch.zeros(B, dtype=torch.long))])


def test_one_that_gives_the_batch_outermost_is_told_to_transpose():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = Adapted(jelly("m"), T)

        def forward(self, inputs):
            return self.network(inputs).transpose(0, 1)

    with pytest.raises(
        TicError, match=r"runs over time by itself, return logits.transpose\(0, 1\)"
    ):
        tic.fisher_information(Turned(), [(inputs_of(), torch.zeros(B, dtype=torch.long))])
