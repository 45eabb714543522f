"""Where paper and release leave the protocol open, or are unlike each other.

Of the paper the abstract and the legend of Fig. 3 were read. Each gap is a note in the entries of
the claims that it touches; those with another reading are protocols.
"""

from __future__ import annotations

from collections.abc import Callable

from claims.meszaros2024.fitting import DelayAdam
from claims.meszaros2024.reading import Reading
from tic.audit import Gap, Protocol, Recipe, Rule, as_kind
from tic.data.speech import HeidelbergDigits, SpokenDigits
from tic.rewiring import Rewiring


def _rewired(**fields: object) -> Callable[[Recipe], Recipe]:
    """Change fields of the rule that rewires, where a training has one."""

    def changed(rule: Rule) -> Rule:
        return rule.but(**fields) if isinstance(rule, Rewiring) else rule

    return lambda recipe: recipe.but(rules=tuple(map(changed, recipe.rules)))


def _shrunk(recipe: Recipe, l1: float) -> Recipe:
    return recipe.but(fitting=as_kind(recipe.fitting, DelayAdam).but(l1=l1))


def _weakly(recipe: Recipe) -> Recipe:
    return _shrunk(recipe, 1e-5)


def _static_free(recipe: Recipe) -> Recipe:
    rewired = any(isinstance(rule, Rewiring) for rule in recipe.rules)
    return recipe if rewired else _shrunk(recipe, 0.0)


def _in_forty_bands(recipe: Recipe) -> Recipe:
    data = recipe.dataset
    return recipe.but(dataset=data.but(bands=40)) if isinstance(data, SpokenDigits) else recipe


def _in_eighty_bands(recipe: Recipe) -> Recipe:
    data = recipe.dataset
    if not isinstance(data, HeidelbergDigits):
        return recipe
    return recipe.but(dataset=data.but(features=data.features.but(bands=80)))


