"""Where the paper leaves the protocol open, and what is done here; shown beside each claim."""

ESTIMATOR = (
    "Fisher information is Eq. 6 per sample on training images without augmentation, of the mean "
    "logits over 1..t. The release squares the gradient of a mean over 16 samples instead, which "
    "is another quantity (estimator official)."
)
PARAMETERS = (
    "As in the release, the trace includes batch normalisation, biases and the stem, "
    "which no timestep repeats."
)
PREFIXES = (
    "Page's test takes every order of the timesteps as equally likely when there is no trend. "
    "Neighbouring prefixes are alike, so its p-value is smaller than the evidence; the other two "
    "contrasts do not have that flaw, and all three must hold."
)
PER_BATCH = (
    "Eq. 9 does not say whether the absolute value is taken per sample or per batch; here it is "
    "the batch, as in flooding."
)
ATTACKS = (
    "The paper states neither random start, clipping, pixel or normalised space, nor the network's "
    "mode. Here ε is in pixel values, results are clipped to [0, 1], PGD starts at random, and the "
    "network is in evaluation mode with its surrogate gradients. The Gaussian noise is not clipped."
)
MASKING = (
    "Accuracy under one gradient attack is an upper bound of robustness: masked gradients make it "
    "look better than it is."
)
RETRAINING = (
    "The paper does not say how many timesteps the pruned network is evaluated with. Here it is "
    "T_retrain, as it was retrained; the figure shows the full T beside it.",
    "Each round starts the cosine schedule anew at the first training's rate; the paper names no "
    "schedule.",
)
