"""Which plugins this repository's claims and tests use."""

pytest_plugins = [
    "pytester",
    "fixtures.runs",
    "fixtures.data",
    "fixtures.networks",
    "fixtures.packs",
    "fixtures.workers",
    "fixtures.installed",
    "fixtures.shell",
]
