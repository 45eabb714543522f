"""A Store from a stranger: nothing leads out of it, and what cannot be is not believed."""

import hashlib
import json
import os
import shutil

import pytest
import torch

from tic.audit.pack import Setting
from tic.audit.runs import SeedRuns
from tic.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.robustness import AccuracyMeasurement
from tic.pruning import Pruning
from tic.run import HISTORY, MANIFEST, STATE, weights_name
from tic.tensors import write_tensors
from tic.train import train


@pytest.fixture(scope="module")
def recipe(two_seeds):
    return two_seeds[1]


@pytest.fixture
def lab(two_seeds, tmp_path):
    """A Lab over a copy of a Store that somebody else had."""
    root = tmp_path / "store"
    shutil.copytree(two_seeds[0], root)
    return Lab(root)


@pytest.fixture
def folder(lab, recipe):
    return lab.store.run_folder(lab.fingerprint(recipe))


def vouch(folder, **others):
    """Let the manifest agree with the files."""
    files = [path for path in folder.iterdir() if path.name != MANIFEST]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (folder / MANIFEST).write_text(json.dumps(digests | others))


def change(folder, **fields):
    history = json.loads((folder / HISTORY).read_bytes())
    (folder / HISTORY).write_text(json.dumps(history | fields))
    vouch(folder)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"seconds": "long"}, "history.json: seconds: input should be a valid number, got 'long'"),
        ({"diverged": 1}, "history.json: diverged: input should be a valid string, got 1"),
        ({"train_loss": None}, "history.json: train_loss: input should be a valid list, got None"),
        ({"curves": 3}, "history.json: curves: input should be a valid dictionary, got 3"),
    ],
)
def test_a_history_of_other_types_is_damage_though_the_manifest_vouches(
    lab, recipe, folder, changes, fault
):
    change(folder, **changes)
    assert lab.finished(recipe) is None
    assert list(lab.store.damaged().values()) == [fault]


@pytest.mark.parametrize(
    "changes",
    [
        {"curves": {"prefix_losses": [[1.0, 2.0]]}},
        {"curves": {"prefix_losses": [[1.0, 2.0]] * 7 + [[1.0]]}},
        {"curves": {}, "prefix_losses": [[1.0, 2.0]]},
    ],
)
def test_a_history_of_another_training_is_refused(lab, recipe, folder, changes):
    change(folder, **changes)
    message = "its prefix_losses are not 8 epochs of values of one shape; remove"
    with pytest.raises(TicError, match=message):
        lab.run(recipe)


def test_a_history_of_version_3_is_read(lab, recipe, folder):
    curves = lab.run(recipe).curve("prefix_losses")
    history = json.loads((folder / HISTORY).read_bytes())
    del history["curves"], history["step"]
    (folder / HISTORY).write_text(json.dumps({**history, "prefix_losses": curves}))
    vouch(folder)
    assert Lab(lab.store_root).run(recipe).curve("prefix_losses") == curves


def test_a_run_of_a_terabyte_is_set_aside_unread(lab, recipe, folder, monkeypatch):
    name = weights_name(8)
    digest = json.loads((folder / MANIFEST).read_bytes())[name]
    with (folder / name).open("wb") as file:
        file.truncate(2**40)
    (folder / MANIFEST).write_text(json.dumps({HISTORY: "0" * 64, name: digest}))
    monkeypatch.setattr(
        "tic.run.sha256_of", lambda path: pytest.fail("read") if path.name == name else "0" * 64
    )
    assert lab.finished(recipe) is None
    (fault,) = lab.store.damaged().values()
    assert (
        fault == f"{name} has 1,099,511,627,776 bytes; no file of a Run has more than 4,294,967,296"
    )


def test_a_manifest_of_a_terabyte_is_set_aside_unread(lab, recipe, folder):
    with (folder / MANIFEST).open("wb") as file:
        file.truncate(2**40)
    assert lab.finished(recipe) is None
    (fault,) = lab.store.damaged().values()
    assert "manifest.json must have at most 268,435,456 bytes, got 1,099,511,627,776" in fault


def test_a_name_in_a_manifest_hides_nothing_in_the_note(lab, recipe, folder):
    vouch(folder, **{"\x1b[2J\u202e": "0" * 64})
    assert lab.finished(recipe) is None
    (fault,) = lab.store.damaged().values()
    assert fault == r"\x1b[2J\u202e cannot be read (no such file or directory)"


