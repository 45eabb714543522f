import numpy as np
import pytest

from tic.history import curves, fault, misfit

SOUND = {
    "diverged": None,
    "seconds": 1.5,
    "train_loss": [2.0, 1],
    "curves": {"prefix_losses": [[2.0, 2.1, 2.2], [1.0, 1.1, 1.2]], "sure": [0.5, 0.75]},
    "torch": "2.9",
}
OLDER = {
    "diverged": None,
    "seconds": 1.5,
    "train_loss": [2.0, 1],
    "prefix_losses": [[2.0, 2.1, 2.2], [1.0, 1.1, 1.2]],
}


def test_a_history_as_training_leaves_it_has_no_fault():
    for history in (SOUND, OLDER):
        assert fault(history) is None
        assert misfit(history, epochs=2) is None


def test_curves_are_told_of_older_and_newer_histories():
    assert curves(SOUND) == SOUND["curves"]
    assert curves(OLDER) == {"prefix_losses": OLDER["prefix_losses"]}
    assert curves({"diverged": None}) == {}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"diverged": 3}, "diverged: input should be a valid string, got 3"),
        ({"seconds": "1"}, "seconds: input should be a valid number, got '1'"),
        ({"seconds": float("nan")}, "seconds: input should be a finite number, got nan"),
        ({"train_loss": [1, None]}, "train_loss.1: input should be a valid number, got None"),
        ({"prefix_losses": [[1], 2]}, "prefix_losses.1: input should be a valid list, got 2"),
        ({"curves": []}, r"curves: input should be a valid dictionary, got []"),
        ({"curves": {"a": 3}}, "curves.a: input should be a valid list, got 3"),
        (
            {"curves": {"a": ["b"]}},
            "curves.a.0.float: input should be a valid number, got 'b'",
        ),
    ],
)
def test_a_field_of_another_type_is_a_fault(changes, told):
    assert fault({**SOUND, **changes}) == told


@pytest.mark.parametrize("history", [[], 3, None, {}])
def test_what_is_no_history_is_a_fault(history):
    assert fault(history) is not None


@pytest.mark.parametrize(
    "losses", [[], [[1, 1, 1]], [[1, 1, 1], [1, 1]], [[1, 1, 1], [1, 1, 1], [1, 1, 1]], [1, [1]]]
)
def test_losses_of_another_training_do_not_fit(losses):
    told = "its prefix_losses are not 2 epochs of values of one shape"
    assert misfit({**SOUND, "curves": {"prefix_losses": losses}}, epochs=2) == told
    assert misfit({**OLDER, "prefix_losses": losses}, epochs=2) == told


@pytest.mark.parametrize("losses", [[], [1.0], [1.0, 1.0, 1.0]])
def test_a_training_loss_of_another_training_does_not_fit(losses):
    told = misfit({**SOUND, "train_loss": losses}, epochs=2)
    assert told == "its train_loss are not 2 epochs of values of one shape"


def test_arrays_fit_as_lists_do():
    for history in (
        {**OLDER, "prefix_losses": np.ones((2, 3))},
        {**SOUND, "curves": {"prefix_losses": np.ones((2, 3))}},
    ):
        assert misfit(history, 2) is None
        assert misfit(history, 3) is not None


def test_a_training_that_diverged_may_have_stopped_early():
    assert misfit({**SOUND, "diverged": "it did", "train_loss": [], "curves": {}}, 2) is None
    assert misfit({**OLDER, "diverged": "it did", "prefix_losses": []}, 2) is None


def test_what_is_absent_is_named():
    assert misfit({"diverged": None, "train_loss": [1.0]}, 1) == "it lacks seconds"
    told = misfit({"diverged": None, "seconds": 1.0}, 1)
    assert told == "its train_loss are not 1 epochs of values of one shape"
