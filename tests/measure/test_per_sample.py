import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from tic.errors import TicError
from tic.measure import per_sample
from tic.measure.per_sample import (
    BatchNormRule,
    ConvolutionRule,
    LinearRule,
    capture,
    rule_for,
    squared_norms,
    time_batch,
)

pytestmark = pytest.mark.usefixtures("one_thread")

lawful = settings(deadline=None, max_examples=60)


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def by_definition(inputs, gradients):
    """Squared norms of Σ_p g_p a_pᵀ, sample after sample and position after position."""
    return torch.stack(
        [
            sum(torch.outer(g, a) for a, g in zip(each, slopes, strict=True)).square().sum()
            for each, slopes in zip(inputs, gradients, strict=True)
        ]
    )


def by_autograd(layer, inputs, gradients):
    """Squared norms of the gradients of the layer's own weights; (T, B, …) in, (B,) out."""
    norms = []
    for sample in range(inputs.shape[1]):
        output = layer(inputs[:, sample])
        found = torch.autograd.grad(
            output, [p for p in layer.parameters() if p.requires_grad], gradients[:, sample]
        )
        norms.append(sum(gradient.square().sum() for gradient in found))
    return torch.stack(norms)


def test_squared_norms_by_hand():
    # one position: |g|²|a|² = 5·25; two: rows of ones and twos give [[1·1 + 2·2]] = 5, squared 25
    one = squared_norms(torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[1.0, 2.0]]]))
    two = squared_norms(torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[1.0], [2.0]]]))
    assert one.tolist() == [125.0]
    assert two.tolist() == [25.0]


