import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.data.subset import balanced_order

label_lists = st.lists(st.integers(0, 6), min_size=1, max_size=80).map(np.array)


def slow_order(labels):
    """One class after the other gives its next member; members go by the golden stride."""
    queues = []
    for label in range(max(labels) + 1):
        members = [i for i, other in enumerate(labels) if other == label]
        keys = [place * 2654435769 % 4294967296 for place in range(len(members))]
        queues.append([member for _, member in sorted(zip(keys, members, strict=True))])
    order = []
    while any(queues):
        order += [queue.pop(0) for queue in queues if queue]
    return order


def test_hand_computed_order():
    # The strides of places 0, 1, 2 are 0, 2654435769 and 5308871538 - 2**32 = 1013904242.
    assert balanced_order(np.array([0, 0, 0, 1, 1])).tolist() == [0, 3, 2, 4, 1]


@given(label_lists)
def test_order_is_that_of_the_slow_twin(labels):
    assert balanced_order(labels).tolist() == slow_order(labels.tolist())


@given(label_lists)
def test_order_is_a_permutation(labels):
    assert sorted(balanced_order(labels)) == list(range(len(labels)))


@given(st.integers(1, 7), st.integers(1, 12), st.data())
def test_any_beginning_is_balanced(classes, per_class, data):
    labels = np.array(data.draw(st.permutations(list(range(classes)) * per_class)))
    size = data.draw(st.integers(1, len(labels)))
    counts = np.bincount(labels[balanced_order(labels)[:size]], minlength=classes)
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("size", [50, 500])
def test_the_first_of_a_class_are_spread_over_the_file(size):
    chosen = np.sort(balanced_order(np.zeros(5000, dtype=np.int64))[:size])
    assert np.diff(chosen).max() < 3 * 5000 / size


def test_order_of_a_large_class_is_that_of_the_stated_stride():
    expected = sorted(range(60_000), key=lambda place: place * 2654435769 % 2**32)
    assert balanced_order(np.zeros(60_000, dtype=np.int64)).tolist() == expected
