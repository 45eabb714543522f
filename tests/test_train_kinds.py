"""Training with what a paper brings of its own: the same promises hold, and faults are named."""

import json
from dataclasses import dataclass, replace

import pytest
import safetensors.torch
import torch
from torch import nn

from tic.data import Augmentation, Dataset, Digits, Facts, Samples
from tic.engine.plan import make_plan
from tic.engine.plan_text import plan_text
from tic.errors import TicError
from tic.fitting import HOOKS, CosineSGD, Fitting, Rule
from tic.lab import Lab
from tic.losses import Loss, MeanLoss, mean_loss
from tic.models import Architecture
from tic.recipe import Recipe
from tic.run import HISTORY, MANIFEST, weights_name
from tic.train import train, train_if_free


@dataclass(frozen=True)
class Beats(Dataset):
    """Sequences of five steps whose class is the sign of their mean."""

    @property
    def facts(self):
        return Facts(name="beats", shape=(5, 2), num_classes=2, train_size=40, test_size=10)

    def load(self, split, root=None, *, download=True):
        count = self.facts.size(split)
        inputs = torch.randn(count, 5, 2, generator=torch.Generator().manual_seed(count))
        return Samples(self.facts, split, inputs, (inputs.mean((1, 2)) > 0).long())


class Timeless(nn.Module):
    """A network without time: (B, …) -> (1, B, K), with everything that draws while it trains."""

    def __init__(self, inputs, classes, dropout):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(inputs, 16), nn.ReLU(), nn.Dropout(dropout)
        )
        self.classifier = nn.Linear(16, classes)

    def forward(self, inputs):
        return self.classifier(self.layers(inputs))[None]


@dataclass(frozen=True)
class Perceptron(Architecture):
    """Two layers with dropout."""

    dropout: float = 0.5
    classes: int | None = None

    def build(self, facts, timesteps):
        inputs = torch.Size(facts.shape).numel()
        return Timeless(inputs, self.classes or facts.num_classes, self.dropout)


@dataclass(frozen=True)
class Tied(Architecture):
    """Two layers that share their weights."""

    def build(self, facts, timesteps):
        network = Timeless(torch.Size(facts.shape).numel(), facts.num_classes, 0.0)
        network.again = network.classifier
        network.classifier_weight = network.classifier.weight
        return network


@dataclass(frozen=True)
class AdamW(Fitting):
    """Adam with decoupled weight decay, in two groups of parameters."""

    learning_rate: float = 0.01
    amsgrad: bool = False

    def optimiser(self, network):
        groups = [{"params": [parameter]} for parameter in network.parameters()]
        return torch.optim.AdamW(groups, lr=self.learning_rate, amsgrad=self.amsgrad)


@dataclass(frozen=True)
class Averaging(Rule):
    """Keeps a moving average of the weights, and pulls them towards it with noise."""

    decay: float = 0.9

    def start(self, fit):
        for name, weight in fit.network.named_parameters():
            fit.tensors[f"averaging.{name}"] = weight.detach().clone()

    @torch.no_grad()
    def after_step(self, fit):
        for name, weight in fit.network.named_parameters():
            average = fit.tensors[f"averaging.{name}"]
            average.lerp_(weight, 1 - self.decay)
            noise = torch.randn(weight.shape, generator=fit.generator)
            weight.lerp_(average, 0.1).add_(noise, alpha=1e-3)


@dataclass(frozen=True)
class Counting(Rule):
    """Has no needs, and remembers what it was told of the training."""

    def start(self, fit):
        fit.tensors["counting.told"] = torch.zeros(0, 3, dtype=torch.int64)

    def tell(self, fit, moment):
        row = torch.tensor([[moment, fit.epoch, fit.step]])
        fit.tensors["counting.told"] = torch.cat([fit.tensors["counting.told"], row])

    def before_epoch(self, fit):
        self.tell(fit, 0)

    def after_step(self, fit):
        self.tell(fit, 1)
        # What stands in the network comes into the weights that are kept.
        fit.network.classifier.bias.data[0] = float(fit.tensors["counting.told"].sum())


@dataclass(frozen=True)
class Renewal(Rule):
    """Draws the classifier anew from torch's own generator."""

    def start(self, fit):
        nn.init.normal_(fit.network.classifier.weight)


