import pytest
import torch
from torch import nn

from tic.models.modes import evaluation_mode


@pytest.fixture
def mixed():
    """A model in training mode whose batch normalisation is in evaluation mode."""
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2), nn.Dropout()))
    model[1][0].eval()
    return model


def modes(model):
    return [module.training for module in model.modules()]


def test_every_submodule_is_in_evaluation_mode_inside(mixed):
    with evaluation_mode(mixed):
        assert not any(modes(mixed))


def test_each_submodule_returns_to_its_own_mode(mixed):
    before = modes(mixed)
    with evaluation_mode(mixed):
        mixed.train()
    assert modes(mixed) == before == [True, True, True, False, True]


def test_the_modes_return_after_an_exception(mixed):
    before = modes(mixed)
    with pytest.raises(RuntimeError, match="broken"), evaluation_mode(mixed):
        raise RuntimeError("broken")
    assert modes(mixed) == before


def test_statistics_are_not_touched_inside(mixed):
    mixed.train()
    with evaluation_mode(mixed):
        mixed(torch.ones(3, 2))
    assert mixed[1][0].num_batches_tracked == 0


@pytest.mark.parametrize(("layer", "without"), [(nn.GRU(2, 2), True), (nn.Linear(2, 2), False)])
def test_recurrent_layers_run_without_cudnn_which_has_no_backward_pass_of_theirs(layer, without):
    before = torch.backends.cudnn.enabled
    with evaluation_mode(nn.Sequential(layer)):
        assert torch.backends.cudnn.enabled == (before and not without)
    assert torch.backends.cudnn.enabled == before
