import numpy as np
import pytest

from tic.history import fault, misfit

SOUND = {
    "diverged": None,
    "seconds": 1.5,
    "train_loss": [2.0, 1],
    "prefix_losses": [[2.0, 2.1, 2.2], [1.0, 1.1, 1.2]],
    "torch": "2.9",
}


def test_a_history_as_training_leaves_it_has_no_fault():
    assert fault(SOUND) is None
    assert misfit(SOUND, epochs=2, timesteps=3) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"diverged": 3}, "diverged: input should be a valid string, got 3"),
        ({"seconds": "1"}, "seconds: input should be a valid number, got '1'"),
        ({"seconds": float("nan")}, "seconds: input should be a finite number, got nan"),
        ({"train_loss": [1, None]}, "train_loss.1: input should be a valid number, got None"),
        ({"prefix_losses": [[1], 2]}, "prefix_losses.1: input should be a valid list, got 2"),
    ],
)
def test_a_field_of_another_type_is_a_fault(changes, told):
    assert fault({**SOUND, **changes}) == told


@pytest.mark.parametrize("history", [[], 3, None, {}])
def test_what_is_no_history_is_a_fault(history):
    assert fault(history) is not None


@pytest.mark.parametrize(
    "losses", [[], [[1, 1, 1]], [[1, 1, 1], [1, 1]], [[1, 1, 1], [1, 1, 1], [1, 1, 1]]]
)
def test_losses_of_another_training_do_not_fit(losses):
    told = misfit({**SOUND, "prefix_losses": losses}, epochs=2, timesteps=3)
    assert told == "its prefix_losses are not 2 epochs of 3 timesteps"


def test_arrays_fit_as_lists_do():
    history = {**SOUND, "prefix_losses": np.ones((2, 3))}
    assert misfit(history, 2, 3) is None
    assert misfit(history, 3, 3) is not None


def test_a_training_that_diverged_may_have_stopped_early():
    assert misfit({**SOUND, "diverged": "it did", "prefix_losses": []}, 2, 3) is None


def test_what_is_absent_is_named():
    history = {"diverged": None, "train_loss": []}
    assert misfit(history, 1, 1) == "it lacks seconds and prefix_losses"
