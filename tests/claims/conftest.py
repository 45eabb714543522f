"""What an audit of the pack collects, on a machine that holds the data sets it is said to hold."""

from functools import partial
from pathlib import Path

import pytest

from tic.errors import DataNotFoundError
from tic.lab import Lab

ROOT = Path(__file__).parents[2]


class Witness:
    """Sees what an audit collected."""

    def pytest_sessionfinish(self, session):
        from tic.plugin.state import STATE

        self.audit = session.config.stash[STATE].session


@pytest.fixture
def collected(pytester, everything_imported, monkeypatch):
    """Collect the pack as an audit does; nothing is trained and no data set is read."""

    def collect(*arguments, machine_holds=("digits", "fashion-mnist")):
        def require_data(lab, dataset, *, download):
            if dataset.name not in machine_holds:
                raise DataNotFoundError(
                    f"{dataset.name} is not on this machine", downloadable=not download
                )

        monkeypatch.setattr(Lab, "require_data", require_data)
        witness = Witness()
        store = pytester.path / "store"
        quiet = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--list", "claims", "-q")
        run = pytester.inline_run(
            ROOT / "claims" / "kim2023", "--store", store, *quiet, *arguments, plugins=[witness]
        )
        assert run.ret == 0
        return witness.audit

    return collect


@pytest.fixture
def claims(collected):
    """Collect the claims alone, without their rivals."""
    return partial(collected, "--no-rivals")
