"""Fast paths against the definition on networks that Hypothesis draws."""

import numpy as np
import pytest
import torch
from by_definition import batch_mean, empirical, exact, measurable
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.networks import awaken
from tic.measure.fisher import fisher_information
from tic.measure.tangent import tangent_kernel
from tic.models import SpikingPlainNet, SpikingResNet
from tic.models.plain import PlainLayout
from tic.models.resnet import ResNetLayout

pytestmark = pytest.mark.usefixtures("one_thread")

widths = st.integers(1, 5)
residual = st.integers(1, 2).flatmap(
    lambda stages: st.builds(
        ResNetLayout,
        stem=widths,
        widths=st.tuples(*[widths] * stages),
        depths=st.tuples(*[st.integers(1, 2)] * stages),
        strides=st.tuples(*[st.integers(1, 2)] * stages),
    )
)
plain = st.builds(
    PlainLayout,
    widths=st.lists(widths, min_size=1, max_size=3).map(tuple),
    pools=st.sampled_from([(), (1,), (2,), (1, 2)]),
    side=st.integers(1, 2),
    hidden=st.lists(widths, max_size=2).map(tuple),
)


@st.composite
def cases(draw):
    """A network with running statistics of its own, images and labels."""
    layout = draw(residual | plain)
    kind = SpikingResNet if isinstance(layout, ResNetLayout) else SpikingPlainNet
    channels = draw(st.integers(1, 2))
    network = measurable(
        lambda: kind(
            layout,
            in_channels=channels,
            num_classes=3,
            timesteps=draw(st.integers(1, 3)),
            tau=draw(st.sampled_from([1.0, 4 / 3, 2.0])),
            mean=(0.4,) * channels,
            std=(0.3,) * channels,
        )
    )
    awaken(network, channels, size=5)
    images = draw(st.integers(1, 4))
    draws = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    shown = torch.rand(images, channels, 5, 5, dtype=torch.float64, generator=draws)
    return network, shown, torch.randint(3, (images,), generator=draws)


@settings(deadline=None, max_examples=25)
@given(cases())
def test_information_of_any_network_is_that_of_the_definition(case):
    network, images, labels = case
    loader = [(images, labels)]
    twins = {
        "empirical": empirical(network, images, labels),
        "batch-mean": batch_mean(network, loader),
        "exact": exact(network, images),
    }
    kernel = tangent_kernel(network, loader).information
    for estimator, expected in twins.items():
        found = [fisher_information(network, loader, estimator)]
        found += [kernel[estimator]] if estimator in kernel else []
        for info in found:
            for name, trace in expected.items():
                np.testing.assert_allclose(
                    info.by_layer[name], trace, rtol=1e-8, atol=1e-14, err_msg=name
                )
