"""SIGTERM in the middle of an audit: what was judged is reported, as after Ctrl-C."""

import signal

import pytest

from fixtures.packs import QUICKLY, SUPPORTED, Outcome
from fixtures.workers import PATIENCE

TERMINATED = """
import os, signal, time
from pathlib import Path
@says("cancelled")
def test_cancelled(runs, judge):
    deadline = time.monotonic() + {patience}
    while not Path({after!r}).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill({process}, signal.SIGTERM)
    time.sleep({seconds})
    judge(runs.train_loss()[:, -1], above(0), name="loss", unit="nats")
"""


def terminated(process, after, seconds):
    """A claim that sends SIGTERM as soon as there is a file, and is judged so much later."""
    return TERMINATED.format(process=process, after=after, seconds=seconds, patience=PATIENCE)


# A worker's verdict takes its time to the process that writes the audit.
NOTING = """
from pathlib import Path
import pytest
class Noting:
    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        if report.when == "teardown":
            Path({file!r}).touch()
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Noting())
"""


@pytest.mark.parametrize(
    ("process", "arguments"),
    [("os.getpid()", []), ("os.getppid()", ["-n", "1"])],
    ids=["one process", "a worker"],
)
def test_sigterm_ends_an_audit_as_ctrl_c_does(repository, process, arguments):
    arrived = str(repository.pytester.path / "arrived")
    repository.pytester.makeconftest(NOTING.format(file=arrived))
    repository.write(SUPPORTED, terminated(process, arrived, seconds=60))
    folder = repository.pytester.path / "report"
    own = (f"--store={repository.store}", f"--report-dir={folder}")
    done = repository.pytester.runpytest_subprocess(*QUICKLY, *own, *arguments)
    outcome = Outcome(int(done.ret), done.stdout.str(), folder)
    assert outcome.status == pytest.ExitCode.INTERRUPTED
    assert outcome.verdicts == {
        "positive[tiny-digits]": "SUPPORTED",
        "cancelled[tiny-digits]": "NOT_RUN",
    }
    assert not outcome.audit.completed
    assert "The audit is not complete." in outcome.text


def test_whoever_heeds_sigterm_already_goes_on_to(repository):
    heard = []

    def heed(number, frame):
        heard.append(number)

    before = signal.signal(signal.SIGTERM, heed)
    try:
        outcome = repository.audit(terminated("os.getpid()", ".", seconds=0))
        assert signal.getsignal(signal.SIGTERM) is heed
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (heard, outcome.status) == ([signal.SIGTERM], 0)


@pytest.fixture
def default_sigterm():
    """As a process begins; Ray leaves a handler of its own in one that used it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("default_sigterm")
def test_after_an_audit_sigterm_does_what_it_did(repository):
    heeding = """
@says("heeding")
def test_heeding(judge, runs):
    import signal
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    judge(runs.train_loss()[:, -1], above(0), name="loss", unit="nats")
"""
    assert repository.audit(heeding).status == 0
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
