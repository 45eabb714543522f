import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from tic.errors import TicError
from tic.measure import capture as capture_module
from tic.measure.capture import capture
from tic.measure.per_sample import OuterProducts, holds_samples, time_batch
from tic.measure.rules import (
    BatchNormRule,
    ConvolutionRule,
    LinearRule,
    require_separate_samples,
    rule_for,
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


def squared_norms(inputs, gradients, calls=1):
    """Norms of (B, P, D) and (B, P, O), the positions dealt out to so many calls of the layer."""
    shares = [len(part) for part in torch.arange(inputs.shape[1]).tensor_split(calls)]
    products = OuterProducts(inputs.split(shares, 1), gradients.shape[2])
    return products.inner(gradients[:, :, None].split(shares, 1)).view(-1)


def norms(rule, inputs, gradients):
    """Squared norms by a rule, from inputs and output gradients (T, B, …) of one call."""
    return rule.prepare([inputs]).inner([gradients[:, None]]).view(-1)


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
        if func in (torch.ops.aten.bmm.default, torch.ops.aten.baddbmm_.default):
            self.shapes.append(tuple(result.shape))
        return result


@pytest.mark.parametrize(
    ("positions", "calls", "products"),
    [
        (2, 1, [(4, 2, 2), (4, 2, 20)]),
        (40, 1, [(4, 20, 30)]),
        (40, 2, [(4, 20, 30)] * 2),
        (22, 1, [(4, 20, 30)]),
        (22, 11, [(4, 22, 22), (4, 22, 20)]),  # the Gram matrix will serve eleven gradients
    ],
)
def test_the_way_that_costs_less_is_taken(positions, calls, products):
    with Products() as seen:
        squared_norms(normal(4, positions, 30), normal(4, positions, 20), calls)
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
    st.lists(st.integers(1, 8), min_size=1, max_size=6),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 2**16),
)
def test_every_prefix_of_the_calls_has_the_norms_of_the_definition(
    batch, positions, width, outputs, seed
):
    inputs = [normal(batch, each, width, seed=seed + k) for k, each in enumerate(positions)]
    gradients = [normal(batch, each, outputs, seed=seed - k) for k, each in enumerate(positions, 1)]
    products = OuterProducts(inputs, outputs)
    for calls in range(1, len(positions) + 1):
        torch.testing.assert_close(
            products.inner([each[:, :, None] for each in gradients[:calls]]).view(-1),
            by_definition(torch.cat(inputs[:calls], 1), torch.cat(gradients[:calls], 1)),
            rtol=1e-9,
            atol=1e-9,
        )


def test_squared_norms_leave_their_arguments_alone_and_can_be_asked_for_again():
    for shape in ((2, 1, 8), (2, 30, 2)):
        inputs, gradients = normal(*shape), normal(*shape, seed=1)
        before = inputs.clone(), gradients.clone()
        products = OuterProducts([inputs], shape[2])
        alone = [gradients[:, :, None]]
        assert torch.equal(products.inner(alone), products.inner(alone))
        assert torch.equal(inputs, before[0])
        assert torch.equal(gradients, before[1])


@pytest.mark.parametrize("seed", range(5))
def test_rounding_makes_no_norm_negative(seed):
    # two positions whose products cancel in single precision
    inputs = normal(500, 1, 8, seed=seed).expand(500, 2, 8).float()
    slopes = normal(500, 1, 8, seed=seed + 1).float()
    assert (squared_norms(inputs, torch.cat([slopes, -slopes], 1)) >= 0).all()


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


@pytest.mark.parametrize(
    ("leading", "held"),
    [((6,), True), ((7,), False), ((5, 3), True), ((3, 5), True), ((5, 4), False), ((), False)],
)
def test_leading_axes_hold_three_samples_or_do_not(leading, held):
    assert holds_samples(leading, 3) is held


@pytest.mark.parametrize("bias", [True, False])
def test_norms_of_a_linear_layer_match_autograd(bias):
    layer = nn.Linear(6, 4, bias=bias).double()
    inputs, gradients = normal(3, 5, 6), normal(3, 5, 4, seed=1)
    expected = by_autograd(layer, inputs, gradients)
    torch.testing.assert_close(norms(LinearRule(layer), inputs, gradients), expected)


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
    torch.testing.assert_close(norms(ConvolutionRule(layer), inputs, gradients), expected)


def captured(layer, inputs, allowed_bytes=2**30):
    """What a layer's rule sees of one call per item of inputs (T, B, …)."""
    with capture({"": rule_for(layer)}, allowed_bytes) as captures:
        for each in inputs:
            layer(each)
    return captures[""]


