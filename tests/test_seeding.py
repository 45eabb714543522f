from contextlib import contextmanager, nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tic.seeding import derive, generator, own_random_numbers

seeds = st.integers(0, 2**63 - 1)


def test_a_derived_seed_never_changes():
    # the first eight bytes of sha256("0/weights") and sha256("1/weights") without the lowest bit
    assert derive(0, "weights") == 0x03B4290604C66D74 >> 1
    assert derive(1, "weights") == 0x8F56E00F1AFF70B8 >> 1


@given(seeds, st.text())
def test_derived_seeds_fit_the_generators_of_torch(seed, purpose):
    assert 0 <= derive(seed, purpose) < 2**63


@given(st.tuples(seeds, st.text()), st.tuples(seeds, st.text()))
def test_streams_differ_unless_seed_and_purpose_agree(one, other):
    assert (derive(*one) == derive(*other)) == (one == other)


def test_two_generators_of_one_purpose_draw_the_same():
    first, second, other = (
        torch.rand(5, generator=generator(7, purpose)) for purpose in ("noise", "noise", "order")
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_a_generator_is_on_the_device_that_it_draws_on(device):
    assert generator(0, "noise", device).device == torch.device("cpu")


def test_the_global_generator_goes_on_undisturbed():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    torch.rand(3, generator=generator(1, "noise"))
    assert torch.equal(torch.rand(3), expected)


def test_the_accelerator_that_is_meant_is_seeded_and_not_the_current_one(monkeypatch):
    events = []

    @contextmanager
    def current(device):
        events.append(f"from here {device}")
        yield
        events.append("as before")

    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: nullcontext())
    monkeypatch.setattr(torch.cuda, "device", current)
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda seed: events.append(f"seed {seed}"))
    with torch.random.fork_rng([]), own_random_numbers(7, torch.device("cuda:1")):
        assert events == ["from here cuda:1", "seed 7", "as before"]
