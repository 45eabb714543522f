"""The module against a slow twin, its readings, and what stands in its place."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from claims.yao2023.attention import (
    ConstantScale,
    Excitation,
    LearnedScale,
    SingleMap,
    SplitAttention,
    _Largest,
)
from tic.audit import TicError

T, B, C, H, W = 4, 3, 6, 5, 5


def currents(seed=0):
    return torch.randn(T, B, C, H, W, generator=torch.Generator().manual_seed(seed))


def built(attention, seed=0):
    torch.manual_seed(seed)
    return attention.build(T, C)


def twin(module, x, share, *, together="one", batch=False):
    """One sample, timestep and channel after the other, as the equations have it."""
    alpha, beta = float(module.alpha.detach()), float(module.beta.detach())
    mapping = [
        layer.weight.detach().numpy() for layer in module.mapping if hasattr(layer, "weight")
    ]
    x = x.numpy()
    rows, columns = [], []
    for b in range(B):
        m = np.empty((T, C))
        for t in range(T):
            for c in range(C):
                m[t, c] = (0.5 + alpha) * x[t, b, c].mean() + (0.5 + beta) * x[t, b, c].max()
        m = mapping[1] @ np.maximum(0, mapping[0] @ m)
        rows.append([set(np.argsort(-m[t])[: int(share * C)]) for t in range(T)])
        columns.append([set(np.argsort(-m[:, c])[: int(share * T)]) for c in range(C)])
    if batch:
        rows = [[set().union(*(r[t] for r in rows)) for t in range(T)]] * B
        columns = [[set().union(*(k[c] for k in columns)) for c in range(C)]] * B
    out = np.empty_like(x)
    for b in range(B):
        chosen = np.zeros((T, C), bool)
        for t in range(T):
            for c in range(C):
                high = (c in rows[b][t]) + (t in columns[b][c])
                chosen[t, c] = high == (2 if together == "both" else 1)
        for group, part, conv in (
            (chosen, share, module.conv1),
            (~chosen, 1 - share, module.conv2),
        ):
            masked = x[:, b] * group[:, :, None, None]
            pooled = np.stack([masked.sum((0, 1)) / (part * T * C), masked.max((0, 1))])
            scale = conv2d(torch.from_numpy(pooled)[None], conv.weight.detach().double(), padding=1)
            scale = 1 / (1 + np.exp(-scale[0, 0].numpy()))
            for t, c in np.argwhere(group):
                out[t, b, c] = x[t, b, c] * scale
    return out


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
@pytest.mark.parametrize(
    ("fields", "how"),
    [
        ({}, {}),
        ({"together": "both"}, {"together": "both"}),
        ({"ranking": "batch"}, {"batch": True}),
        ({"ranking": "straight-through"}, {}),
    ],
)
def test_the_module_is_what_its_equations_say(share, fields, how):
    module = built(SplitAttention(share=share, reduction=2, **fields)).double()
    x = currents().double()
    with torch.no_grad():
        module.alpha += 0.3
        # Where nothing passes the rectifier all scores are 0, and which are largest is open.
        module.mapping[0].weight.abs_()
        x += 1 - x.min()
        given = module(x)
    assert given.numpy() == pytest.approx(twin(module, x, share, **how), abs=1e-9)


def test_what_a_recording_gives_does_not_depend_on_its_batch_unless_it_is_ranked_there():
    x = currents()
    for ranking, alike in (("sample", True), ("batch", False)):
        module = built(SplitAttention(reduction=2, ranking=ranking))
        one, whole = module(x[:, :1]), module(x)[:, :1]
        assert torch.allclose(one, whole, atol=1e-6) is alike


def test_half_of_all_features_are_in_each_group_at_half():
    module = built(SplitAttention(reduction=2))
    assert 0.2 < float(module.important(currents()).mean()) < 0.8
    chosen = built(SplitAttention(share=0.25, ranking="random")).important(currents())
    assert float(chosen.mean()) == 0.25
    assert torch.equal(chosen[:, 0], chosen[:, 2])


def gradients(module):
    x = currents()
    module.train()
    module(x).square().sum().backward()
    return {n for n, p in module.named_parameters() if p.grad is not None and p.grad.any()}


def test_no_gradient_reaches_the_ranking_but_straight_through():
    assert gradients(built(SplitAttention(reduction=2))) == {"conv1.weight", "conv2.weight"}
    reached = gradients(built(SplitAttention(reduction=2, ranking="straight-through")))
    assert {"alpha", "beta", "mapping.0.weight", "mapping.2.weight"} <= reached


def test_it_has_the_releases_parameters():
    module = SplitAttention(reduction=4).build(60, 64)
    assert sum(p.numel() for p in module.parameters()) == 1838
    assert isinstance(SplitAttention(reduction=1).build(20, 8).mapping, torch.nn.Linear)


def test_one_map_scales_all_features_alike():
    module, x = built(SingleMap()), currents()
    ratio = (module(x) / x).detach()
    assert ratio == pytest.approx(ratio[:1, :, :1].expand_as(ratio), abs=1e-4)
    pooled = torch.stack([x.mean((0, 2)), x.amax((0, 2))], 1)
    assert ratio[0, :, :1] == pytest.approx(module.conv(pooled).sigmoid().detach(), abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_maps_see_maxima_with_the_gradients_of_amax_where_several_are_equal(dtype):
    tied = currents().mul(2).round().clamp(max=1).to(dtype).requires_grad_()
    weights = currents(1)[0, :, 0].to(dtype)
    seen = [tied.amax((0, 2)), _Largest.apply(tied)]
    expected, ours = (torch.autograd.grad(most, tied, weights)[0] for most in seen)
    assert (tied == seen[0][None, :, None]).sum((0, 2)).max() > 1
    assert torch.equal(*seen)
    assert torch.equal(expected, ours)


def test_scales_are_numbers():
    x = currents()
    assert torch.equal(built(ConstantScale(0.25))(x), 0.25 * x)
    learned = built(LearnedScale())
    assert torch.allclose(learned(x), 0.5 * x)
    learned(x).sum().backward()
    assert float(learned.weight.grad) == pytest.approx(0.25 * float(x.sum()), rel=1e-4)


@pytest.mark.parametrize(("over", "axis"), [("channels", 2), ("timesteps", 0)])
def test_excitation_scales_one_axis(over, axis):
    module, x = built(Excitation(over=over, reduction=2)), currents()
    ratio = (module(x) / x).detach().movedim(1, 0).movedim(axis or 1, 1)
    for b in range(B):
        means = x[:, b].mean([k for k in (0, 1, 2, 3) if k != (1 if axis else 0)])
        expected = module.mapping(means).sigmoid().detach()
        for k, scale in enumerate(expected):
            assert ratio[b, k].numpy() == pytest.approx(float(scale), abs=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SplitAttention(share=1.0), r"share must be in \(0, 1\), got 1"),
        (lambda: SplitAttention(reduction=0), "reduction must be at least 1, got 0"),
        (lambda: SplitAttention(share=0.1).build(4, 64), "leaves none of 4 timesteps"),
        (lambda: ConstantScale(0.0), "scale must be above 0, got 0"),
        (lambda: Excitation(reduction=0), "reduction must be at least 1"),
    ],
)
def test_what_cannot_be_is_told(make, message):
    with pytest.raises(TicError, match=message):
        make()