@pytest.fixture
def recipe():
    return Recipe(
        dataset=Beats(),
        architecture=Perceptron(),
        timesteps=1,
        fitting=AdamW(),
        epochs=3,
        batch_size=15,
        checkpoints=3,
    )


class InterruptionError(Exception):
    """Ends a training after an epoch, as a kill would, but within this process."""


def interrupt(recipe, lab, after):
    def on_epoch(epoch):
        if epoch == after:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        train(recipe, lab, on_epoch)


def contents(run):
    """All that a Run's files hold, besides how long the training took."""
    files = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    history, manifest = (json.loads(files.pop(name)) for name in (HISTORY, MANIFEST))
    del history["seconds"], manifest[HISTORY]
    return files, history, manifest


def weights(run, epoch):
    return safetensors.torch.load_file(run.folder / weights_name(epoch))


# Resuming


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"fitting": AdamW(amsgrad=True)},
        {"fitting": CosineSGD(), "rules": (Averaging(),)},
        {"rules": (Averaging(), Counting(), Renewal())},
        {"dataset": Digits(), "train_size": 40, "precision": "bf16"},
    ],
    ids=str,
)
def test_an_interrupted_training_with_kinds_of_ones_own_goes_on_with_the_same_bits(
    tmp_path, recipe, change
):
    recipe, told = recipe.but(**change), []
    torch.manual_seed(1)
    undisturbed = train(recipe, Lab(tmp_path / "one"))
    lab = Lab(tmp_path / "other")
    for epoch in (1, 2):
        torch.manual_seed(epoch)
        interrupt(recipe, lab, after=epoch)
    assert contents(train(recipe, lab, told.append)) == contents(undisturbed)
    assert told == [3]


def test_training_with_dropout_leaves_the_global_generator_alone(lab, recipe):
    before = torch.get_rng_state()
    train(recipe.but(rules=(Renewal(),)), lab)
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_draws_by_the_seed_and_anew_in_every_epoch(lab, recipe):
    seen = []

    class Listening(Timeless):
        def forward(self, inputs):
            hidden = self.layers(inputs)
            if len(inputs) == 40:  # all of them, and not the few that are shown twice
                seen.append(hidden == 0)
            return self.classifier(hidden)[None]

    network = lab.fresh_network(recipe)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(network), "forward", Listening.forward)
        train(recipe.but(batch_size=40), lab)
    first, second, third = seen
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)


def test_a_rule_is_told_epochs_and_steps_as_they_are_finished(lab, recipe):
    run = train(recipe.but(epochs=2, checkpoints=2, rules=(Counting(),)), lab)
    # Moment 0 is before an epoch and 1 after a step, of which three make an epoch of forty samples.
    told = [(0, 0, 0), (1, 0, 1), (1, 0, 2), (1, 0, 3), (0, 1, 3), (1, 1, 4), (1, 1, 5), (1, 1, 6)]
    assert weights(run, 1)["classifier.bias"][0] == sum(map(sum, told[:4]))
    assert weights(run, 2)["classifier.bias"][0] == sum(map(sum, told))


def test_what_a_rule_draws_when_it_starts_comes_from_the_seed(tmp_path, recipe):
    drawn = []
    for number, seed in enumerate((0, 0, 1)):
        torch.manual_seed(number)
        run = train(recipe.but(rules=(Renewal(),), seed=seed), Lab(tmp_path / str(number)))
        drawn.append(weights(run, 0)["classifier.weight"])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_rule_of_ones_own_changes_the_fingerprint_and_the_weights(lab, recipe):
    runs = [train(each, lab) for each in (recipe, recipe.but(rules=(Averaging(),)))]
    assert runs[0].fingerprint != runs[1].fingerprint
    last = [weights(run, 3)["classifier.weight"] for run in runs]
    assert not torch.equal(*last)


def test_a_child_starts_from_its_parents_weights_without_a_rule(lab, recipe):
    child = train(recipe.but(parent=recipe, epochs=2, checkpoints=2), lab)
    start = weights(lab.run(recipe), 3)
    assert torch.equal(weights(child, 0)["classifier.weight"], start["classifier.weight"])
    assert not torch.equal(weights(child, 2)["classifier.weight"], start["classifier.weight"])


def test_weights_that_are_tied_are_kept_and_read(lab, recipe):
    tied = recipe.but(architecture=Tied())
    run = train(tied, lab)
    kept = weights(run, 3)
    assert torch.equal(kept["again.weight"], kept["classifier.weight"])
    network = lab.network(tied)
    assert network.again.weight is network.classifier.weight
    assert torch.equal(network.classifier.weight, kept["classifier.weight"])


