"""What an audit does not tell: users, hosts and secrets, whoever's they are."""

import pytest

from tic.session.privacy import HIDDEN, anonymous, discreet, discreet_arguments


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr("platform.node", lambda: "gpu-07.example.org")


def command(*arguments):
    return " ".join(discreet_arguments(arguments))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("/home/ada/runs", "~/runs"),
        ("/home/bob/runs", "~/runs"),
        ("--store=/home/bob/runs", "--store=~/runs"),
        ("/Users/bob/x", "~/x"),
        ("/Users/bob", "~"),
        ("/nfs/home/bob/x", "~/x"),
        ("/root/x", "~/x"),
        ("C:\\Users\\bob\\x", "~\\x"),
        ("C:\\Users\\Bob Builder\\x", "~\\x"),
        ("/data/store", "/data/store"),
        ("/rooted/x", "/rooted/x"),
        ("claims/home", "claims/home"),
        ("alpha-*,fig4", "alpha-*,fig4"),
    ],
)
def test_a_home_of_anybody_is_shortened_and_other_paths_stay(given, told):
    assert command(given) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--token=abc123"], "--token=…"),
        (["--api-key", "abc123", "claims"], "--api-key … claims"),
        (["--password", "--seeds", "3"], "--password --seeds 3"),
        (["--address", "ray://10.0.0.7:10001"], "--address …"),
        (["HF_TOKEN=abc123"], "HF_TOKEN=…"),
        (["-p", "ghp_0123456789abcdef"], "-p …"),
        (["--tx", "ssh=bob@gpu-08//python=python3"], "--tx ssh=…//python=python3"),
        (["https://bob:secret@example.org/x"], "https://…/x"),
        (["--dist", "gpu-07.example.org"], "--dist …"),
        (["-k", "author and tokens"], "-k author and tokens"),
    ],
)
def test_secrets_and_hosts_are_hidden(given, told):
    assert command(*given) == told


@pytest.mark.parametrize("name", ["TIC_SECRET", "AWS_ACCESS_KEY_ID", "DB_PASSWORD", "GH_TOKEN"])
def test_the_value_of_a_secret_variable_is_hidden_wherever_it_stands(monkeypatch, name):
    monkeypatch.setenv(name, "xyzzy-plugh")
    assert command("--label=a-xyzzy-plugh-b") == f"--label=a-{HIDDEN}-b"
    assert "xyzzy" not in discreet("it failed with xyzzy-plugh")


def test_the_value_of_another_variable_is_no_secret(monkeypatch):
    monkeypatch.setenv("AUTHOR", "kim2023")
    monkeypatch.setenv("OMP_NUM_THREADS", "claims")
    assert command("claims/kim2023") == "claims/kim2023"


def test_a_host_that_is_called_like_a_folder_hides_nothing(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "claims")
    assert command("claims") == "claims"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            "/data/store/runs/abc/weights-0007.safetensors does not match",
            "…/abc/weights-0007.safetensors does not match",
        ),
        ("in /opt/venv/lib/python3.11/site-packages/torch/nn.py:7", "in …/torch/nn.py:7"),
        ("/home/bob/store/runs/abc/x.json is damaged", "~/store/runs/abc/x.json is damaged"),
        ("look at /dev/zero", "look at /dev/zero"),
        ("3/4/5 of them, and/or none", "3/4/5 of them, and/or none"),
        ("RuntimeError: it fell over", "RuntimeError: it fell over"),
    ],
)
def test_of_a_long_path_in_a_sentence_only_the_end_is_left(given, told):
    assert discreet(given) == told


def test_what_is_only_made_anonymous_keeps_its_paths():
    text = "looked for x in /usr/share/datasets/x and /home/bob/data"
    assert anonymous(text) == "looked for x in /usr/share/datasets/x and ~/data"


def test_hiding_takes_no_longer_for_a_hostile_text():
    assert len(discreet("/home" * 20_000 + "/" * 20_000)) < 200_000