@pytest.mark.parametrize("allowed_bytes", [0, 2**30])
@pytest.mark.parametrize("elements", [1, 2 * 1392, 2**25])
def test_norms_are_the_same_however_much_is_done_and_kept_at_a_time(
    allowed_bytes, elements, monkeypatch
):
    layer = nn.Conv2d(2, 3, 3).double()
    inputs, gradients = normal(2, 5, 2, 6, 6), normal(2, 5, 3, 4, 4, seed=1)
    whole = captured(layer, inputs).inner([list(gradients)], 5)
    monkeypatch.setattr(capture_module, "CHUNK_ELEMENTS", elements)
    found = captured(layer, inputs, allowed_bytes).inner([list(gradients)], 5)
    torch.testing.assert_close(found, whole, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("elements", "sizes"), [(1, [1] * 5), (2 * 726, [2, 2, 1]), (5 * 726, [5])]
)
def test_no_more_samples_are_unfolded_at_a_time_than_fit(elements, sizes, monkeypatch):
    # a sample takes 2 timesteps · 16 positions · (18 inputs + 3 gradients) + 54 weights
    layer = nn.Conv2d(2, 3, 3).double()
    monkeypatch.setattr(capture_module, "CHUNK_ELEMENTS", elements)
    seen = []
    prepare = ConvolutionRule.prepare
    monkeypatch.setattr(
        ConvolutionRule,
        "prepare",
        lambda self, inputs: (seen.append(inputs[0].shape[1]), prepare(self, inputs))[1],
    )
    captured(layer, normal(2, 5, 2, 6, 6)).inner([list(normal(2, 5, 3, 4, 4, seed=1))], 5)
    assert seen == sizes


@pytest.mark.parametrize(("allowed_bytes", "times"), [(2**30, 1), (0, 3)])
def test_inputs_are_prepared_once_where_memory_is_allowed(allowed_bytes, times, monkeypatch):
    layer = nn.Linear(2, 3).double()
    seen = captured(layer, normal(3, 4, 2), allowed_bytes)
    prepared = []
    prepare = LinearRule.prepare
    monkeypatch.setattr(
        LinearRule, "prepare", lambda self, inputs: (prepared.append(1), prepare(self, inputs))[1]
    )
    gradients = normal(3, 4, 3, seed=1)
    for calls in (1, 2, 3):
        reached = [*gradients[:calls], *[None] * (3 - calls)]
        expected = by_autograd(layer, normal(3, 4, 2)[:calls], gradients[:calls])
        torch.testing.assert_close(seen.inner([reached], 4).view(-1), expected)
    assert len(prepared) == times


def test_layers_share_one_allowance_of_memory():
    # each takes 3 calls · (2 + 3) + 6 numbers of 8 bytes for each of 4 samples
    layers = {name: nn.Linear(2, 3).double() for name in ("first", "second", "third")}
    rules = {name: rule_for(layer) for name, layer in layers.items()}
    with capture(rules, allowed_bytes=2 * 4 * 21 * 8) as captures:
        for layer in layers.values():
            for inputs in normal(3, 4, 2):
                layer(inputs)
    for each in captures.values():
        each.inner([list(normal(3, 4, 3))], 4)
    assert [bool(each.kept) for each in captures.values()] == [True, True, False]


def test_gradients_that_skip_a_call_meet_the_inputs_of_the_others():
    layer = nn.Linear(2, 3, bias=False).double()
    inputs, gradients = normal(3, 4, 2), normal(3, 4, 3, seed=1)
    norms = captured(layer, inputs).inner([[gradients[0], None, gradients[2]]], 4).view(-1)
    torch.testing.assert_close(norms, by_autograd(layer, inputs[::2], gradients[::2]))


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
    torch.testing.assert_close(norms(BatchNormRule(layer), inputs, gradients), expected)


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
    torch.testing.assert_close(norms(rule_for(layer), inputs, gradients), expected)


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
        require_separate_samples(nn.BatchNorm2d(2, track_running_stats=False))
    require_separate_samples(nn.BatchNorm2d(2))


def test_every_call_of_a_layer_is_captured_until_the_context_closes():
    layer = nn.Linear(2, 3)
    with capture({"layer": LinearRule(layer)}) as captures:
        first = layer(torch.ones(4, 2, requires_grad=True))
        second = layer(torch.zeros(4, 2))
    layer(torch.ones(4, 2))
    inputs = captures["layer"].inputs
    assert [each.mean().item() for each in inputs] == [1.0, 0.0]
    assert not any(each.requires_grad for each in inputs)
    edges = [outlet.edge for outlet in captures["layer"].outlets]
    gradients = torch.autograd.grad((first + 2 * second).sum(), edges)
    assert [gradient.mean().item() for gradient in gradients] == [1.0, 2.0]


def test_gradients_of_several_calls_add_up_before_they_are_squared():
    layer = nn.Linear(2, 3, bias=False).double()
    inputs, gradients = normal(2, 4, 2), normal(2, 4, 3, seed=1)
    with capture({"layer": LinearRule(layer)}) as captures:
        for each in inputs:
            layer(each)
    norms = captures["layer"].inner([list(gradients)], 4).view(-1)
    torch.testing.assert_close(norms, by_autograd(layer, inputs, gradients))
    torch.testing.assert_close(
        captures["layer"].inner([[gradients[0], None]], 4).view(-1),
        by_autograd(layer, inputs[:1], gradients[:1]),
    )
    assert captures["layer"].inner([[None, None]], 4) is None


def test_a_call_without_a_graph_is_not_captured():
    layer = nn.Linear(2, 3)
    with capture({"layer": LinearRule(layer)}) as captures, torch.no_grad():
        layer(torch.ones(4, 2))
    assert captures["layer"].inputs == captures["layer"].outlets == []


def test_no_hook_stays_behind_even_after_an_exception():
    layer = nn.Linear(2, 3)
    with (
        pytest.raises(RuntimeError, match="cannot be multiplied"),
        capture({"": LinearRule(layer)}),
    ):
        layer(torch.ones(4, 7))
    assert not layer._forward_hooks