# Curves


@dataclass(frozen=True)
class ConfidentLoss(Loss):
    """Keeps a scalar and a vector of every epoch."""

    def __call__(self, logits, labels):
        return mean_loss(logits, labels)

    def curves(self, logits, labels):
        shares = logits.mean(0).softmax(-1)
        return {"sure": shares.max(-1).values.mean(), "classes": shares.mean(0)}


def test_curves_of_a_loss_are_means_over_the_samples_of_an_epoch(lab, recipe):
    # At a rate of nearly nothing, and with no dropout, all batches see the same network.
    still = recipe.but(
        architecture=Perceptron(dropout=0.0),
        fitting=CosineSGD(learning_rate=1e-30),
        loss=ConfidentLoss(),
    )
    run = train(still, lab)
    samples = lab.samples(Beats(), "train")
    with torch.no_grad():
        shares = lab.network(still)(samples.inputs).mean(0).softmax(-1)
    sure, classes = float(shares.max(-1).values.mean()), shares.mean(0).tolist()
    assert run.curve("sure") == pytest.approx([sure] * 3)
    assert run.curve("classes") == [pytest.approx(classes)] * 3
    with pytest.raises(TicError, match="keeps no curve 'prefix_losses'; it keeps sure, classes"):
        run.curve("prefix_losses")


def test_a_loss_need_not_keep_any_curve(lab, recipe):
    run = train(recipe.but(loss=Scaled()), lab)
    assert run.history["curves"] == {}
    with pytest.raises(TicError, match="keeps no curve 'prefix_losses'; it keeps none"):
        run.curve("prefix_losses")


@dataclass(frozen=True)
class OddCurves(Loss):
    """Keeps what cannot be kept."""

    fault: str

    def __call__(self, logits, labels):
        return mean_loss(logits, labels)

    def curves(self, logits, labels):
        return {
            "number": {"value": 0.5},
            "matrix": {"value": torch.zeros(2, 2)},
            "length": {"value": torch.zeros(len(labels))},
            "names": {f"value{len(labels)}": torch.zeros(())},
            "nan": {"value": torch.tensor([0.5, torch.nan])},
        }[self.fault]


@pytest.mark.parametrize("fault", ["number", "matrix", "length", "names"])
def test_curves_that_cannot_be_kept_are_refused(lab, recipe, fault):
    message = r"curves of the loss OddCurves \(test_train_kinds.py:\d+\) must return the same names"
    with pytest.raises(TicError, match=message):
        train(recipe.but(loss=OddCurves(fault)), lab)


def test_a_curve_that_stops_being_finite_is_a_divergence_and_is_named(lab, recipe):
    run = train(recipe.but(loss=OddCurves("nan")), lab)
    assert run.diverged == "the value became [0.5, nan] in epoch 1"


# Faults


@dataclass(frozen=True)
class Scaled(Loss):
    """A loss that is what a test tells it to be."""

    fault: str = ""

    def __call__(self, logits, labels):
        loss = mean_loss(logits, labels)
        return {
            "": loss,
            "vector": loss.expand(3),
            "number": loss.item(),
            "constant": torch.zeros(()),
            "detached": loss.detach(),
        }[self.fault]


@pytest.mark.parametrize(
    ("fault", "got"),
    [
        ("vector", r"got a tensor of shape \(3,\)"),
        ("number", "got something of type float"),
        ("constant", r"got a tensor of shape \(\) without a gradient"),
        ("detached", r"got a tensor of shape \(\) without a gradient"),
    ],
)
def test_a_loss_that_is_no_scalar_of_the_logits_is_refused(lab, recipe, fault, got):
    message = rf"the loss Scaled \(test_train_kinds.py:\d+\) must return a scalar .*{got}; take"
    with pytest.raises(TicError, match=message):
        train(recipe.but(loss=Scaled(fault)), lab)


def test_a_network_of_other_classes_than_the_data_set_is_refused(lab, recipe):
    message = (
        r"the network of Perceptron \(test_train_kinds.py:\d+\) must give logits \(T, B, K\) with "
        r"T=1 and K=2, as the Recipe and beats have them, got \(1, 15, 3\)"
    )
    with pytest.raises(TicError, match=message):
        train(recipe.but(architecture=Perceptron(classes=3)), lab)


