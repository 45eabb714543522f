"""The plugin in projects of strangers: what is theirs by name stays theirs."""

import json

import pytest

from fixtures.packs import HEADER, SUPPORTED
from tic.document.loading import load_audit

NAMES = (
    "address", "arch", "attack-size", "attacks", "audit", "build", "claim", "compile",
    "controls", "data", "dataset", "device", "download", "engine", "epochs", "expect",
    "fail-on-inconclusive", "fisher-size", "gpus", "list", "no-rivals", "plan", "precision",
    "protocol", "report-dir", "seeds", "store", "test-size", "timesteps", "train-size",
)  # fmt: skip
FIXTURES = ("runs", "judge", "setting", "protocol", "control")
STRANGERS_OPTIONS = f"""
import pytest
NAMES = {NAMES!r}
def pytest_addoption(parser):
    for name in NAMES:
        parser.addoption("--" + name, default="theirs")
"""
STRANGERS_FIXTURES = "import pytest\n" + "".join(
    f"""
@pytest.fixture
def {name}(tmp_path):
    return "their {name}"
"""
    for name in FIXTURES
)
STRANGERS_TESTS = f"""
import pytest
def test_fixtures({", ".join(FIXTURES)}):
    assert [{", ".join(FIXTURES)}] == {[f"their {name}" for name in FIXTURES]}
def test_options(pytestconfig):
    for name in {NAMES!r}:
        key = name.replace("-", "_")
        assert pytestconfig.getoption(key) == ("cuda" if name == "device" else "theirs"), name
"""


@pytest.fixture
def project(pytester, monkeypatch, shared_store):
    """A folder in which the plugin is merely installed, asked in processes of their own."""
    monkeypatch.setenv("TIC_STORE", str(shared_store))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return pytester


def holding_claims(project):
    """Put a claim into the stranger's project, in a folder of its own."""
    folder = project.mkdir("claims")
    folder.joinpath("test_pack.py").write_text(HEADER.lstrip() + SUPPORTED)
    return folder


# Options


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_project_with_all_of_the_names_is_left_alone(project, workers):
    project.makeconftest(STRANGERS_OPTIONS + STRANGERS_FIXTURES)
    project.makepyfile(test_theirs=STRANGERS_TESTS)
    result = project.runpytest_subprocess("--device", "cuda", "--strict", *workers)
    result.assert_outcomes(passed=2)
    assert result.ret == 0


def test_a_plugin_with_all_of_the_names_is_left_alone(project):
    project.makepyfile(theirs=STRANGERS_OPTIONS + STRANGERS_FIXTURES, test_theirs=STRANGERS_TESTS)
    project.syspathinsert()
    project.runpytest_subprocess("-p", "theirs", "--device=cuda").assert_outcomes(passed=2)


def test_without_claims_a_short_name_is_no_option(project):
    project.makepyfile(test_theirs="def test_unit():\n    pass\n")
    result = project.runpytest_subprocess("--device", "cpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unrecognized arguments: --device*"])


def test_what_is_installed_has_prefixed_names_alone(project):
    project.makepyfile(test_theirs="def test_unit():\n    pass\n")
    told = project.runpytest_subprocess("--help").stdout.str()
    for name in NAMES:
        assert f"\n  --tic-{name}" in told
        assert f"\n  --{name}" not in told


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_beside_claims_a_name_that_a_conftest_has_stays_its_own(project, workers):
    project.makeconftest(STRANGERS_OPTIONS.replace(repr(NAMES), "['device', 'seeds']"))
    folder = holding_claims(project)
    folder.joinpath("conftest.py").write_text(
        "def pytest_configure(config):\n"
        "    assert (config.option.device, config.option.seeds) == ('cuda', '7')\n"
    )
    own = ("--device", "cuda", "--seeds=7", "--tic-seeds", "2")
    report = ("--report-dir", project.path / "report")
    result = project.runpytest_subprocess("claims", *own, *report, *workers)
    assert result.ret == 0
    audit = load_audit(project.path / "report" / "audit.json")
    assert audit.entries[0].contrasts[0].seeds == (0, 1)


