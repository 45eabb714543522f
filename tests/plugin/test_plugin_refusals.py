"""What is refused before anything is trained: one sentence, exit status 4, no traceback."""

import pytest

from fixtures.packs import SUPPORTED

OPTIONS = [
    (["--timesteps", "0"], "--timesteps must be a whole number of at least 1, got '0'"),
    (["--epochs", "many"], "--epochs must be a whole number of at least 1, got 'many'"),
    (["--seeds", "-1"], "--seeds must be a whole number of at least 1, got '-1'"),
    (
        ["--train-size", "1.5"],
        "--train-size must be a whole number of at least 1 or all, got '1.5'",
    ),
    (["--train-size", "5000"], "--train-size must be at most the"),
    (["--arch", "resnet99"], "other2024 has no setting for architecture 'resnet99'; known: tiny"),
    (["--arch", "tiny,tiny"], "--arch needs distinct names separated by commas, got 'tiny,tiny'"),
    (["--dataset", "mnist"], "--dataset does not know 'mnist'; known: "),
    (["--dataset", ","], "--dataset needs distinct names separated by commas, got ','"),
    (["--claim", ""], "--claim needs distinct names separated by commas, got ''"),
    (["--device", "tpu"], "unknown device 'tpu'; known: cpu, cuda, cuda:0, …"),
    (["--device", "cuda:99"], "device 'cuda:99' was asked for and this machine has"),
    (["--expect", "absent.json"], "cannot read the expected verdicts absent.json: No such file"),
]


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


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_missing_data_are_told_once_with_the_ways_to_get_them(repository, workers):
    repository.write(SUPPORTED)
    empty = repository.pytester.mkdir("empty")
    outcome = repository.run("--dataset", "cifar10", "--data", empty, *workers)
    refused(outcome, "the data set cifar10 is not on this machine")
    assert "pass --data DIR" in outcome.text


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_two_tests_that_decide_the_same_are_refused(repository, workers):
    repository.write(SUPPORTED, SUPPORTED.replace("test_positive", "test_again"))
    refused(
        repository.run(*workers),
        "two tests decide other2024/positive[tiny-digits]; claims need distinct parameters",
    )


def test_a_fault_that_many_claims_meet_is_told_once(repository):
    repository.write(SUPPORTED, SUPPORTED.replace("positive", "again"))
    refused(repository.run("--epochs", "0"), "--epochs must be a whole number")


def test_a_test_that_asks_for_runs_and_is_no_claim_is_told_what_is_missing(repository):
    repository.write(SUPPORTED, "\ndef test_plain(judge):\n    pass\n")
    outcome = repository.run()
    assert outcome.status == 1
    assert "test_plain asks for the fixtures of a claim; decorate it with tic.audit.claim" in (
        outcome.text
    )


def test_needs_that_ask_for_an_impossible_recipe_are_refused(repository):
    repository.write(
        """
@says("odd", lambda setting: setting.recipe.but(timesteps=0))
def test_odd(runs, judge):
    pass
"""
    )
    refused(repository.run(), "not a valid Recipe: timesteps")


def test_options_are_not_read_when_there_are_no_claims(repository):
    repository.pytester.makepyfile(test_units="def test_unit():\n    pass\n")
    assert repository.run("--epochs", "0").status == 0