@pytest.mark.parametrize("name", [HISTORY, MANIFEST, weights_name(8)])
def test_a_pipe_in_the_place_of_a_file_is_damage_and_not_waited_for(lab, recipe, folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert lab.finished(recipe) is None
    assert len(lab.store.damaged()) == 1


def test_weights_of_another_network_are_refused_though_the_manifest_vouches(lab, recipe, folder):
    write_tensors(folder / weights_name(8), {"weight": torch.zeros(3)})
    vouch(folder)
    with pytest.raises(TicError, match=r"weights-0008.safetensors must hold the weights of its"):
        lab.network(recipe)


def test_weights_of_another_network_are_no_start_for_a_child(lab, recipe, folder):
    write_tensors(folder / weights_name(8), {"weight": torch.zeros(3)})
    vouch(folder)
    with pytest.raises(TicError, match=r"it holds 'weight', which its network does not have"):
        train(recipe.but(parent=recipe, rules=(Pruning(0.5),)), lab)


@pytest.mark.parametrize("name", ["../secret", "link"])
def test_the_state_of_a_training_names_no_file_elsewhere(tmp_path, name):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "link").symlink_to(tmp_path / "secret")
    progress = {"epoch": 0, "diverged": None, "train_loss": [], "curves": {}}
    kept = {name: hashlib.sha256(b"secret").hexdigest()}
    path, tensors = tmp_path / "work" / STATE, {"weight": torch.zeros(2)}
    write_checkpoint(path, Checkpoint(progress, kept, {}, tensors))
    with pytest.raises(ValueError, match="is not a plain file beside"):
        read_checkpoint(path, tensors)


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": -1},
        {"epoch": 1},
        {"epoch": 0.0},
        {"train_loss": 3},
        {"diverged": 1},
        {"curves": []},
    ],
)
def test_the_state_of_a_training_that_cannot_be_is_not_gone_on_from(tmp_path, changes):
    progress = {"epoch": 0, "diverged": None, "train_loss": [], "curves": {}, **changes}
    tensors = {"weight": torch.zeros(2)}
    write_checkpoint(tmp_path / STATE, Checkpoint(progress, {}, {}, tensors))
    with pytest.raises(ValueError, match="has progress that no training can have"):
        read_checkpoint(tmp_path / STATE, tensors)


@pytest.mark.parametrize("kind", ["work", "measurements"])
def test_a_link_in_the_place_of_a_folder_is_followed_by_nothing(lab, recipe, tmp_path, kind):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".bashrc").write_text("precious")
    other = recipe.but(epochs=2, checkpoints=1)
    (lab.store_root / kind).mkdir(exist_ok=True)
    wanted = other if kind == "work" else recipe
    (lab.store_root / kind / lab.fingerprint(wanted)).symlink_to(elsewhere)
    with pytest.raises(TicError, match="must be a folder, and it is a link; remove"):
        train(other, lab) if kind == "work" else accuracy(lab, recipe)
    assert [path.name for path in elsewhere.iterdir()] == [".bashrc"]


def accuracy(lab, recipe):
    runs = SeedRuns(recipe, Setting(recipe, seeds=(0,), sizes={"test": 10}), lab)
    return runs.values(AccuracyMeasurement(epoch=recipe.epochs, size=10), "accuracy")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"result": {"accuracy": [1, 2]}}',
        b'{"result": {"accuracy": "50"}}',
        b'{"result": {"accuracy": 50, "more": 1}}',
        b'{"result": {"accuracy": NaN}}',
        b'{"result": {"accuracy": 1' + b"0" * 400 + b"}}",
        b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"result": {"accuracy": 1, "accuracy": 2}}',
        None,
    ],
)
def test_a_measurement_that_cannot_be_is_taken_again(lab, recipe, content, tmp_path):
    taken = accuracy(lab, recipe)
    (path,) = lab.store_root.glob("measurements/*/accuracy-*.json")
    whole = path.read_bytes()
    path.unlink()
    if content is None:
        (tmp_path / "elsewhere").write_bytes(whole.replace(b"accuracy", b"accurate"))
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_bytes(content)
    assert accuracy(Lab(lab.store_root, tmp_path), recipe) == taken
    assert path.read_bytes() == whole
    assert not path.is_symlink()
