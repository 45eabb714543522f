"""What is refused before anything is trained: one sentence, exit status 4, no traceback."""

import re

import pytest

from fixtures.packs import QUICKLY, SUPPORTED

OPTIONS = [
    (["--timesteps", "0"], "--timesteps must be a whole number of at least 1, got '0'"),
    (["--epochs", "many"], "--epochs must be a whole number of at least 1, got 'many'"),
    (["--seeds", "-1"], "--seeds must be a whole number of at least 1 or FIRST-LAST, got '-1'"),
    (
        ["--train-size", "1.5"],
        "--train-size must be a whole number of at least 1 or all, got '1.5'",
    ),
    (["--train-size", "5000"], "--train-size must be at most the"),
    (["--arch", "resnet99"], "other2024 has no setting for architecture 'resnet99'; known: tiny"),
    (["--arch", "tiny,tiny"], "--arch needs distinct names separated by commas, got 'tiny,tiny'"),
    (["--dataset", "mnist"], "other2024 has no data set 'mnist'; known: cifar10,"),
    (["--dataset", ","], "--dataset needs distinct names separated by commas, got ','"),
    (["--claim", ""], "--claim needs distinct names separated by commas, got ''"),
    (["--budget", "-5min"], "--budget must be a duration in s, min, h or d, such as 15min, or a"),
    (["--timesteps", "-1"], "--timesteps must be a whole number of at least 1, got '-1'"),
    (["--device", "tpu"], "unknown device 'tpu'; known: cpu, cuda, cuda:0, …"),
    (["--device", "cuda:99"], "device 'cuda:99' was asked for and this machine has"),
    (["--expect", "absent.json"], "cannot read the expected verdicts absent.json: No such file"),
]

HOSTILE = [
    (["--timesteps", "999999999999"], "--timesteps must be at most 10000, got '999999999999'"),
    (["--epochs", "9" * 5000], "--epochs must be at most 1000000, got '9999"),
    (["--seeds", "1001"], "--seeds must be at most 1000 or FIRST-LAST, got '1001'"),
    (["--seeds", "0-" + "9" * 30], "--seeds must be at most"),
    (["--train-size", "1" + "0" * 30], "--train-size must be at most 1000000000 or all, got '1000"),
    (["--fisher-size", "1" + "0" * 30], "--fisher-size must be at most 1000000000 or all"),
    (["--arch", "../x"], "has no setting for architecture '../x'"),
    (["--arch", "x" * 5000], "has no setting for architecture 'xxxx"),
    (["--claim", "\x1b[31m\u202e"], r"--claim '\x1b[31m\u202e' names no claim"),
    (["--claim", "\udc80"], r"--claim '\udc80' names no claim"),
    (["--protocol", "a\0b"], r"--protocol does not know 'a\x00b'"),
    (["--store", "/dev/null"], "--store must name a folder, got '/dev/null' ("),
    (["--store", "a-file/store"], "is not a folder); name another"),
    (["--store", "x" * 300], "--store must name a folder, got 'xxxx"),
    (["--store", "a\0b"], r"got 'a\x00b' (no folder can have that name); name another"),
    (["--report-dir", "a-file"], "--report-dir must name a folder, got 'a-file' ("),
    (["--data", "a-file"], "--data must name a folder, got 'a-file' ("),
    (["--data", "\ud800"], r"--data must name a folder, got '\ud800' ("),
    (["--expect", "."], "cannot read the expected verdicts .: Is a directory"),
    (["--expect", "a-file"], "a-file must be a JSON object from entry id to a list of outcomes"),
    (["--device", "cuda:" + "9" * 40], "unknown device 'cuda:9999"),
    (["--device", "meta"], "device must be cpu or cuda, got 'meta'"),
    (["--device", "\udc80"], r"unknown device '\udc80'"),
]  # fmt: skip


TOO_FEW = "no claim on means can be decided: that takes at least 3 seeds, and there"


def told(outcome):
    """What was printed, with broken lines joined."""
    return " ".join(outcome.text.split())


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["one process", "a worker"])
def test_seeds_that_decide_nothing_are_told_before_they_are_trained(repository, workers):
    repository.write(SUPPORTED)
    text = told(repository.run(*workers, "--seeds", "2"))
    assert text.count(f"{TOO_FEW} are 2; give more by --seeds") == 1
    assert text.index(TOO_FEW) < text.index("verdicts")
    assert f"{TOO_FEW} is 1;" in told(repository.run("--seeds", "7-7", "--plan"))
    assert TOO_FEW not in told(repository.run("--seeds", "3", "--plan"))


def refused(outcome, sentence):
    assert outcome.status == 4
    assert outcome.text.count(sentence) == 1
    assert outcome.text.count("ERROR:") == 1
    assert "Traceback" not in outcome.text
    assert not outcome.folder.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    OPTIONS,
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_an_option_out_of_range_is_refused_in_one_sentence(
    repository, workers, arguments, sentence
):
    repository.write(SUPPORTED)
    store = repository.pytester.path / "store"
    refused(repository.run(*workers, *arguments, store=store), sentence)
    assert not (store / "runs").exists()


@pytest.mark.parametrize(("arguments", "sentence"), HOSTILE, ids=range(len(HOSTILE)))
def test_an_absurd_or_hostile_option_is_refused_in_one_short_sentence(
    repository, arguments, sentence
):
    repository.write(SUPPORTED)
    (repository.pytester.path / "a-file").write_bytes(b"\xff\x00")
    given = [] if "--store" in arguments else ["--store", repository.pytester.path / "store"]
    result = repository.pytester.runpytest_inprocess(*QUICKLY, *given, *arguments)
    assert int(result.ret) == 4
    (told,) = [line for line in result.stderr.lines if line.startswith("ERROR: ")]
    assert sentence in told
    assert len(told) < 500
    assert "Traceback" not in str(result.stdout) + str(result.stderr)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_two_tests_that_decide_the_same_are_refused(repository, workers):
    repository.write(SUPPORTED, SUPPORTED.replace("test_positive", "test_again"))
    refused(
        repository.run(*workers),
        "a claim must be decided by one test, and two decide other2024/positive[tiny-digits]: "
        "test_pack.py::test_positive[tiny-digits] and test_pack.py::test_again[tiny-digits]; "
        "give them distinct names or parameters",
    )


