"""The rules of the layers that have one: linear layers, convolutions, batch normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tic.errors import TicError
from tic.measure.per_sample import LayerRule, LinearMapRule, Prepared, gram


class LinearRule(LinearMapRule):
    """Weights and bias of `nn.Linear`."""

    module: nn.Linear

    @property
    def weight_shape(self) -> tuple[int, int]:
        """See `LinearMapRule.weight_shape`."""
        return self.module.out_features, self.module.in_features

    def fits(self, taken: torch.Size, given: torch.Size) -> bool:
        """See `LayerRule.fits`."""
        return (given[-1], taken[-1]) == self.weight_shape

    def inputs_at_positions(self, inputs: Tensor) -> Tensor:
        """See `LinearMapRule.inputs_at_positions`."""
        return inputs.movedim(0, 1)

    def gradients_at_positions(self, gradients: Tensor) -> Tensor:
        """See `LinearMapRule.gradients_at_positions`."""
        return gradients.permute(2, 0, 1, 3)

    def positions(self, inputs: Tensor) -> int:
        """See `LinearMapRule.positions`."""
        return len(inputs)


class ConvolutionRule(LinearMapRule):
    """Weights and bias of `nn.Conv2d` with zero padding, any stride, dilation and groups."""

    module: nn.Conv2d

    def trailing(self, axes: int) -> int:
        """See `LayerRule.trailing`."""
        return 3

    @property
    def weight_shape(self) -> tuple[int, int]:
        """See `LinearMapRule.weight_shape`."""
        return self.module.out_channels // self.groups, self.module.weight[0].numel()

    @property
    def groups(self) -> int:
        """See `LinearMapRule.groups`."""
        return self.module.groups

    def fits(self, taken: torch.Size, given: torch.Size) -> bool:
        """See `LayerRule.fits`."""
        return given[-3:] == (self.module.out_channels, *self._places(taken))

    def positions(self, inputs: Tensor) -> int:
        """See `LinearMapRule.positions`."""
        height, width = self._places(inputs.shape)
        return len(inputs) * height * width

    def _places(self, taken: torch.Size) -> tuple[int, int]:
        """Height and width of the output for an input of this shape."""
        module = self.module
        assert not isinstance(module.padding, str)
        height, width = (
            (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for size, pad, dilation, kernel, stride in zip(
                taken[-2:], module.padding, module.dilation, module.kernel_size,
                module.stride, strict=True,
            )
        )  # fmt: skip
        return height, width

    def inputs_at_positions(self, inputs: Tensor) -> Tensor:
        """See `LinearMapRule.inputs_at_positions`."""
        module, (times, batch, channels) = self.module, inputs.shape[:3]
        assert not isinstance(module.padding, str)
        vertical, horizontal = module.padding
        # With channels innermost, a row of a patch lies together.
        padded = functional.pad(
            inputs.flatten(0, 1), (horizontal, horizontal, vertical, vertical)
        ).contiguous(memory_format=torch.channels_last)
        image, channel, row, column = padded.stride()
        windows = padded.as_strided(
            (times, batch, self.groups, *self._places(inputs.shape), *module.kernel_size,
             channels // self.groups),
            (batch * image, image, channels // self.groups * channel, row * module.stride[0],
             column * module.stride[1], row * module.dilation[0], column * module.dilation[1],
             channel),
        )  # fmt: skip
        patches = windows.permute(1, 2, 0, 3, 4, 5, 6, 7)
        return patches.reshape(batch * self.groups, self.positions(inputs), -1)

    def gradients_at_positions(self, gradients: Tensor) -> Tensor:
        """See `LinearMapRule.gradients_at_positions`."""
        times, directions, batch, _, height, width = gradients.shape
        grouped = gradients.view(times, directions, batch, self.groups, -1, height, width)
        return grouped.permute(2, 3, 0, 5, 6, 1, 4).flatten(2, 4).flatten(0, 1)


class BatchNormRule(LayerRule):
    """Scale and shift of batch normalisation with fixed statistics."""

    module: nn.BatchNorm1d | nn.BatchNorm2d

    def trailing(self, axes: int) -> int:
        """See `LayerRule.trailing`."""
        if isinstance(self.module, nn.BatchNorm2d):
            return 3
        # torch's own layer takes (B, C, L); that of SpikingJelly for sequences takes (T, B, C) and
        # (T, B, C, L).
        return max(1, axes - (2 if getattr(self.module, "step_mode", "s") == "m" else 1))

    def fits(self, taken: torch.Size, given: torch.Size) -> bool:
        """See `LayerRule.fits`."""
        return taken == given and given[-self.trailing(len(given))] == self.module.num_features

    def prepare(self, inputs: Sequence[Tensor]) -> Prepared:
        """See `LayerRule.prepare`."""
        module = self.module
        assert module.running_mean is not None
        assert module.running_var is not None
        shape = (-1,) + (1,) * (inputs[0].dim() - 3)
        scale = (module.running_var + module.eps).rsqrt().view(shape)
        mean = module.running_mean.view(shape)
        return _BatchNorm(self, [(values - mean).mul_(scale) for values in inputs])

    def held(self, inputs: Sequence[Tensor]) -> int:
        """See `LayerRule.held`."""
        return sum(values[:, 0].numel() for values in inputs)


@dataclass
class _BatchNorm(Prepared):
    rule: BatchNormRule
    normalised: list[Tensor]

    def inner(self, gradients: Sequence[Tensor]) -> Tensor:
        directions, batch = gradients[0].shape[1:3]
        result = gradients[0].new_zeros(batch, directions, directions)
        if self.rule.trains("weight"):
            pairs = zip(gradients, self.normalised, strict=False)
            result += gram(_per_channel([gradient * scale[:, None] for gradient, scale in pairs]))
        if self.rule.trains("bias"):
            result += gram(_per_channel(gradients))
        return result


def _per_channel(values: Sequence[Tensor]) -> Tensor:
    """Sum (T', V, B, C, …) over time and space: (B, V, C)."""
    space = (0, *range(4, values[0].dim()))
    return torch.stack([value.sum(space) for value in values]).sum(0).transpose(0, 1)


def rule_for(module: nn.Module) -> LayerRule | None:
    """Find the rule for a module, or None when its gradients must come from autograd."""
    parameters = dict(module.named_parameters(recurse=False))
    if parameters.keys() - {"weight", "bias"} or any(
        parameter.is_complex() for parameter in parameters.values()
    ):
        return None
    if isinstance(module, nn.Linear):
        return LinearRule(module)
    if isinstance(module, nn.Conv2d):
        plain = module.padding_mode == "zeros" and not isinstance(module.padding, str)
        return ConvolutionRule(module) if plain else None
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return BatchNormRule(module)
    return None


def require_separate_samples(module: nn.Module) -> None:
    """Refuse a module that mixes the samples of a batch in evaluation mode too.

    Raises:
        TicError: It is a batch normalisation without running statistics.
    """
    if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
        raise TicError(
            "BatchNorm without running statistics mixes the samples of a batch; let it track them, "
            "or normalise each sample by itself"
        )
