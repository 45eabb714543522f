"""Where the paper's abstract leaves the protocol open, or its release is wrong or unlike itself.

The paper's text was not read: what it states of these is not known. Each gap is a note in the
entries of the claims that it touches; those with another reading are protocols.
"""

from __future__ import annotations

from claims.li2023.networks import PreActivation
from claims.li2023.reading import Reading
from tic.audit import Gap, Protocol, Recipe, as_kind
from tic.fitting import CosineSGD


def _ordinary(recipe: Recipe) -> bool:
    design = recipe.architecture
    return isinstance(design, PreActivation) and design.neuron == "relu"


def _rectified(recipe: Recipe) -> Recipe:
    if not _ordinary(recipe):
        return recipe
    return recipe.but(architecture=recipe.architecture.but(rectified_shortcut=True))


def _less_momentum(recipe: Recipe) -> Recipe:
    if not _ordinary(recipe):
        return recipe
    return recipe.but(fitting=as_kind(recipe.fitting, CosineSGD).but(momentum=0.8))


UNREAD = Gap(
    "The paper's text was not read: its figures, tables, settings and numbers are not known. "
    "Claimed is what the abstract says; all else about the setting is the release's."
)
PROVISIONAL = Gap(
    "The abstract names the topic and no direction. The direction judged here is provisional, "
    "chosen before any audit, and not the paper's. Half the width, where it is compared, is none "
    "of the release's, whose factors are whole."
)
DIRECTION = Gap(
    "The abstract says that the time dimension was investigated. What the number of timesteps and "
    "the leak do was not read, so that the claim stays undecided whatever is measured; whether a "
    "change beyond the margin is there, in either direction, its contrasts tell."
)
STATISTIC = Gap(
    "No statistic is stated for a periodic pattern or for ANN-like. Here the pattern is J, the "
    "mean over blocks of the similarity after the sum minus that at the end of the branch, and "
    "ANN-like is measured against a second ordinary network. The release trains no such pair."
)
ESTIMATOR = Gap(
    "CKA has the linear kernel and the debiased criterion, as the release does, over all images "
    "together instead of two batches of 1,024. It is signed, and a layer that is the same for all "
    "images has none; the release takes square roots there and would give NaN. Layers are the "
    "stem, the normalisations, neurons, branches and sums of the blocks, and the last neurons "
    "before and after pooling; the release compares convolutions and projection shortcuts, too."
)
TIME = Gap(
    "Activations of all timesteps are features side by side, as in the release, where taking their "
    "mean is commented out.",
    (
        Protocol(
            "time-mean",
            "Representations are means over the timesteps.",
            reading=Reading(time="mean"),
        ),
    ),
)
SHORTCUT = Gap(
    "The ordinary network of the release rectifies in place, so that its identity shortcut carries "
    "activated values and the spiking one's carries currents. Here both carry the block's input.",
    (
        Protocol(
            "in-place-shortcut",
            "The identity shortcut of ordinary networks carries the activated input.",
            release=True,
            alter=_rectified,
        ),
    ),
)
FITTING = Gap(
    "The release trains ordinary networks with momentum 0.8 and spiking ones with 0.9, in other "
    "precisions, and keeps the epoch with the best test accuracy. Here all is the same but for the "
    "neuron and the timesteps, and the last epoch is taken.",
    (
        Protocol(
            "ann-momentum",
            "Ordinary networks are trained with momentum 0.8.",
            release=True,
            alter=_less_momentum,
        ),
    ),
)
FIRST_LAYERS = Gap(
    "With direct encoding the stem sees the same input at every timestep, so that it does not "
    "change at all, and the identity shortcut carries that constant through the first stage: that "
    "shallow blocks change little is partly construction."
)
EVENT_DATA = Gap(
    "Which event data the paper has was not read. Here they are made of the images by one-pixel "
    "differences in eight directions (I2E), so that anybody can repeat it; recordings of a sensor "
    "they are not. An ordinary network sees frame by frame, with averaged logits. Frames of events "
    "differ from each other and a repeated image does not, so that a part of what changes over "
    "time is in the input; and networks that see events are trained without augmentation, those "
    "that see images with it, where the setting has any."
)
CRAFTING = Gap(
    "The release attacks in training mode: statistics are the batch's, and 20 passes move the "
    "running ones that the attacked network is measured with. Here the network is in evaluation "
    "mode. The release's ε of 0.01 is in normalised space, without clipping, which moves an image "
    "no more than random signs of that size do; results are clipped to [0, 1] here, and for the "
    "digits ε is 0.3 standard deviations.",
    (
        Protocol(
            "train-mode-attack",
            "Attacks are made in training mode, and attacked images are seen with the running "
            "statistics that this leaves.",
            release=True,
            reading=Reading(crafting="training"),
        ),
    ),
)
UNTRAINED = Gap(
    "In evaluation mode an untrained spiking network hardly fires in its deep layers, since the "
    "statistics of its batch normalisation are not its own yet. It is compared with those of the "
    "images that are measured."
)
COMMON = (UNREAD, ESTIMATOR, FITTING, SHORTCUT)
"""What is open in every comparison of a spiking with an ordinary network."""
