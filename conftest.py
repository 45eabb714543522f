"""Which plugins this repository's claims and tests use."""

pytest_plugins = ["fixtures.runs", "fixtures.data"]