UNREAD = Gap(
    "The body of the paper was not read: known are the abstract, the legend of Fig. 3 and the "
    "release, and neither accuracies nor the number of seeds. All else about the setting is the "
    "release's."
)
EPOCH = Gap(
    "The release is given training and test files alone, evaluates on the test file after every "
    "epoch and keeps the best of all. Here it is the last epoch. Few epochs are kept: the best of "
    "those can be asked for, and not the best of all. Which speakers of the recorded digits could "
    "be held out to choose an epoch by is not known: whoever has the recordings names them in "
    "`held_out`.",
    (
        Protocol(
            "best-epoch",
            "Accuracy is that of the best of the epochs that were kept, on the test recordings.",
            reading=Reading(scored="best-tested"),
        ),
        Protocol(
            "held-out-epoch",
            "Accuracy is that of the epoch that is best, of those that were kept, on speakers who "
            "are neither in the training nor in the test.",
            reading=Reading(scored="best-held-out"),
        ),
    ),
)
VOICES = Gap(
    "The lists of the Heidelberg Digits have some speakers in both splits and others in the test "
    "alone, so that accuracies there are of known voices and of new ones together. No voice of the "
    "synthesised digits is in two splits."
)
REGROWTH = Gap(
    "What is called RigL regrows after every step and by the signed gradient, with signs that are "
    "fixed: it takes the synapses whose growth lowers the loss most. The release's first commits "
    "sorted the other way round. Which made the figures is not known. Here it is the signed one.",
    (
        Protocol(
            "absolute-regrowth",
            "Synapses are reborn by the absolute gradient.",
            alter=_rewired(regrowth="absolute"),
        ),
        Protocol(
            "inverted-regrowth",
            "Synapses are reborn where growth raises the loss most.",
            alter=_rewired(regrowth="inverted"),
        ),
        Protocol(
            "random-regrowth", "Synapses are reborn anywhere.", alter=_rewired(regrowth="random")
        ),
    ),
)
LINGERING = Gap(
    "In the release a synapse that died stays for one more forward pass, with the opposite sign. "
    "Here it is dead at once.",
    (
        Protocol(
            "lagging",
            "A dead synapse lingers for one step.",
            release=True,
            alter=_rewired(lagging=True),
        ),
    ),
)
SHRINKAGE = Gap(
    "L1 has a coefficient of 0.01 in the release's last commit, with 1e-5 beside it as a comment, "
    "in static networks too. In a dense one it is larger than the loss at first. DEEP R's noise is "
    "left out. Here likewise, with 0.01.",
    (
        Protocol("weak-l1", "L1 has a coefficient of 1e-5.", alter=_weakly),
        Protocol("static-without-l1", "L1 is on rewired weights alone.", alter=_static_free),
    ),
)
DALE = Gap(
    "The release's last commit rewires with one sign per presynaptic unit. Here every synapse has "
    "its own, but where the claim is about Dale's principle.",
    (
        Protocol(
            "dale",
            "Networks are rewired with one sign per presynaptic unit.",
            release=True,
            alter=_rewired(signs="presynaptic"),
        ),
    ),
)
BEGINNING = Gap(
    "At a sparsity of 0 the release's rewired network is a dense one whose weights begin otherwise "
    "than the static one's, and it counts signs, which nothing trains, among its parameters. Here "
    "rewired networks begin at 0.5, with the signs of their first weights, and sizes that are "
    "printed are not compared."
)
ROUNDED = Gap(
    "Positions are rounded where a network is evaluated alone; training ends with side taps of "
    "about 11 % each, and batch normalisation stays. Here likewise."
)
CAPS = Gap(
    "At the two highest sparsities the read-out has 20 and 10 synapses for 20 classes, so that at "
    "the last at most 11 of them can be told apart, and a random mask leaves hardly any path from "
    "input to read-out. The networks of the smoke setting are so small that they are compared up "
    "to 0.875, which counts as high there."
)
MEASURE = Gap(
    "What measures grouping was not read, and the release does not have it. Here G is the pooled "
    "spatial autocorrelation (Moran's I) of signs within hidden neurons over bands and delays, "
    "minus its mean over 200 permutations: patches of like sign count. Excitation beside "
    "inhibition is a G below 0, which refutes it.",
    (
        Protocol("near", "Neighbours are within one band or timestep.", reading=Reading(reach=1.0)),
        Protocol("far", "Neighbours are within three.", reading=Reading(reach=3.0)),
    ),
)
PLACES = Gap(
    "Space has an order in the layer from the input alone, where it is frequency: grouping is that "
    "of this layer."
)
DENSITY = Gap(
    "Grouping may also mean that all synapses lie at the same places, whatever their signs. Here "
    "that does not count.",
    (
        Protocol(
            "density",
            "G is how near live synapses of any sign lie: the weight of neighbours over that of "
            "uniform positions (pair correlation), minus 1.",
            reading=Reading(density=True),
        ),
    ),
)
UNDIVIDED = Gap(
    "Grouping may also mean that all synapses lie at the same places, whatever their signs. That "
    "has no part in space: every band of the dense network is live, so that its synapses can lie "
    "nearer to each other in time alone. So this claim has no such reading."
)
SPEECH = Gap(
    "The public script for the features has 80 bands in its text and 40 in its comment, as the "
    "release has; and it fills up with zeros, where its comment says the last frame. Here it is 40 "
    "bands, and zeros. At the smoke scale digits are spoken by a synthesiser, in 20 bands and 40 "
    "bins of which features are kept and not the sound, so that they are filled up with zeros "
    "alone; at a sparsity of 0.75 that leaves a hidden neuron five synapses.",
    (
        Protocol(
            "forty-bands",
            "Synthesised digits have 40 bands, so that a hidden neuron has twice the synapses.",
            alter=_in_forty_bands,
        ),
        Protocol("eighty-bands", "Recorded digits have 80 bands.", alter=_in_eighty_bands),
    ),
)
COMMON = (UNREAD, EPOCH, VOICES, SHRINKAGE, ROUNDED, CAPS, SPEECH)
"""What is open in every comparison of accuracies."""
REWIRED = (REGROWTH, LINGERING, DALE, BEGINNING)
"""What is open about networks that are rewired."""
GROUPED = (UNREAD, MEASURE, DENSITY, PLACES, SHRINKAGE, SPEECH)
"""What is open about grouping."""
JOINT = (UNREAD, MEASURE, UNDIVIDED, PLACES, SHRINKAGE, SPEECH)
"""What is open about grouping in space and in time both."""