def test_a_fault_that_many_claims_meet_is_told_once(repository):
    repository.write(SUPPORTED, SUPPORTED.replace("positive", "again"))
    refused(repository.run("--epochs", "0"), "--epochs must be a whole number")


def test_a_test_that_asks_for_runs_and_is_no_claim_is_told_what_is_missing(repository):
    repository.write(SUPPORTED, "\ndef test_plain(judge):\n    pass\n")
    outcome = repository.run()
    assert outcome.status == 1
    told = "test_plain asks for the fixture judge, which only claims have; decorate it with"
    assert told in outcome.text


def test_needs_that_ask_for_an_impossible_recipe_are_refused(repository):
    repository.write(
        """
@says("odd", lambda setting: setting.recipe.but(timesteps=0))
def test_odd(runs, judge):
    pass
"""
    )
    outcome = repository.run()
    refused(outcome, "not a valid Recipe: timesteps")
    assert re.search(
        r"\(needs of other2024/odd, \S*\.py, line \d+\)", " ".join(outcome.text.split())
    )


def test_a_claim_that_needs_runs_and_does_not_ask_for_them_is_refused(repository):
    """As where `runs` is misspelt: it was planned in the paper's own setting."""
    repository.write(
        """
@says("odd")
def test_odd(run, judge):
    pass
"""
    )
    refused(repository.run(), "other2024/odd needs Runs, and its test does not ask for them")


def test_a_fixture_that_there_is_none_of_is_told_before_anything_is_trained(repository):
    repository.write(
        """
@says("odd")
def test_odd(runs, judgement):
    pass
"""
    )
    refused(repository.run(), "asks for judgement, and there is no such fixture; claims have runs")


@pytest.mark.parametrize(
    ("needs", "sentence"),
    [
        ("lambda setting: {}['x']", "raised KeyError: 'x' ("),
        ("lambda setting: 1 / 0", "raised ZeroDivisionError: division by zero ("),
        (
            "lambda setting: None",
            "Recipes by role in a dictionary, got None",
        ),
        (
            "lambda setting: {'a': 3}",
            "Recipes by role in a dictionary, got {",
        ),
        ("lambda: 3", "raised TypeError: <lambda>() takes 0 positional arguments"),
        (
            "lambda setting: setting.recipe.but(dataset='mnist')",
            "dataset: must be of the class Dataset, such",
        ),
        ("lambda setting: Spiking('lenet')", "unknown architecture 'lenet'; known:"),
    ],
)
def test_a_mistake_in_needs_is_told_with_claim_exception_and_place(repository, needs, sentence):
    repository.write(
        f"""
@says("odd", {needs})
def test_odd(runs, judge):
    pass
"""
    )
    outcome = repository.run()
    refused(outcome, sentence)
    if "raised" in sentence:
        assert "needs of other2024/odd raised" in outcome.text
        assert ", line " in outcome.text


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_files_that_cannot_be_imported_are_named_and_nothing_is_audited(repository, workers):
    repository.write(SUPPORTED)
    importing = "import a_module_that_nobody_has\nfrom tic.audit import claim\n"
    repository.pytester.makepyfile(test_broken=importing, test_odd="def test_odd(:\n")
    told = (
        "2 files could not be imported or collected: test_broken.py (ModuleNotFoundError: "
        "No module named 'a_module_that_nobody_has'), test_odd.py (SyntaxError: invalid syntax); "
        "nothing is audited until that is mended"
    )
    outcome = repository.run(*workers, store=(store := repository.pytester.path / "store"))
    assert (outcome.status, outcome.text.count(told)) == (4, 1)
    assert "not complete" not in outcome.text
    assert not outcome.folder.exists()
    assert not store.exists()


def test_a_folder_whose_only_file_cannot_be_imported_is_not_taken_for_one_without_claims(
    repository,
):
    repository.pytester.makepyfile(test_broken="import a_module_that_nobody_has\n")
    outcome = repository.run("--tic-audit")
    assert "1 file could not be imported or collected: test_broken.py (Module" in outcome.text
    assert (outcome.status, "no claims were found" in outcome.text) == (4, False)


def test_who_goes_on_without_a_file_that_cannot_be_imported_is_let(repository):
    repository.write(SUPPORTED)
    repository.pytester.makepyfile(test_broken="import a_module_that_nobody_has\n")
    outcome = repository.run("--continue-on-collection-errors")
    assert (outcome.status, outcome.entry.outcome) == (1, "SUPPORTED")


def test_files_that_cannot_be_imported_are_pytests_where_no_claims_are(repository):
    repository.pytester.makepyfile(test_broken="import a_module_that_nobody_has\n")
    assert repository.run().status == pytest.ExitCode.INTERRUPTED


def test_a_refused_option_is_not_taken_for_a_folder_without_claims(repository):
    repository.write(SUPPORTED)
    outcome = repository.run("--tic-audit", "--tic-set", "rate=1")
    refused(outcome, "there is no 'rate' in Recipe")
    assert "no claims were found" not in outcome.text


def test_options_are_not_read_when_there_are_no_claims(repository):
    repository.pytester.makepyfile(test_units="def test_unit():\n    pass\n")
    assert repository.run("--tic-epochs", "0").status == 0
