"""Where paper and release leave the protocol open, or are wrong or unlike each other.

Of the paper the abstract, the first page and Fig. 1 were read. Each gap is a note in the entries of
the claims that it touches; those with another reading are protocols.
"""

from __future__ import annotations

from claims.yao2023.attention import SplitAttention
from claims.yao2023.networks import Frames
from claims.yao2023.reading import Reading
from tic.audit import Gap, Protocol, Recipe


def _batch(recipe: Recipe) -> Recipe:
    return _ranked(recipe, ranking="batch")


def _straight(recipe: Recipe) -> Recipe:
    return _ranked(recipe, ranking="straight-through")


def _both(recipe: Recipe) -> Recipe:
    return _ranked(recipe, together="both")


def _ranked(recipe: Recipe, **fields: object) -> Recipe:
    design = recipe.architecture
    if not isinstance(design, Frames) or not isinstance(design.attention, SplitAttention):
        return recipe
    if design.attention.ranking == "random":
        return recipe
    return recipe.but(architecture=design.but(attention=design.attention.but(**fields)))


UNREAD = Gap(
    "The body of the paper was not read: of its definitions, tables and numbers those are known "
    "that the abstract, Fig. 1 and the release's README have. All else about the setting is the "
    "release's."
)
INFERRED = Gap(
    "That the paper claims this is inferred from its abstract and its release; its own ablations "
    "were not read."
)
BATCH = Gap(
    "The release writes the choices of all samples of a batch into each of them, so that what a "
    "recording gives depends on its batch. Here every recording is ranked by itself.",
    (
        Protocol(
            "batch-top-k",
            "Features are ranked over the whole batch.",
            release=True,
            alter=_batch,
        ),
    ),
)
BOTH = Gap(
    "In the release a feature that is high in its timestep and in its channel falls into the less "
    "important group, with those that are high in neither. Here likewise.",
    (Protocol("high-in-both", "The important are those that are high in both.", alter=_both),),
)
UNTRAINED_RANKS = Gap(
    "No gradient reaches α, β and the mapping over time, so that the ranking is that of random "
    "weights; what is trained are the two convolutions. Here likewise.",
    (Protocol("trained-ranks", "Gradients go straight through the ranking.", alter=_straight),),
)
COUNTED = Gap(
    "The release counts the spikes of all layers, dense and read-out included, over all neurons, "
    "so that most of the rate is the first layer's. Here likewise.",
    (
        Protocol(
            "mean-of-layers",
            "The firing rate is the mean of the layers' rates.",
            reading=Reading(counted="layers"),
        ),
        Protocol(
            "convolutions-only",
            "The firing rate is that of the neurons behind convolutions.",
            reading=Reading(counted="convolutions"),
        ),
        Protocol(
            "synaptic-operations",
            "Spikes are weighted by the neurons that they reach, and events of the input left out.",
            reading=Reading(counted="operations"),
        ),
    ),
)
EPOCH = Gap(
    "The release reports and keeps the epoch with the best test accuracy of all epochs, of one "
    "training with seed 0. Here it is the last epoch, of every seed. Few epochs are kept: the best "
    "of those can be asked for, and not the best of all.",
    (
        Protocol(
            "best-epoch",
            "Accuracy is that of the best of the epochs that were kept.",
            reading=Reading(best=True),
        ),
    ),
)
WINDOWS = Gap(
    "The release trains on a random window of every recording, for gait with events dropped, and "
    "tests on ten windows of which more than half must be right. Here every recording is one "
    "sequence. Of 288 recordings no single run has the accuracies 95.2 or 97.7 that are reported."
)
POTENTIAL = Gap(
    "What the release plots as membrane potential is the neurons' input, after the module. Here "
    "likewise.",
    (Protocol("membrane", "Potentials are those of membranes.", reading=Reading(membrane=True)),),
)
NAMES = Gap(
    "The README calls the three-layer, the Gait-night and the DailyAction network alike; the "
    "release gives the second a half to a quarter of the channels, and the third is the five-layer "
    "one, with learned time constants and max pooling. DailyAction has 12 classes and its script "
    "10 outputs; of its sensor, 346 × 260 pixels, the release's reader keeps what lies below 128 "
    "in x and in y. Here every setting has its own network, as many outputs as classes, and the "
    "whole sensor."
)
DROPOUT = Gap(
    "In the release the third convolution and the dense layers drop what goes into them, and with "
    "the same p the spikes that their neurons give out. Of what goes from the third convolution to "
    "the first dense layer, and from there to the last, 1 - (1 - p)² is dropped: 0.19 on Gesture "
    "and Gait-day, where p is 0.1, and 0.75 on Gait-night, where it is 0.5; of the last layer's "
    "spikes, p. Here only what goes into these layers is dropped, 0.1 or 0.5 of it. Five-layer "
    "networks drop nothing there or here."
)
CAUSAL = Gap(
    "The module sees all timesteps before the first spike, so that a network with it cannot answer "
    "before the recording ends."
)
SIMULATED = Gap(
    "Which events an object made is known of simulated recordings alone. At the smoke scale images "
    "of digits move before a simulated camera with shot noise."
)
NOISE_DEFINED = Gap(
    "What a noise feature is was not read. Here it is a channel at a timestep that fires more "
    "where the object is not, and there above 0.25; a null one has a mean rate below 0.01."
)
PRECISION = Gap(
    "Energy is of synaptic operations at 0.9 pJ and of multiplications at 4.6 pJ (45 nm, Horowitz "
    "2014), products and convolutions of the module included, but neither the additions of its "
    "means nor the comparisons of its maxima; the release has no energy code; no data are moved."
)
MODULE = (BATCH, BOTH, UNTRAINED_RANKS, CAUSAL)
"""What is open about the module."""
COMMON = (UNREAD, COUNTED, EPOCH, WINDOWS, NAMES, DROPOUT, *MODULE)
"""What is open in every comparison of networks with and without the module."""
