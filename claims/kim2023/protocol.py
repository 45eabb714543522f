"""Where the paper leaves the protocol open, is wrong, or is unlike its release.

Each gap is a note in the entries of the claims that it touches; the readings that could change a
verdict are protocols, which `--protocol` runs.
"""

from __future__ import annotations

from claims.kim2023.reading import Reading
from tic.audit import Gap, Protocol, as_kind
from tic.fitting import CosineSGD
from tic.losses import AlphaLoss, Readout
from tic.measure.fisher import Estimator
from tic.models import Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe

PAPER_SMALLEST_TAU = 0.75
RELEASE_SMALLEST_TAU = 1 / PAPER_SMALLEST_TAU


def _release_tau(recipe: Recipe) -> Recipe:
    architecture = recipe.architecture
    if isinstance(architecture, Spiking) and architecture.tau == PAPER_SMALLEST_TAU:
        return recipe.but(architecture=architecture.but(tau=RELEASE_SMALLEST_TAU))
    return recipe


def _alpha_per_sample(recipe: Recipe) -> Recipe:
    if isinstance(recipe.loss, AlphaLoss):
        return recipe.but(loss=recipe.loss.but(per="sample"))
    return recipe


def _in_bfloat16(recipe: Recipe) -> Recipe:
    return recipe.but(precision="bf16")


def _stepwise(recipe: Recipe) -> Recipe:
    return recipe.but(architecture=as_kind(recipe.architecture, Spiking).but(batch_norm="stepwise"))


def _dampened(recipe: Recipe) -> Recipe:
    fitting = as_kind(recipe.fitting, CosineSGD)
    return recipe.but(fitting=fitting.but(dampening=fitting.weight_decay, weight_decay=0.0))


def _as_released(recipe: Recipe) -> Recipe:
    return _stepwise(_dampened(recipe))


def _by_layer(recipe: Recipe) -> Recipe:
    return recipe.but(
        rules=tuple(
            rule.but(scope="layer") if isinstance(rule, Pruning) else rule for rule in recipe.rules
        )
    )


ESTIMATOR = Gap(
    "Fisher information is Eq. 6, per sample. The release squares the gradient of a mean over 16 "
    "samples instead; its expectation has the squared mean gradient in it, which depends on t.",
    (
        Protocol(
            "batch-mean",
            "Fisher information as the release computes it: squared gradients of batches of 16.",
            release=True,
            reading=Reading(estimator=Estimator.BATCH_MEAN),
        ),
    ),
)
LABELS = Gap(
    "Eq. 5 draws labels from the network, Eq. 6 takes those of the data (the empirical Fisher). "
    "Here it is Eq. 6.",
    (
        Protocol(
            "model-labels",
            "Fisher information with labels drawn from the network, as in Eq. 5.",
            reading=Reading(estimator=Estimator.SAMPLED),
        ),
    ),
)
READOUT = Gap(
    "The text accumulates logits; the release takes their mean over 1..t for Fisher information "
    "and over T for training, and their sum for validation. Here it is the mean everywhere.",
    (
        Protocol(
            "summed-logits",
            "Fisher information of the summed logits, whose softmax saturates with t.",
            reading=Reading(readout=Readout.SUM),
        ),
    ),
)
PARAMETERS = Gap(
    "As in the release, the trace includes batch normalisation, biases and the stem, "
    "which no timestep repeats.",
    (
        Protocol(
            "repeated-weights",
            "Fisher information of the weights that every timestep uses again: without the stem "
            "and without batch normalisation.",
            reading=Reading(layers="repeated"),
        ),
    ),
)
IMAGES = Gap(
    "Fisher information is measured on training images without augmentation, the same at every t. "
    "The release draws other images for every t, shuffled and augmented as in training, so that "
    "its I_t differ by the choice of images as well.",
    (
        Protocol(
            "redrawn-images",
            "Fisher information at every t on other training images, drawn as an epoch of the "
            "training draws them.",
            release=True,
            reading=Reading(images="redrawn"),
        ),
        Protocol(
            "test-images",
            "Fisher information on images that the network was not trained on.",
            reading=Reading(images="test"),
        ),
    ),
)
PRECISION = Gap(
    "The paper does not state the precision of its arithmetic. Here it is float32 unless "
    "`--precision` says otherwise.",
    (
        Protocol(
            "bf16",
            "Networks trained in bfloat16 where autocast deems it safe.",
            alter=_in_bfloat16,
        ),
    ),
)
BATCH_NORM = Gap(
    "Batch normalisation takes its statistics over all timesteps and images of a batch. The "
    "release runs one timestep after the other: in training each is normalised by itself, and the "
    "running statistics are updated T times in a step. The trained network gives the same logits "
    "either way.",
    (
        Protocol(
            "stepwise",
            "Networks trained with every timestep normalised by itself.",
            release=True,
            alter=_stepwise,
        ),
    ),
)
DAMPENING = Gap(
    "The release hands its weight decay to torch.optim.SGD as the third argument, which is the "
    "dampening of the momentum: it trains with dampening 5e-4 and without weight decay. Here it is "
    "weight decay, as the text says.",
    (
        Protocol(
            "dampening",
            "Networks trained with dampening in the place of weight decay.",
            release=True,
            alter=_dampened,
        ),
    ),
)
RELEASE = Gap(
    "The release does several things otherwise at once, which the protocol of that name does too.",
    (
        Protocol(
            "release",
            "All that the release is known to do: networks trained stepwise with dampening for "
            "weight decay; Fisher information of batches of 16, redrawn for every t. It holds no "
            "code for the α loss, the attacks or pruning.",
            release=True,
            alter=_as_released,
            reading=Reading(estimator=Estimator.BATCH_MEAN, images="redrawn"),
        ),
    ),
)
TRAINING = (BATCH_NORM, DAMPENING)
"""What the release does otherwise in every training."""
FISHER = (ESTIMATOR, LABELS, READOUT, PARAMETERS, IMAGES)
"""What is open in every measurement of Fisher information."""

