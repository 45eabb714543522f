"""The names that others rely on."""

import subprocess
import sys

import pytest
import torch

import tic
from tic.data import Digits
from tic.models import Spiking

HEAVY = {"torch", "torchvision", "spikingjelly", "scipy", "sklearn", "pydantic", "pytest"}


@pytest.fixture
def one_thread():
    """Threads that wait for one another cost more than such small layers."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def imported_by(code):
    """Top-level modules that a fresh interpreter has loaded after the code."""
    asked = f"{code}; import sys; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_imports_nothing_heavy():
    assert not imported_by("import tic") & HEAVY


def test_every_public_name_is_there():
    assert tic.__all__ == sorted(tic.__all__, key=lambda name: (not name[0].isupper(), name))
    for name in tic.__all__:
        assert getattr(tic, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tic' has no attribute 'nothing'"):
        _ = tic.nothing


def test_from_an_image_to_its_fisher_information(one_thread):
    torch.manual_seed(0)
    model = tic.models.build("tiny", in_channels=1, num_classes=10, timesteps=5, tau=2.0)
    images, labels = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])
    logits = model(images)
    assert logits.shape == (5, 4, 10)
    info = tic.fisher_information(model, [(images, labels)], estimator="empirical")
    assert isinstance(info, tic.FisherInformation)
    assert info.trace.shape == (5,)
    assert info.trace.dtype == "float64"
    assert sum(layer for layer in info.by_layer.values()) == pytest.approx(info.trace)
    assert info.centroid == tic.information_centroid(info.trace)
    assert 1 <= info.centroid <= 5


def test_the_alpha_loss_is_a_scalar():
    logits = torch.zeros(3, 2, 10)
    loss = tic.losses.alpha_loss(logits, torch.tensor([1, 2]), 0.01)
    assert loss.shape == ()


def test_the_centroid_by_hand():
    assert tic.information_centroid([3, 1, 0]) == pytest.approx(1.25)


def test_a_verdict_on_one_effect_per_seed():
    verdict = tic.judge([1.0, 1.2, 1.1], tic.above(0), confidence=0.95)
    assert verdict.outcome == "SUPPORTED"
    assert verdict.estimate == pytest.approx(1.1)
    assert tic.judge([1.0, 1.2, 1.1], tic.below(0)).outcome == "REFUTED"
    assert tic.judge([1.0, 1.2, 1.1], tic.within(1.05, 1.15)).outcome == "INCONCLUSIVE"


def test_the_saving_of_the_paper():
    saving = tic.compute_saving(
        epochs=300, retrain_epochs=60, rounds=5, timesteps=5, retrain_timesteps=3
    )
    # 60 * 5 * 2 / (300 * 5 + 60 * 5 * 5) = 600 / 3000
    assert saving == pytest.approx(0.20)


def test_a_recipe_has_an_identity():
    recipe = tic.Recipe(dataset=Digits(), architecture=Spiking("tiny"))
    assert recipe.fingerprint("abc") == tic.Recipe(
        dataset=Digits(), architecture=Spiking("tiny")
    ).fingerprint("abc")
    assert tic.Estimator("empirical") is tic.Estimator.EMPIRICAL