def test_a_network_of_other_timesteps_than_the_recipe_is_refused(lab, recipe):
    with pytest.raises(TicError, match=r"with T=4 .*got \(1, 15, 2\); a network without time has"):
        train(recipe.but(timesteps=4), lab)


@dataclass(frozen=True)
class Given(Architecture):
    """Builds what a test tells it to."""

    what: str

    def build(self, facts, timesteps):
        frozen = nn.Linear(2, 2)
        frozen.requires_grad_(False)
        return {
            "without parameters": nn.Flatten(),
            "frozen": frozen,
            "no module": lambda inputs: inputs,
            "nothing": None,
        }[self.what]


@pytest.mark.parametrize(
    ("what", "got"),
    [
        ("without parameters", "got something of type Flatten"),
        ("frozen", "got something of type Linear"),
        ("no module", "got something of type function"),
        ("nothing", "got something of type NoneType"),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused(lab, recipe, what, got):
    message = rf"Given.build must return a torch.nn.Module with parameters to be trained, {got}"
    for use in (train, train_if_free):
        with pytest.raises(TicError, match=message):
            use(recipe.but(architecture=Given(what)), lab)


@dataclass(frozen=True)
class NoFitting(Fitting):
    """Makes no optimiser."""

    def optimiser(self, network):
        return network.parameters()


def test_a_fitting_that_makes_no_optimiser_is_refused(lab, recipe):
    message = r"the fitting NoFitting \(test_train_kinds.py:\d+\) must make a torch.optim.Optimizer"
    with pytest.raises(TicError, match=message):
        train(recipe.but(fitting=NoFitting()), lab)


@dataclass(frozen=True)
class Elsewhere(Fitting):
    """Steps a parameter that is not one of the network's."""

    def optimiser(self, network):
        return torch.optim.SGD([*network.parameters(), nn.Parameter(torch.ones(2))], lr=0.1)


def test_an_optimiser_of_something_else_than_the_network_is_refused(lab, recipe):
    message = r"Elsewhere \(test_train_kinds.py:\d+\) must step .*, got 1 of \d+ that are not; give"
    with pytest.raises(TicError, match=message):
        train(recipe.but(fitting=Elsewhere()), lab)


@dataclass(frozen=True)
class Remembering(Rule):
    """Remembers what it must not."""

    what: str

    def start(self, fit):
        weight = fit.network.classifier.weight
        fit.tensors["remembering.it"] = {"weight": weight, "row": weight[0], "number": 3}[self.what]


@pytest.mark.parametrize("what", ["weight", "row", "number"])
def test_a_rule_that_remembers_what_is_not_its_own_is_refused(lab, recipe, what):
    message = "what a rule remembers must be tensors of its own, .* as 'remembering.it'; clone"
    with pytest.raises(TicError, match=message):
        train(recipe.but(rules=(Remembering(what),)), lab)


@dataclass(frozen=True)
class OddOptimiser(AdamW):
    """Makes an optimiser with a state that no file holds."""

    def optimiser(self, network):
        made = super().optimiser(network)
        made.param_groups[0]["hook"] = print
        return made


def test_a_state_of_an_optimiser_that_no_file_holds_is_refused(lab, recipe):
    with pytest.raises(TicError, match=r"state of an optimiser must be tensors, .* in AdamW"):
        train(recipe.but(fitting=OddOptimiser()), lab)


class Leaking(Timeless):
    """A network that adds what it gave before, by a gain that is learned."""

    def __init__(self, inputs, classes, gain, only_training):
        super().__init__(inputs, classes, 0.5)
        self.gain, self.only_training = nn.Parameter(torch.tensor(gain)), only_training
        self.before = 0.0

    def forward(self, inputs):
        logits = super().forward(inputs)
        before, self.before = self.before, logits.detach().mean()
        leaks = self.training or not self.only_training
        return logits + self.gain * before * torch.tensor([1.0, 0.0]) if leaks else logits


@dataclass(frozen=True)
class Stateful(Architecture):
    """Builds a network that keeps state between calls."""

    gain: float
    only_training: bool = False

    def build(self, facts, timesteps):
        inputs = torch.Size(facts.shape).numel()
        return Leaking(inputs, facts.num_classes, self.gain, self.only_training)


@pytest.mark.parametrize(
    ("architecture", "mode", "epochs"),
    [
        (Stateful(1.0), "evaluation", []),
        (Stateful(0.0), "evaluation", [1, 2, 3]),
        (Stateful(1.0, only_training=True), "training", []),
    ],
    ids=["at once", "when trained", "in training"],
)
def test_a_network_that_keeps_state_between_calls_is_refused(
    lab, recipe, architecture, mode, epochs
):
    finished = []
    message = (
        rf"two calls on the same \d+ samples in {mode} mode give different logits, so Leaking keeps"
        r" state .*; keep what is of one call in local variables of forward, or .*reset_net\(self\)"
    )
    with pytest.raises(TicError, match=message):
        train(recipe.but(architecture=architecture), lab, finished.append)
    assert finished == epochs


def test_a_network_that_was_mended_learns_nothing_from_before(tmp_path, recipe, monkeypatch):
    recipe = recipe.but(architecture=Stateful(0.0))
    lab, other = Lab(tmp_path / "one"), Lab(tmp_path / "other")
    with pytest.raises(TicError, match="keeps state"):
        train(recipe, lab)
    monkeypatch.setattr(Leaking, "forward", Timeless.forward)
    assert contents(train(recipe, lab)) == contents(train(recipe, other))


class Masked(Timeless):
    """A network with a constant buffer that is not finite, and an extreme it has yet to see."""

    def __init__(self, inputs, classes):
        super().__init__(inputs, classes, 0.5)
        self.register_buffer("mask", torch.full((2, 2), -torch.inf).triu(1))
        self.register_buffer("lowest", torch.tensor(torch.inf))
        self.register_buffer("shift", torch.zeros(()))


@dataclass(frozen=True)
class WithMask(Architecture):
    """Builds it."""

    def build(self, facts, timesteps):
        return Masked(torch.Size(facts.shape).numel(), facts.num_classes)


@dataclass(frozen=True)
class Spoiling(Rule):
    """Makes something infinite."""

    of: str

    @torch.no_grad()
    def after_step(self, fit):
        fit.network.state_dict()[self.of].view(-1)[0] = torch.inf


def test_a_buffer_that_is_infinite_from_the_start_is_no_divergence(lab, recipe):
    run = train(recipe.but(architecture=WithMask()), lab)
    assert run.diverged is None
    layout = WithMask().build(recipe.dataset.facts, 1).state_dict()
    assert run.weights(recipe.epochs, layout)["mask"].tolist() == [[0, -torch.inf], [0, 0]]


@pytest.mark.parametrize("name", ["classifier.bias", "shift"])
def test_what_was_finite_and_is_not_is_a_divergence(lab, recipe, name):
    run = train(recipe.but(architecture=WithMask(), rules=(Spoiling(name),)), lab)
    assert run.diverged in (
        "the weights stopped being finite in epoch 1",
        "the training loss became nan in epoch 1",
    )


class Remarking(Timeless):
    """A network with something in its state that is no tensor."""

    def get_extra_state(self):
        return {"remark": 1}

    def set_extra_state(self, state):
        pass


@dataclass(frozen=True)
class WithRemark(Architecture):
    """Builds it."""

    def build(self, facts, timesteps):
        return Remarking(torch.Size(facts.shape).numel(), facts.num_classes, 0.5)


def test_state_that_is_no_tensor_is_refused_before_a_training(lab, recipe):
    remarked = recipe.but(architecture=WithRemark())
    message = r"WithRemark \(test_train_kinds.*\) gives must be tensors.* '_extra_state'; register"
    with pytest.raises(TicError, match=message):
        train(remarked, lab)
    with pytest.raises(TicError, match=message):
        plan_text(make_plan([remarked]), (), lab)


class Adapting(Timeless):
    """A network whose statistics change in every call; as the mode says they have a part in it."""

    def __init__(self, inputs, classes):
        super().__init__(inputs, classes, 0.5)
        self.register_buffer("rate", torch.zeros(classes))
        self.register_buffer("scale", torch.tensor(0.0))

    def forward(self, inputs):
        logits = super().forward(inputs)
        if not self.scale:
            self.scale += logits.detach().std()
        self.rate.lerp_(logits.detach().mean((0, 1)), 0.5)
        return (logits - self.rate if self.training else logits) / self.scale


@dataclass(frozen=True)
class Homeostatic(Architecture):
    """Builds one."""

    def build(self, facts, timesteps):
        return Adapting(torch.Size(facts.shape).numel(), facts.num_classes)


def test_to_be_called_twice_changes_nothing_that_a_network_learns(tmp_path, recipe, monkeypatch):
    recipe = recipe.but(architecture=Homeostatic())
    asked = train(recipe, Lab(tmp_path / "asked"))
    lab = Lab(tmp_path / "interrupted")
    for epoch in (1, 2):
        interrupt(recipe, lab, after=epoch)
    assert contents(train(recipe, lab)) == contents(asked)
    monkeypatch.setattr("tic.train.require_stateless", lambda network, inputs: None)
    assert contents(train(recipe, Lab(tmp_path / "unasked"))) == contents(asked)


class Odd(Timeless):
    """A network that is no state-keeper, and odd."""

    def __init__(self, inputs, classes, what):
        super().__init__(inputs, classes, 0.0)
        self.what = what

    def forward(self, inputs):
        if self.what == "takes fifteen" and len(inputs) != 15:
            raise ValueError(f"fifteen, not {len(inputs)}")
        logits = super().forward(inputs)
        if self.what == "masked":
            return logits.where(logits > logits.amin(2, keepdim=True), -torch.inf)
        if self.what == "energy":
            with torch.enable_grad():
                (slope,) = torch.autograd.grad(
                    logits.sum(), self.classifier.weight, create_graph=True
                )
            return logits + slope.sum()
        if self.what == "silent" and not self.training:
            return logits / logits.new_tensor([0.0, 1.0])
        return logits * (torch.nan if self.what == "nan" else 1)


@dataclass(frozen=True)
class Oddly(Architecture):
    """Builds one that a test names."""

    what: str

    def build(self, facts, timesteps):
        return Odd(torch.Size(facts.shape).numel(), facts.num_classes, self.what)


@dataclass(frozen=True)
class Finite(Loss):
    """The mean of the logits that are finite."""

    def __call__(self, logits, labels):
        return logits[logits.isfinite()].mean()


@pytest.mark.parametrize("what", ["masked", "energy", "silent"])
def test_odd_networks_without_state_are_trained(lab, recipe, what):
    assert train(recipe.but(architecture=Oddly(what), loss=Finite()), lab).diverged is None


def test_a_network_that_takes_batches_of_one_size_is_trained(lab, recipe):
    thirty = recipe.but(architecture=Oddly("takes fifteen"), train_size=30)
    assert train(thirty, lab).diverged is None


def test_a_network_of_nan_is_a_diverged_training(lab, recipe):
    assert "nan in epoch 1" in train(recipe.but(architecture=Oddly("nan")), lab).diverged


class LuckError(RuntimeError):
    """What a test lets an author's code raise."""


def fail(*arguments):
    """Raise from what an author wrote."""
    raise LuckError("out of luck")


@dataclass(frozen=True)
class FailingPerceptron(Perceptron):
    """Fails on the way back."""

    def build(self, facts, timesteps):
        network = super().build(facts, timesteps)
        network.classifier.register_full_backward_hook(fail)
        return network


@dataclass(frozen=True)
class FailingLoss(Loss):
    """Fails."""

    def __call__(self, logits, labels):
        fail()


@dataclass(frozen=True)
class FailingCurves(MeanLoss):
    """Fails to tell what it keeps."""

    def curves(self, logits, labels):
        fail()


@dataclass(frozen=True)
class FailingBuild(Perceptron):
    """Fails to build."""

    def build(self, facts, timesteps):
        fail()


@dataclass(frozen=True)
class Changing(Fitting):
    """Of which the author takes another optimiser at the same version."""

    def optimiser(self, network):
        return self.made(network.parameters(), lr=0.01)


def test_a_state_of_another_optimiser_is_not_gone_on_from(lab, recipe, monkeypatch):
    changing = recipe.but(fitting=Changing(), epochs=3, checkpoints=1)
    monkeypatch.setattr(Changing, "made", torch.optim.SGD, raising=False)
    with pytest.raises(KeyboardInterrupt):
        train(changing, lab, stop_after(2))
    monkeypatch.setattr(Changing, "made", torch.optim.Adam)
    epochs = []
    train(changing, lab, epochs.append)
    assert epochs == [1, 2, 3]


def stop_after(last):
    def on_epoch(epoch):
        if epoch == last:
            raise KeyboardInterrupt

    return on_epoch


@dataclass(frozen=True)
class NoOptimiser(AdamW):
    """Fails to make an optimiser."""

    def optimiser(self, network):
        fail()


@dataclass(frozen=True)
class FailingFitting(AdamW):
    """Makes an optimiser that fails."""

    def optimiser(self, network):
        optimiser = super().optimiser(network)
        optimiser.register_step_pre_hook(fail)
        return optimiser


@dataclass(frozen=True)
class FailingRule(Rule):
    """Fails at one moment."""

    moment: str

    def start(self, fit):
        self.act("start")

    def before_epoch(self, fit):
        self.act("before_epoch")

    def before_step(self, fit):
        self.act("before_step")

    def after_step(self, fit):
        self.act("after_step")

    def act(self, moment):
        if moment == self.moment:
            fail()


@pytest.mark.parametrize(
    ("change", "what", "way_out"),
    [
        (
            {"architecture": FailingPerceptron()},
            "the backward pass of FailingPerceptron",
            "if it keeps state between calls, let its forward begin by resetting it",
        ),
        ({"loss": FailingLoss()}, "the loss FailingLoss", "mend it there"),
        ({"loss": FailingCurves()}, "curves of the loss FailingCurves", "mend it there"),
        ({"architecture": FailingBuild()}, "build of FailingBuild", "mend it there"),
        ({"fitting": NoOptimiser()}, "optimiser of NoOptimiser", "mend it there"),
        ({"fitting": FailingFitting()}, "a step of the optimiser of FailingFitting", "mend it"),
        *(
            ({"rules": (FailingRule(moment),)}, f"{moment} of FailingRule", "mend it there")
            for moment in HOOKS
        ),
    ],
    ids=str,
)
def test_what_fails_in_a_step_is_named_with_its_place(lab, recipe, change, what, way_out):
    message = (
        rf"^{what} \(test_train_kinds.py:\d+\) fails: LuckError: out of luck "
        rf"\(tests/test_train_kinds.py, line {fail.__code__.co_firstlineno + 2}\); {way_out}"
    )
    with pytest.raises(TicError, match=message):
        train(recipe.but(**change), lab)


@dataclass(frozen=True)
class FailingLate(Rule):
    """Fails before the third epoch."""

    def before_epoch(self, fit):
        if fit.epoch == 2:
            fail()


def test_what_fails_late_is_told_with_its_epoch_and_training(lab, recipe):
    late = recipe.but(rules=(FailingLate(),))
    with pytest.raises(TicError, match=rf"before_epoch of .*\(epoch 3 of {late.label}\)$"):
        train(late, lab)


@dataclass(frozen=True)
class Clipped(Rule):
    """Clips the gradients to a norm."""

    norm: float

    def before_step(self, fit):
        nn.utils.clip_grad_norm_(fit.network.parameters(), self.norm)


def test_a_rule_acts_on_the_gradients_before_each_step(lab, recipe):
    plain = CosineSGD(learning_rate=1.0, momentum=0.0, weight_decay=0.0)
    once = recipe.but(fitting=plain, epochs=1, batch_size=40, checkpoints=1)
    before = lab.fresh_network(once).state_dict()
    after = weights(train(once.but(rules=(Clipped(0.01),)), lab), 1)
    moved = torch.cat([(after[name] - before[name]).flatten() for name in before])
    # One step at rate 1 is the gradient itself, whose norm was clipped.
    assert float(moved.norm()) == pytest.approx(0.01, rel=1e-3)


@dataclass(frozen=True)
class Demanding(Perceptron):
    """Needs three samples in every batch."""

    def least_batch(self, timesteps):
        return 3


def test_a_last_batch_of_fewer_samples_than_the_architecture_needs_is_refused(lab, recipe):
    demanding = recipe.but(architecture=Demanding())
    message = (
        "40 samples in batches of 19 leave 2 to the last batch, where demanding needs at least 3"
    )
    with pytest.raises(TicError, match=message):
        train(demanding.but(batch_size=19), lab)
    assert train(demanding.but(batch_size=37), lab).diverged is None
    assert train(demanding.but(batch_size=20), lab).diverged is None


def test_the_mean_loss_of_one_timestep_is_that_of_its_only_read_out(lab, recipe):
    run = train(recipe.but(loss=MeanLoss()), lab)
    losses = [first for (first,) in run.curve("prefix_losses")]
    assert losses == pytest.approx(run.history["train_loss"])


def test_a_compiled_training_takes_networks_of_ones_own(lab, recipe, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda network: network)
    assert train(recipe, replace(lab, compiled=True)).history["compiled"]


# Augmentations


@dataclass(frozen=True)
class Mixup(Augmentation):
    """Samples and labels of a batch, mixed with those of the same batch in reverse."""

    share: float = 0.75

    def draw(self, samples, generator):
        return Mixed(self.share)


@dataclass(frozen=True)
class Mixed:
    share: float

    def apply(self, raw, start):
        return torch.lerp(raw.flip(0), raw, self.share)

    def targets(self, labels, start, num_classes):
        shares = nn.functional.one_hot(labels, num_classes).float()
        return torch.lerp(shares.flip(0), shares, self.share)


def test_samples_are_mixed_with_their_labels():
    samples = Beats().load("train")
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    batches = list(samples.shuffled_batches(16, generator, augmentation=Mixup()))
    assert [len(inputs) for inputs, _ in batches] == [16, 16, 8]
    inputs, shares = batches[2]
    for place, (one, other) in enumerate(zip(order[32:], order[32:].flip(0), strict=True)):
        expected = 0.75 * samples.inputs[one] + 0.25 * samples.inputs[other]
        assert torch.allclose(inputs[place], expected)
        counts = torch.zeros(2)
        counts[samples.labels[one]] += 0.75
        counts[samples.labels[other]] += 0.25
        assert torch.equal(shares[place], counts)


def test_a_network_is_trained_towards_mixed_labels(lab, recipe):
    mixed = recipe.but(augmentation=Mixup(), loss=MeanLoss())
    run = train(mixed, lab)
    # Labels that are mixed half and half leave no less than an uncertain guess costs.
    assert run.history["train_loss"][-1] > 0.2
    assert "-mixup-" in mixed.label
    assert run.fingerprint != train(mixed.but(augmentation=Mixup(share=1.0)), lab).fingerprint


@dataclass(frozen=True)
class Faulty(Augmentation):
    """Does one thing wrong."""

    fault: str = "none"

    def draw(self, samples, generator):
        if self.fault == "draw":
            raise ValueError("nothing to draw")
        return None if self.fault == "nothing" else FaultilyDrawn(self.fault)


@dataclass(frozen=True)
class FaultilyDrawn:
    fault: str

    def apply(self, raw, start):
        faults = {
            "apply": lambda: raw @ raw,
            "fewer": lambda: raw[:-1],
            "shape": lambda: raw[:, 1:],
            "none": lambda: None,
            "nan": lambda: raw * torch.nan,
        }
        return faults.get(self.fault, lambda: raw)()

    def targets(self, labels, start, num_classes):
        shares = nn.functional.one_hot(labels, num_classes).float()
        faults = {
            "indices": lambda: labels,
            "sums": lambda: 2 * shares,
            "whole": lambda: shares.long(),
            "unknown": lambda: shares / 0,
        }
        return faults.get(self.fault, lambda: shares)()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "draw",
            r"the augmentation Faulty \(test_train_kinds.py:\d+\) fails: ValueError: no",
        ),
        ("nothing", r"draw of faulty must return something with apply\(raw, start\), got NoneType"),
        ("apply", r"the augmentation Faulty .* fails: RuntimeError"),
        (
            "fewer",
            r"faulty must give samples .* given, \(16, 5, 2\), got \(15, 5, 2\)",
        ),
        (
            "shape",
            r"faulty must give samples .* given, \(16, 5, 2\), got \(16, 4, 2\)",
        ),
        (
            "none",
            r"faulty must give samples .* given, \(16, 5, 2\), got NoneType",
        ),
        ("nan", "faulty must give finite samples, got NaN or infinity"),
        ("indices", r"targets of faulty must have shape \(B, K\) = \(16, 2\), got \(16,\)"),
        (
            "sums",
            "targets of faulty must .* torch.float32 from 0 on with sums from 2 to 2",
        ),
        (
            "whole",
            "targets of faulty must .* torch.int64 from 0 on with sums from 1 to 1",
        ),
        ("unknown", "targets of faulty must be shares .* with sums from nan to nan"),
    ],
)
def test_an_augmentation_that_gives_something_else_is_refused_with_its_epoch(
    lab, recipe, fault, message
):
    faulty = recipe.but(augmentation=Faulty(fault), batch_size=16)
    with pytest.raises(TicError, match=message) as caught:
        train(faulty, lab)
    assert str(caught.value).endswith(f"(epoch 1 of {faulty.label})")
