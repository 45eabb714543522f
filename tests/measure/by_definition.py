"""Fisher information as its definitions stand, slowly: one backward per image and timestep."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

K = 4
"""Classes of the models here."""


class OverTime(nn.Module):
    """A body that is called at every timestep, and a read-out."""

    def __init__(self, body, features, timesteps=3):
        super().__init__()
        self.body = body
        self.readout = nn.Linear(features, K)
        self.timesteps = timesteps

    def forward(self, images):
        return torch.stack([self.at((t + 1) * images) for t in range(self.timesteps)])

    def at(self, images):
        return self.readout(torch.tanh(self.body(images)).flatten(1))


class AtOnce(OverTime):
    """The same, but all timesteps go through the layers together."""

    def forward(self, images):
        sequence = torch.cat([(t + 1) * images for t in range(self.timesteps)])
        return self.at(sequence).view(self.timesteps, len(images), K)


def measurable(make):
    """Make a double-precision model with running statistics that are not those it began with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = make().double()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.track_running_stats:
                nn.init.uniform_(module.running_mean, -0.5, 0.5)
                nn.init.uniform_(module.running_var, 0.5, 2)
                nn.init.uniform_(module.weight, 0.5, 2)
    return model.eval()


def close(ours, twin):
    """Agreement to nine digits, per layer and in all, of traces that are not all zero."""
    assert list(ours.by_layer) == list(twin)
    for name, trace in twin.items():
        np.testing.assert_allclose(ours.by_layer[name], trace, rtol=1e-9, atol=1e-18, err_msg=name)
    total = sum(twin.values())
    np.testing.assert_allclose(ours.trace, total, rtol=1e-9)
    assert (total > 0).all()


def owners(model):
    """Parameters that require a gradient, each under the first module that owns it."""
    owned, seen = {}, set()
    for name, module in model.named_modules():
        own = [p for p in module.parameters(recurse=False) if p.requires_grad and id(p) not in seen]
        seen.update(map(id, own))
        if own:
            owned[name] = own
    return owned


def squares(model, loss):
    """Squared gradient norm of a loss per owner."""
    owned = owners(model)
    flat = [p for own in owned.values() for p in own]
    found = iter(torch.autograd.grad(loss, flat, allow_unused=True, retain_graph=True))
    return {
        name: sum(float(g.square().sum()) for g in [next(found) for _ in own] if g is not None)
        for name, own in owned.items()
    }


def averaged(rows):
    """Mean over rows of {name: number} for every timestep: {name: (T,)}."""
    rows = list(rows)  # one list over timesteps per sample or batch
    return {
        name: np.mean([[at_t[name] for at_t in row] for row in rows], axis=0) for name in rows[0][0]
    }


def prefix_readout(model, images, t, readout="mean"):
    logits = model(images)[: t + 1]
    return {"mean": logits.mean(0), "sum": logits.sum(0)}[readout]


def prefix_loss(model, images, labels, t, readout="mean"):
    return cross_entropy(prefix_readout(model, images, t, readout), labels)


def timesteps_of(model, images):
    with torch.no_grad():
        return len(model(images[:1]))


def each_sample(model, images, labels, readout="mean"):
    """One sample, one timestep and one backward at a time: {name: number} per image and time."""
    return [
        [
            squares(model, prefix_loss(model, image[None], label[None], t, readout))
            for t in range(timesteps_of(model, images))
        ]
        for image, label in zip(images, labels, strict=True)
    ]


def empirical(model, images, labels, readout="mean"):
    """Eq. 6 as it stands."""
    return averaged(each_sample(model, images, labels, readout))


def batch_mean(model, batches, readout="mean"):
    """The release's loop: the gradient of the mean loss of a batch, squared."""
    return averaged(
        [squares(model, prefix_loss(model, images, labels, t, readout)) for t in range(steps)]
        for images, labels in batches
        for steps in [timesteps_of(model, images)]
    )


def exact(model, images, readout="mean"):
    """Eq. 5 summed over all labels."""

    def expectation(image, t):
        shares = prefix_readout(model, image[None], t, readout).detach().softmax(1)[0]
        rows = [
            squares(model, prefix_loss(model, image[None], torch.tensor([k]), t, readout))
            for k in range(len(shares))
        ]
        return {
            name: sum(float(p) * row[name] for p, row in zip(shares, rows, strict=True))
            for name in rows[0]
        }

    steps = timesteps_of(model, images)
    return averaged([expectation(image, t) for t in range(steps)] for image in images)


def labels_drawn(logits, seed, readout="mean"):
    """Labels (T, B) by inverting the distribution at one uniform number per image and timestep."""
    seeds = torch.Generator().manual_seed(seed)
    own = int(torch.randint(2**62, (), generator=seeds))
    draws = torch.Generator().manual_seed(own)
    uniform = torch.rand(logits.shape[1], len(logits), dtype=torch.float64, generator=draws)
    rows = []
    for t in range(len(logits)):
        prefix = logits[: t + 1].mean(0) if readout == "mean" else logits[: t + 1].sum(0)
        below = prefix.softmax(1).cumsum(1) <= uniform[:, t, None]
        rows.append(below.sum(1))
    return rows


def sampled(model, images, seed=0):
    """Eq. 5 at one label per image and timestep that was drawn from the model."""
    with torch.no_grad():
        drawn = torch.stack(labels_drawn(model(images), seed)).T
    return averaged(
        [squares(model, prefix_loss(model, image[None], row[t, None], t)) for t in range(len(row))]
        for image, row in zip(images, drawn, strict=True)
    )
