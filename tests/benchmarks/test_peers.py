"""Peers compute what they say: the same network and the same numbers as ours."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import tic
from benchmarks import delays, rates, similarity
from benchmarks.cases import CLASSES, resnet19, tiny
from benchmarks.harness import NotMeasuredError
from benchmarks.peers import functorch, monitored, release, topology
from benchmarks.peers.alignment import features, gram_matrices, pairwise
from benchmarks.peers.dilated import Dilated
from benchmarks.peers.floors import Rectified, truncated_backwards
from benchmarks.peers.jelly import MultiStep, SingleStep
from benchmarks.peers.norse_net import Norse
from benchmarks.peers.snn_torch import SnnTorch
from benchmarks.training import net_of
from tic.losses import mean_loss
from tic.measure.firing import firing

CASE = replace(tiny(3), side=12)
BATCH = 4
ALIKE = (SingleStep, MultiStep)
EVERY = (*ALIKE, SnnTorch, Norse, Rectified)


def images(batch=BATCH):
    drawn, labels = CASE.batch(batch)
    return drawn.double(), labels


def normalised(network):
    """Give batch normalisation statistics with which every layer spikes in evaluation mode too."""
    torch.manual_seed(2)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.01, 0.1)
            nn.init.uniform_(module.weight, 0.5, 2)
    return network


def ours():
    return normalised(CASE.build().double())


def peer(net):
    found = net_of(net, CASE).double()
    found.load_state_dict(ours().state_dict())
    return found


def available(net, case):
    try:
        return net_of(net, case)
    except NotMeasuredError as missing:
        pytest.skip(str(missing))


def gradients(network):
    network.zero_grad()
    drawn, labels = images()
    mean_loss(network(drawn), labels).backward()
    return {name: weight.grad for name, weight in network.named_parameters()}


@pytest.mark.parametrize(
    ("net", "training"), [(SingleStep, False), (MultiStep, False), (MultiStep, True)]
)
def test_networks_of_spikingjelly_have_our_logits(net, training):
    drawn, _ = images()
    expected = ours().train(training)(drawn)
    assert not torch.equal(expected[0], expected[-1])  # spikes reach the read-out
    torch.testing.assert_close(peer(net).train(training)(drawn), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("net", "training"), [(SingleStep, False), (MultiStep, False), (MultiStep, True)]
)
def test_networks_of_spikingjelly_have_our_gradients(net, training):
    expected = gradients(ours().train(training))
    found = gradients(peer(net).train(training))
    assert list(found) == list(expected)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-9, atol=1e-12, msg=name)


def test_a_second_call_of_a_network_of_spikingjelly_starts_from_rest():
    drawn, _ = images()
    network = peer(SingleStep).eval()
    first = network(drawn)
    assert not torch.equal(first[0], first[-1])
    torch.testing.assert_close(network(drawn), first, rtol=0, atol=0)


@pytest.mark.parametrize("net", EVERY)
def test_every_peer_has_as_many_parameters_as_ours_and_a_readout_per_timestep(net):
    network = available(net, CASE)
    drawn, _ = CASE.batch(BATCH)
    assert network(drawn).shape == (CASE.timesteps, BATCH, CLASSES)
    assert counted(network) == counted(CASE.build())


@pytest.mark.parametrize("net", EVERY)
def test_every_peer_builds_the_network_of_the_paper(net):
    assert counted(available(net, resnet19(5))) == 26_108_042  # as the release's


@pytest.mark.parametrize("net", [SnnTorch, Norse])
def test_peers_with_neurons_of_their_own_learn_in_every_layer(net):
    network = available(net, CASE)
    drawn, labels = CASE.batch(BATCH)
    mean_loss(network(drawn), labels).backward()
    assert all(weight.grad.any() for weight in network.parameters())


@pytest.mark.parametrize("net", [SnnTorch, Norse])
def test_peers_with_neurons_of_their_own_integrate_over_time(net):
    drawn, _ = CASE.batch(BATCH)
    logits = available(net, CASE)(drawn)
    assert not torch.equal(logits[0], logits[-1])


def test_a_library_that_is_missing_is_named():
    with pytest.raises(NotMeasuredError, match="no_such_library is not installed"):
        topology.optional("no_such_library.torch")


def test_the_loop_over_single_images_is_equation_6():
    drawn, labels = images()
    info = tic.fisher_information(ours(), [(drawn, labels)], "empirical")
    found = release.one_by_one(peer(SingleStep), drawn, labels)
    torch.testing.assert_close(found, torch.from_numpy(info.trace), rtol=1e-9, atol=0)


def test_the_loop_of_the_release_is_the_official_estimator():
    drawn, labels = images(6)
    batches = list(zip(drawn.split(3), labels.split(3), strict=True))
    info = tic.fisher_information(ours(), batches, "batch-mean")
    found = release.squared_batch_means(peer(SingleStep), drawn, labels, batch=3)
    torch.testing.assert_close(found, torch.from_numpy(info.trace), rtol=1e-9, atol=0)


def test_the_jacobian_of_torch_func_gives_equation_6():
    drawn, labels = images()
    info = tic.fisher_information(ours(), [(drawn, labels)], "empirical")
    found = functorch.jacobian_trace(functorch.twin(ours()), drawn, labels)
    torch.testing.assert_close(found, torch.from_numpy(info.trace), rtol=1e-9, atol=0)


def test_the_twin_for_torch_func_has_our_logits():
    drawn, _ = images()
    expected = ours().eval()(drawn)
    torch.testing.assert_close(functorch.twin(ours())(drawn), expected, rtol=1e-12, atol=1e-12)


def test_the_floor_of_training_repeats_every_image_over_time():
    drawn, _ = CASE.batch(BATCH)
    logits = net_of(Rectified, CASE).eval()(drawn)
    torch.testing.assert_close(logits, logits[:1].expand_as(logits))
    assert not torch.allclose(logits[0, 0], logits[0, 1])


def test_the_floor_of_fisher_information_goes_back_through_every_prefix(monkeypatch):
    calls = []
    whole = torch.autograd.grad

    def grad(loss, *arguments, **settings):
        calls.append(float(loss.detach()))
        return whole(loss, *arguments, **settings)

    monkeypatch.setattr(torch.autograd, "grad", grad)
    drawn, labels = images()
    truncated_backwards(ours(), drawn, labels)
    expected = tic.losses.prefix_losses(ours().eval()(drawn), labels)
    assert calls == pytest.approx(expected.tolist())


def test_the_peer_with_delays_has_our_logits_and_gradients():
    pytest.importorskip("DCLS")
    sizes = delays.Sizes((4, 6, 3), timesteps=7, largest=4, batch=3)
    recordings = 10 * torch.rand(3, 7, 4, dtype=torch.float64)
    results = []
    for layers in (delays.ours, Dilated):
        network = delays.network(sizes, layers).double()
        logits = network(recordings)
        gradients = torch.autograd.grad(logits.square().sum(), [*network.parameters()][:2])
        results.append((logits, *(each.abs().flatten() for each in gradients)))
    assert results[0][0].any()
    for mine, theirs in zip(*results, strict=True):
        # It adds 1e-7 to the sum that a kernel is divided by.
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def compared():
    return similarity.setting(images=12)


def test_ckatorch_gives_our_debiased_similarity_of_every_pair(compared):
    pytest.importorskip("ckatorch")
    mine = similarity.ours(compared).debiased[: similarity.ROWS]
    theirs = pairwise(compared.networks, compared.images, compared.layers, similarity.ROWS)
    assert theirs.shape == (similarity.ROWS, len(compared.layers))
    assert not mine.mask.any()
    torch.testing.assert_close(theirs, torch.from_numpy(mine.data), rtol=0, atol=1e-8)


def test_the_floor_of_similarity_multiplies_the_features_of_every_layer_of_both(compared):
    grams = gram_matrices(compared.networks, compared.images, compared.layers)
    both = [features(each, compared.images, compared.layers) for each in compared.networks]
    assert len(grams) == 2 * len(compared.layers)
    for gram, values in zip(grams, [x for one in both for x in one.values()], strict=True):
        torch.testing.assert_close(gram, values.double() @ values.double().T)


def test_the_monitor_of_spikingjelly_gives_our_rates():
    network, (drawn, labels) = normalised(CASE.build()).eval(), CASE.batch(BATCH)
    layers = rates.neuron_layers(network)
    fired = firing(network, [(drawn, labels)], layers).layers
    theirs = monitored.rates(network, drawn)
    assert list(theirs) == layers
    for name, values in theirs.items():
        assert 0 < values.mean() < 1
        torch.testing.assert_close(values.double(), fired[name].features, rtol=1e-5, atol=1e-7)


def counted(network):
    return sum(weight.numel() for weight in network.parameters())
