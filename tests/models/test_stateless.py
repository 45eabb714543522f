"""State between calls is seen beside logits of any size, and where some are not finite."""

import pytest
import torch
from torch import nn

from tic.errors import TicError
from tic.models.logits import require_stateless


class Counting(nn.Module):
    """Gives logits of two classes, of which one counts calls beside a constant one."""

    def __init__(self, constant, counts):
        super().__init__()
        self.constant, self.counts, self.calls = constant, counts, 0

    def forward(self, inputs):
        self.calls += self.counts
        rest = torch.full((1, len(inputs)), float(self.constant))
        return torch.stack([torch.ones(1, len(inputs)) + self.calls, rest], 2)


@pytest.mark.parametrize("constant", [0, 1e6, torch.inf, -torch.inf, torch.nan])
def test_a_count_is_seen_beside_any_constant(constant):
    require_stateless(Counting(constant, counts=0), torch.zeros(3, 2))
    with pytest.raises(TicError, match="3 samples in evaluation mode give different logits"):
        require_stateless(Counting(constant, counts=1), torch.zeros(3, 2))


def test_random_numbers_of_torch_are_no_state_and_are_left_as_they_were():
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.Unflatten(0, (1, -1)))
    before = torch.get_rng_state()
    require_stateless(network, torch.ones(3, 2))
    assert torch.equal(torch.get_rng_state(), before)
