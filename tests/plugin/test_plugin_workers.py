"""Several workers on one audit."""

from fixtures.packs import INCONCLUSIVE, REFUTED, RIVAL, SUPPORTED
from tic.exchange.diff import diff_audits


def test_two_workers_come_to_the_same_audit_as_one_process(repository):
    repository.pytester.makepyfile(test_units="def test_unit():\n    pass\n")
    repository.write(SUPPORTED, REFUTED, INCONCLUSIVE, RIVAL)
    alone = repository.run("--controls")
    before = alone.audit
    store = repository.pytester.path / "store"
    together = repository.run("--controls", "-n", "2", store=store)
    assert "2 workers" in together.text
    assert together.status == alone.status == 1
    # Nothing is planted in three claims, and one of them is supported; one seed is never enough.
    counts = ["1 failed", "1 passed", "5 held", "1 supported", "2 refuted", "1 inconclusive"]
    for outcome in (alone, together):
        last = outcome.text.rstrip().splitlines()[-1]
        assert all(count in last for count in counts)
    # What is undecided on true and on false Runs alike tells nothing, nor what the same refutes.
    told = "negative controls: 5 held (1 caught, 4 could not tell), 1 failed"
    assert told in alone.text
    assert told in together.text
    assert diff_audits(before, together.audit).empty
    assert len(list((store / "runs").iterdir())) == 3
    assert together.text.count("report: ") == 1