class Products(TorchDispatchMode):
    """Records the shapes of all products of batches of matrices."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.bmm.default:
            self.shapes.append(tuple(result.shape))
        return result


@pytest.mark.parametrize(
    ("positions", "products"), [(2, [(4, 2, 2), (4, 2, 2)]), (40, [(4, 20, 30)])]
)
def test_the_way_that_costs_less_is_taken(positions, products):
    with Products() as seen:
        squared_norms(normal(4, positions, 30), normal(4, positions, 20))
    assert seen.shapes == products


@pytest.mark.parametrize(
    ("positions", "width", "outputs"),
    [(1, 7, 9), (2, 30, 20), (40, 3, 2), (100, 1, 1)],
    ids=["gram", "gram", "direct", "direct"],
)
def test_both_ways_give_the_norms_of_the_definition(positions, width, outputs):
    inputs, gradients = normal(4, positions, width), normal(4, positions, outputs, seed=1)
    expected = by_definition(inputs, gradients)
    torch.testing.assert_close(squared_norms(inputs, gradients), expected)


@lawful
@given(
    st.integers(1, 4),
    st.integers(1, 20),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 2**16),
)
def test_squared_norms_match_the_definition_for_every_shape(batch, positions, width, outputs, seed):
    inputs, gradients = (
        normal(batch, positions, width, seed=seed),
        normal(batch, positions, outputs, seed=seed + 1),
    )
    torch.testing.assert_close(
        squared_norms(inputs, gradients), by_definition(inputs, gradients), rtol=1e-9, atol=1e-9
    )


def test_squared_norms_leave_their_arguments_alone():
    for shape in ((2, 1, 8), (2, 30, 2)):
        inputs, gradients = normal(*shape), normal(*shape, seed=1)
        before = inputs.clone(), gradients.clone()
        squared_norms(inputs, gradients)
        assert torch.equal(inputs, before[0])
        assert torch.equal(gradients, before[1])


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        ("b d", (1, 3, 5)),
        ("(t b) d", (2, 3, 5)),
        ("t b d", (2, 3, 5)),
        ("t b d", (3, 3, 5)),
        ("t b d", (2, 1, 5)),
    ],
)
def test_time_comes_first_and_the_batch_second(layout, shape):
    expected = normal(*shape)
    given = expected if layout == "t b d" else expected.flatten(0, 1)
    assert torch.equal(time_batch(given, shape[1], 1), expected)


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize("folded", [True, False])
def test_positions_count_as_time(times, folded):
    values = normal(times, 3, 5, 7)  # (T, B, P, D)
    given = values.flatten(0, 1) if folded else values
    result = time_batch(given, 3, 1)
    assert result.shape == (5 * times, 3, 7)
    for sample in range(3):
        assert torch.equal(result[:, sample], values[:, sample].flatten(0, 1))


def test_images_keep_their_axes():
    values = normal(2, 3, 4, 5, 6)
    assert torch.equal(time_batch(values.flatten(0, 1), 3, 3), values)
    assert torch.equal(time_batch(values, 3, 3), values)


def test_axes_that_hold_no_multiple_of_the_batch_are_refused():
    with pytest.raises(TicError, match=r"leading axes \(7,\) hold no multiple of the 3 samples"):
        time_batch(normal(7, 5), 3, 1)


@pytest.mark.parametrize("bias", [True, False])
def test_norms_of_a_linear_layer_match_autograd(bias):
    layer = nn.Linear(6, 4, bias=bias).double()
    inputs, gradients = normal(3, 5, 6), normal(3, 5, 4, seed=1)
    expected = by_autograd(layer, inputs, gradients)
    torch.testing.assert_close(LinearRule(layer).norms(inputs, gradients), expected)


CONVOLUTIONS = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "padding": 1, "stride": 2, "bias": False},
    {"kernel_size": 1, "stride": 2, "bias": False},
    {"kernel_size": (3, 1), "padding": (1, 0), "stride": (1, 2)},
    {"kernel_size": 3, "dilation": 2},
    {"kernel_size": 2, "groups": 2},
    {"kernel_size": 3, "groups": 4, "padding": 1, "bias": False},
]


@pytest.mark.parametrize("options", CONVOLUTIONS, ids=str)
def test_norms_of_a_convolution_match_autograd(options):
    layer = nn.Conv2d(4, 8, **options).double()
    inputs = normal(3, 5, 4, 7, 6)
    gradients = normal(3, 5, *layer(inputs[0]).shape[1:], seed=1)
    expected = by_autograd(layer, inputs, gradients)
    torch.testing.assert_close(ConvolutionRule(layer).norms(inputs, gradients), expected)


def test_norms_of_a_convolution_do_not_depend_on_how_many_samples_are_unfolded(monkeypatch):
    layer = nn.Conv2d(2, 3, 3).double()
    inputs, gradients = normal(2, 5, 2, 6, 6), normal(2, 5, 3, 4, 4, seed=1)
    whole = ConvolutionRule(layer).norms(inputs, gradients)
    sizes = []
    unfold = ConvolutionRule._unfold
    monkeypatch.setattr(
        ConvolutionRule,
        "_unfold",
        lambda self, inputs: (sizes.append(inputs.shape[1]), unfold(self, inputs))[1],
    )
    # a sample takes 2 timesteps · (2·36·9 unfolded inputs + 3·16 gradients) = 1392 elements
    for elements, expected in ((1, [1] * 5), (2 * 1392, [2, 2, 1]), (5 * 1392, [5])):
        sizes.clear()
        monkeypatch.setattr(per_sample, "CHUNK_ELEMENTS", elements)
        torch.testing.assert_close(ConvolutionRule(layer).norms(inputs, gradients), whole)
        assert sizes == expected


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm1d(4), (3, 5, 4)),
        (nn.BatchNorm1d(4), (3, 5, 4, 6)),
        (nn.BatchNorm2d(4), (3, 5, 4, 6, 7)),
    ],
)
def test_norms_of_batch_normalisation_match_autograd(layer, shape):
    layer = layer.double().train()
    for seed in range(3):
        layer(3 * normal(*shape[1:], seed=seed) + 1)
    nn.init.uniform_(layer.weight, 0.5, 2)
    layer.eval()
    inputs, gradients = normal(*shape), normal(*shape, seed=1)
    expected = by_autograd(layer, inputs, gradients)
    torch.testing.assert_close(BatchNormRule(layer).norms(inputs, gradients), expected)


@pytest.mark.parametrize("frozen", ["weight", "bias"])
@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (nn.Linear(3, 2), ((2, 4, 3), (2, 4, 2))),
        (nn.Conv2d(3, 2, 2), ((2, 4, 3, 5, 5), (2, 4, 2, 4, 4))),
        (nn.BatchNorm2d(3), ((2, 4, 3, 5, 5), (2, 4, 3, 5, 5))),
    ],
)
def test_a_frozen_weight_or_bias_is_left_out(layer, shapes, frozen):
    layer = layer.double().eval().requires_grad_(True)
    layer.get_parameter(frozen).requires_grad_(False)
    inputs, gradients = normal(*shapes[0]), normal(*shapes[1], seed=1)
    expected = by_autograd(layer, inputs, gradients)
    torch.testing.assert_close(rule_for(layer).norms(inputs, gradients), expected)


class Scaled(nn.Linear):
    """A linear layer with a parameter that no rule knows."""

    def __init__(self):
        super().__init__(2, 2)
        self.scale = nn.Parameter(torch.ones(()))


@pytest.mark.parametrize(
    ("module", "rule"),
    [
        (nn.Linear(2, 2), LinearRule),
        (nn.Conv2d(1, 1, 3), ConvolutionRule),
        (nn.BatchNorm1d(2), BatchNormRule),
        (nn.BatchNorm2d(2), BatchNormRule),
        (nn.Conv2d(1, 1, 3, padding="same"), type(None)),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), type(None)),
        (nn.Conv1d(1, 1, 3), type(None)),
        (nn.LayerNorm(2), type(None)),
        (Scaled(), type(None)),
    ],
)
def test_layers_without_a_rule_are_left_to_autograd(module, rule):
    assert type(rule_for(module)) is rule


def test_batch_statistics_are_refused():
    with pytest.raises(TicError, match="without running statistics mixes the samples of a batch"):
        rule_for(nn.BatchNorm2d(2, track_running_stats=False))


def test_every_call_of_a_layer_is_captured_until_the_context_closes():
    layer = nn.Linear(2, 3)
    with capture({"layer": LinearRule(layer)}) as captures:
        first = layer(torch.ones(4, 2, requires_grad=True))
        second = layer(torch.zeros(4, 2))
    layer(torch.ones(4, 2))
    inputs = captures["layer"].inputs
    assert [each.mean().item() for each in inputs] == [1.0, 0.0]
    assert not any(each.requires_grad for each in inputs)
    gradients = torch.autograd.grad((first + 2 * second).sum(), captures["layer"].edges)
    assert [gradient.mean().item() for gradient in gradients] == [1.0, 2.0]


def test_gradients_of_several_calls_add_up_before_they_are_squared():
    layer = nn.Linear(2, 3, bias=False).double()
    inputs, gradients = normal(2, 4, 2), normal(2, 4, 3, seed=1)
    with capture({"layer": LinearRule(layer)}) as captures:
        for each in inputs:
            layer(each)
    norms = captures["layer"].norms(list(gradients), 4)
    torch.testing.assert_close(norms, by_autograd(layer, inputs, gradients))
    torch.testing.assert_close(
        captures["layer"].norms([gradients[0], None], 4),
        by_autograd(layer, inputs[:1], gradients[:1]),
    )
    assert captures["layer"].norms([None, None], 4) is None


def test_a_call_without_a_graph_is_not_captured():
    layer = nn.Linear(2, 3)
    with capture({"layer": LinearRule(layer)}) as captures, torch.no_grad():
        layer(torch.ones(4, 2))
    assert captures["layer"].inputs == captures["layer"].edges == []


def test_no_hook_stays_behind_even_after_an_exception():
    layer = nn.Linear(2, 3)
    with (
        pytest.raises(RuntimeError, match="cannot be multiplied"),
        capture({"": LinearRule(layer)}),
    ):
        layer(torch.ones(4, 7))
    assert not layer._forward_hooks
