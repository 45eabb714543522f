"""How many seeds will probably decide a claim."""

from tests.audit.entries import judged
from tic.document.needed_seeds import likely_range


def test_all_contrasts_support_a_claim_and_one_refutes_it():
    inside = [judged(1.0, (6, 10)), judged(1.0, (20, 40)), judged(1.0, None)]
    assert likely_range(inside) == (20, 40)
    assert likely_range([*inside, judged(-1.0, (12, 16)), judged(-1.0, (30, None))]) == (12, 16)
    assert likely_range([judged(1.0, None)]) is None
