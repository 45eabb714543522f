"""The rule that narrows kernels and holds delays in range."""

import pytest
import torch
from torch import nn

from tic.delay_schedule import DelaySchedule
from tic.errors import TicError
from tic.fitting import CosineSGD, Fit
from tic.models import DelayedLinear


def fit_of(network, epochs=8):
    return Fit(network, CosineSGD().optimiser(network), epochs, 0, torch.Generator())


def test_the_width_falls_as_a_power_and_then_stays():
    # A quarter of 16 epochs: 8, 4, 2, 1 and then ½, each above the floor.
    rule = DelaySchedule(8.0, 0.5, floor=0.25)
    widths = [rule.width(epoch, 16) for epoch in range(16)]
    assert widths[:4] == pytest.approx([8.25, 4.25, 2.25, 1.25])
    assert widths[4:] == [0.75] * 12


def test_a_share_without_an_epoch_begins_with_the_last_width():
    assert DelaySchedule(8.0, 0.5, share=0.1).width(0, 9) == 0.5


def test_every_layer_has_the_width_of_its_epoch():
    network = nn.Sequential(DelayedLinear(2, 3, 4), nn.Sequential(DelayedLinear(3, 2, 4)))
    rule, fit = DelaySchedule(4.0, 1.0, share=0.5), fit_of(network)
    for epoch, width in ((0, 4.0), (2, 2.0), (4, 1.0)):
        fit.epoch = epoch
        rule.before_epoch(fit)
        assert network[0].width == pytest.approx(width)
        assert network[1][0].width == pytest.approx(width)


def test_delays_are_clamped_after_a_step_and_fixed_ones_are_left():
    network = nn.Sequential(DelayedLinear(3, 1, 4), DelayedLinear(1, 1, 4, learned=False))
    network[0].delay.data = torch.tensor([[-0.5, 3.25, 4.5]])
    before = network[1].delay.clone()
    DelaySchedule(4.0).after_step(fit_of(network))
    assert network[0].delay.tolist() == [[0.0, 3.25, 4.0]]
    assert torch.equal(network[1].delay, before)


def test_delays_learn_to_wait_for_their_input():
    # A pulse at t = 1 that is wanted at t = 6, in a network that begins with a delay of one.
    torch.manual_seed(0)
    layer = DelayedLinear(1, 1, 8)
    layer.weight.data.fill_(1.0)
    layer.delay.data.fill_(1.0)
    fit, rule = fit_of(layer, epochs=60), DelaySchedule(4.0, 0.5, share=0.75)
    optimiser = torch.optim.Adam([layer.delay], lr=0.2)
    pulse, wanted = torch.zeros(2, 10, 1, 1)
    pulse[1] = wanted[6] = 1
    for epoch in range(60):
        fit.epoch = epoch
        rule.before_epoch(fit)
        optimiser.zero_grad()
        (layer(pulse) - wanted).square().sum().backward()
        optimiser.step()
        rule.after_step(fit)
    assert torch.equal(layer.eval()(pulse), wanted)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"first": 0.4}, "last must be above 0 and at most first, got 0.5 and 0.4"),
        ({"first": 4.0, "last": 0.0}, "last must be above 0"),
        ({"first": 4.0, "share": 1.5}, r"share must be in \[0, 1\], got 1.5"),
        ({"first": 4.0, "floor": -0.1}, "floor must be at least 0, got -0.1"),
    ],
)
def test_numbers_out_of_range_are_refused(fields, rule):
    with pytest.raises(TicError, match=rule):
        DelaySchedule(**fields)


def test_a_network_without_delays_is_refused():
    with pytest.raises(TicError, match="needs a network with layers of DelayedLinear, got Linear"):
        DelaySchedule(4.0).before_epoch(fit_of(nn.Linear(2, 2)))