SURROGATE = Gap(
    "The surrogate is called piece-wise linear; the formula printed with it is the arctangent's, "
    "which is used here."
)
SEEDS = Gap(
    "The paper reports one training each, without seeds or error bars, and its release holds no "
    "code for the α loss, the attacks or pruning; several of its options are never read."
)
PREFIXES = Gap(
    "That I_t falls is judged by its slope in every seed. Page's test over the timesteps would "
    "take every order of them as equally likely when there is no trend; neighbouring prefixes are "
    "alike, and `tic calibrate` shows how often it then sees a trend that is not there."
)
DEFICITS = Gap(
    "How strong the noise of Fig. 2 is stands in an appendix. Here it is Table 1's: Gaussian, half "
    "the norm of the image, the same noise at every timestep of the window."
)
BLOCKS = Gap(
    "The figure normalises over layers in a way that is not stated. Here each block has its own "
    "centroid, which no normalisation changes."
)
UNIFORM = Gap(
    "That a longer T starts with a higher centroid is partly arithmetic: an I_t that does not "
    "depend on t has the centroid (T + 1)/2. Centroids are therefore compared on a scale from 0 "
    "to 1."
)
LEAK = Gap(
    "In Eq. 1, τ = 0.75 makes the leak 1 - 1/τ negative, and the SpikingJelly of the release "
    "refuses τ up to 1. Here τ = 0.75 is taken as printed. What is meant may be 4/3 = 1/0.75, the "
    "default of an option that the release never reads: its networks have τ = 2.",
    (
        Protocol(
            "tau-four-thirds",
            "The smallest time constant is 4/3, an unused default of the release, instead of 0.75.",
            alter=_release_tau,
        ),
    ),
)
DECAYS = Gap(
    "The text does not name the weight decays of Fig. 4c. Here they are a fifth and twice the "
    "default. If the figure was made with the script of the release, it varies dampening, as the "
    "protocol of that name does."
)
RATES = Gap(
    "The text calls 1e-3 the best learning rate; the default and the panels of Fig. 4d say 0.3, "
    "which is taken here."
)
HALF_FALL = Gap(
    "When a transition happens is not defined. Here it is where the centroid has fallen half of "
    "the way from its largest value (from early on) to its last; a fall by less than 0.05 counts "
    "as still to come."
)
PER_BATCH = Gap(
    "Eq. 9 does not say whether the absolute value is taken per sample or per batch; here it is "
    "the batch, as in flooding. The left side of Eq. 8 should be I_t.",
    (
        Protocol(
            "alpha-per-sample",
            "The α loss takes the absolute value for every sample.",
            alter=_alpha_per_sample,
        ),
    ),
)
ATTACKS = Gap(
    "The paper states neither random start, clipping, pixel or normalised space, nor the network's "
    "mode. Here ε is in pixel values, results are clipped to [0, 1], PGD starts at random, and the "
    "network is in evaluation mode with its surrogate gradients. The release imports clock_driven "
    "of SpikingJelly, which keeps them in that mode too; activation_based of 0.0.0.0.14 loses "
    "them. The Gaussian noise is not clipped."
)
MASKING = Gap(
    "Accuracy under one gradient attack is an upper bound of robustness: masked gradients make it "
    "look better than it is."
)
INPUT_FISHER = Gap(
    "Eq. 11 puts a perturbation of the input into the Fisher matrix of the weights, which does not "
    "have its dimension. Tested are the matrix of the input, for which the equation makes sense, "
    "with surrogate derivatives, and the rank of the trace over the weights. It also asks a "
    "quadratic form to describe outputs that move in steps: any network with hard thresholds fails "
    "it, so that its refutation says little about the paper."
)
RETRAINING = Gap(
    "The paper does not say how many timesteps the pruned network is evaluated with, nor the "
    "schedule of a retraining. Here it is T_retrain, as it was retrained, and the figure shows the "
    "full T beside it; each round starts the cosine anew at the first training's rate."
)
RANKING = Gap(
    "Which weights compete is not stated, the release holds no code for it, and the group's "
    "earlier code for pruning spiking networks can do both: rank all convolutions and linear "
    "layers together, the classifier among them, or each by itself. Here all are ranked together, "
    "which can leave a small late layer nearly empty in the last round. A round removes half of "
    "what is left: its share of all weights is compounded and rounded once, which differs by at "
    "most one weight from rounding in every round.",
    (
        Protocol(
            "layerwise-pruning",
            "Every round removes the same share of each layer, the classifier included.",
            alter=_by_layer,
        ),
    ),
)
SATURATION = Gap(
    "The figures behind the statement stand in an appendix, and saturation is not defined. Here it "
    "is an accuracy within 1 percentage point of that with the most timesteps."
)