def test_a_nested_conftest_may_have_a_name_that_the_command_line_gives_us(project):
    holding_claims(project)
    nested = project.mkdir("deep").joinpath("er")
    nested.mkdir()
    nested.joinpath("conftest.py").write_text(STRANGERS_OPTIONS)
    nested.joinpath("test_theirs.py").write_text("def test_unit():\n    pass\n")
    result = project.runpytest_subprocess("--seeds", "3", "--report-dir", "report")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*1 passed, 1 supported*"])


def test_the_value_of_an_option_is_no_path_that_conftests_are_looked_for_in(project):
    holding_claims(project)
    project.mkdir("mine").joinpath("conftest.py").write_text("raise AssertionError('loaded')")
    arguments = ("--collect-only", "-q", "--data", "mine", "--report-dir", "report")
    assert project.runpytest_subprocess("claims", *arguments).ret == 0


# Fixtures


def test_a_claim_gets_our_fixtures_and_every_other_test_those_of_the_conftest(project):
    project.makeconftest(STRANGERS_FIXTURES)
    folder = holding_claims(project)
    both = STRANGERS_TESTS.split("def test_options")[0]
    project.makepyfile(test_theirs=both)
    with (folder / "test_pack.py").open("a") as file:
        file.write(both)
    report = ("--report-dir", project.path / "report")
    result = project.runpytest_subprocess("-p", "no:randomly", *report)
    result.stdout.fnmatch_lines(["*2 passed, 1 supported*"])
    assert result.ret == 0


def test_a_module_may_hold_what_raises_at_any_look_at_it(project):
    # As the `request` of Flask does outside of one.
    project.makepyfile(
        test_theirs="""
class Proxy:
    def __getattr__(self, name):
        raise RuntimeError("working outside of a request")
request = Proxy()
def test_unit():
    pass
"""
    )
    result = project.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1)


def test_claims_are_audited_where_testpaths_has_patterns_and_whole_paths(project):
    folder = holding_claims(project)
    project.makeini(f"[pytest]\ntestpaths = nothing-*\n  {folder}")
    result = project.runpytest_subprocess("--plan")
    result.stdout.fnmatch_lines(["*3 Runs, *"])
    assert result.ret == 0


def test_fixtures_of_an_author_build_on_ours(repository):
    repository.write(
        """
import pytest
@pytest.fixture
def losses(runs):
    return runs.train_loss()[:, -1]
class TestGrouped:
    @says("grouped")
    def test_grouped(self, losses, judge):
        judge(losses, above(0), name="loss")
"""
    )
    assert repository.run().verdicts == {"grouped[tiny-digits]": "SUPPORTED"}


# What is in force, wherever it was written


@pytest.fixture
def given(repository, monkeypatch):
    """Audit with options that are written elsewhere than on the command line."""
    repository.write(SUPPORTED)
    here = repository.pytester.path

    def addopts(text):
        here.joinpath("pytest.ini").write_text(f"[pytest]\naddopts = {text}\n")
        return ()

    def environment(text):
        monkeypatch.setenv("PYTEST_ADDOPTS", text)
        return ()

    def file(text):
        here.joinpath("options.txt").write_text("\n".join(text.split()))
        return ("@options.txt",)

    places = {"addopts": addopts, "PYTEST_ADDOPTS": environment, "@file": file}
    return lambda place, text: repository.run(*places[place](text))


PLACES = ("addopts", "PYTEST_ADDOPTS", "@file")


@pytest.mark.parametrize("place", PLACES)
def test_an_option_counts_and_is_told_wherever_it_is_written(given, place):
    audit = given(place, "--seeds 2 --test-size=60").audit
    assert audit.entries[0].contrasts[0].seeds == (0, 1)
    assert "--seeds 2 --test-size=60" in audit.provenance.command


@pytest.mark.parametrize("place", PLACES)
def test_undecided_claims_fail_wherever_that_is_asked_for(given, place):
    assert given(place, "--fail-on-inconclusive --seeds 1").status == 1


def test_a_file_of_arguments_that_is_not_there_is_refused(repository):
    repository.write(SUPPORTED)
    outcome = repository.run("--seeds", "2", "@absent.txt")
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert "absent.txt" in outcome.text


def test_the_verdicts_that_an_audit_expects_are_read_by_the_short_name(repository):
    repository.write(SUPPORTED)
    expected = repository.pytester.path / "expected.json"
    expected.write_text(json.dumps({"other2024/positive[tiny-digits]": ["REFUTED"]}))
    assert repository.run("--expect", expected).status == 1
