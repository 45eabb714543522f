import pytest
import torch
from by_definition import OverTime, measurable
from torch import nn


@pytest.fixture
def data():
    """Five random images (5, 1, 6, 6) and their labels."""
    generator = torch.Generator().manual_seed(2)
    images = torch.rand(5, 1, 6, 6, dtype=torch.float64, generator=generator)
    return images, torch.tensor([0, 3, 1, 2, 3])


@pytest.fixture
def simple():
    """A linear read-out of three timesteps."""
    return measurable(lambda: OverTime(nn.Flatten(), 36))
