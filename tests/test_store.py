import ast
import errno
import json
import os
import shutil
import threading
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tic
from fixtures.workers import PATIENCE, exit_status, hold_lock, wait_until
from tic import run as run_module
from tic import store as store_module
from tic.errors import TicError, UnwritableError
from tic.run import HISTORY, MANIFEST, RECIPE, STATE, weights_name
from tic.store import Store
from tic.tensors import write_tensors
from tic.writing import write_json

RUN = "0123456789abcdef01234567"
FILES = (HISTORY, RECIPE, weights_name(0), weights_name(7))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def begin(store, fingerprint=RUN):
    """Leave what a training leaves in its work folder just before it is finished."""
    work = store.work_folder(fingerprint)
    write_json(work / RECIPE, {"dataset": "digits"})
    write_json(work / HISTORY, {"epoch": 7, "diverged": None})
    write_tensors(work / weights_name(0), {"weight": torch.zeros(2, 3)})
    write_tensors(work / weights_name(7), {"weight": torch.ones(2, 3)})
    write_tensors(work / STATE, {"momentum": torch.ones(2, 3)})
    return work


def finished(store, fingerprint=RUN):
    begin(store, fingerprint)
    return store.finish(fingerprint)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def faults(store):
    return [
        json.loads(path.read_bytes())["fault"] for path in store.root.glob("damaged/*/fault.json")
    ]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_without_a_standard_meaning_is_refused(tmp_path, number):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "file.json", {"loss": number})
    assert names(tmp_path) == []


# Runs


def test_a_finished_run_has_its_files_and_their_digests(store):
    run = finished(store)
    assert run.folder == store.root / "runs" / RUN
    assert names(run.folder) == sorted([*FILES, MANIFEST])
    assert json.loads((run.folder / MANIFEST).read_bytes()) == {
        name: sha256((run.folder / name).read_bytes()).hexdigest() for name in FILES
    }
    assert (run.fingerprint, run.history) == (RUN, {"epoch": 7, "diverged": None})
    digest_of = {path.name: sha256(path.read_bytes()).hexdigest() for path in run.folder.iterdir()}
    assert run.digests(7) == (digest_of[MANIFEST], digest_of[weights_name(7)])
    assert run.digests(3) == (digest_of[MANIFEST], None)


@pytest.mark.parametrize("size", [0, 1, 2**16 - 1, 2**16, 2**16 + 1, 3 * 2**16])
def test_files_of_any_size_are_digested_whole(tmp_path, size):
    content = bytes(number % 251 for number in range(size))
    (tmp_path / "file").write_bytes(content)
    assert run_module.sha256_of(tmp_path / "file") == sha256(content).hexdigest()


def test_a_run_appears_whole_in_one_rename(store, monkeypatch):
    begin(store)
    renamed, rename = [], Path.rename

    def watched(source, target):
        renamed.append((source, target, (source / MANIFEST).exists(), store.has(RUN)))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", watched)
    store.finish(RUN)
    assert renamed == [(store.work_folder(RUN), store.run_folder(RUN), True, False)]
    assert not store.work_folder(RUN).exists()


def test_the_state_outlives_everything_but_the_rename(store, monkeypatch):
    begin(store)

    def fail(source, target):
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(UnwritableError, match="killed"):
            store.finish(RUN)
    assert (store.work_folder(RUN) / STATE).exists()
    assert names(store.finish(RUN).folder) == sorted([*FILES, MANIFEST])


def test_what_is_not_finished_is_not_there(store):
    assert not store.has(RUN)
    assert store.get(RUN) is None
    begin(store)
    assert not store.has(RUN)
    assert store.get(RUN) is None
    assert finished(store).folder == store.get(RUN).folder
    assert store.has(RUN)


def test_weights_are_read_by_epoch(store):
    run = finished(store)
    assert run.weights(0)["weight"].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert run.weights(7)["weight"].tolist() == [[1, 1, 1], [1, 1, 1]]
    with pytest.raises(TicError, match=r"no weights of epoch 3; kept: \[0, 7\]"):
        run.weights(3)


def test_tensors_keep_their_bits_types_and_layout(tmp_path, store):
    tensors = {
        "float": torch.tensor([0.1, -0.0, 1e-40]),
        "transposed": torch.arange(6).view(2, 3).t(),
        "bytes": torch.tensor([255], dtype=torch.uint8),
        "scalar": torch.tensor(3),
    }
    work = begin(store)
    write_tensors(work / weights_name(3), tensors)
    read = store.finish(RUN).weights(3)
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)
    assert str(read["float"][1].item()) == "-0.0"


# Damage


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, empty, Path.unlink])
@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_damaged_run_is_set_aside_and_can_be_made_again(store, name, damage):
    damage(finished(store).folder / name)
    later = Store(store.root)
    assert later.get(RUN) is None
    assert not later.has(RUN)
    assert finished(later).history == {"epoch": 7, "diverged": None}
    [aside] = store.root.glob(f"damaged/{RUN}-*")
    assert names(aside) == sorted([RUN, "fault.json"])
    assert set(names(aside / RUN)) <= {*FILES, MANIFEST}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return finished(Store(tmp_path_factory.mktemp("sound"))).folder


@settings(max_examples=40)
@given(data=st.data())
def test_any_flipped_bit_of_any_file_is_noticed(sound, data):
    with TemporaryDirectory() as root:
        store = Store(Path(root))
        shutil.copytree(sound, store.run_folder(RUN))
        path = store.run_folder(RUN) / data.draw(st.sampled_from([*FILES, MANIFEST]))
        content = bytearray(path.read_bytes())
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        assert store.get(RUN) is None
        assert len(faults(store)) == 1


@pytest.mark.parametrize("manifest", ["{}", "[]", "3", "null", '{"history.json": null}'])
def test_a_manifest_that_vouches_for_nothing_is_damage(store, manifest):
    (finished(store).folder / MANIFEST).write_text(manifest)
    assert Store(store.root).get(RUN) is None
    assert len(faults(store)) == 1


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "weights-0000.safetensors/..", "."])
def test_a_manifest_that_names_a_file_elsewhere_is_damage_and_nothing_is_read(
    store, name, monkeypatch
):
    folder = finished(store).folder
    (folder.parent / "secret").write_text("secret")
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({name: "0" * 64, **manifest}))
    monkeypatch.setattr(run_module, "sha256_of", lambda path: pytest.fail(f"read {path}"))
    assert Store(store.root).get(RUN) is None
    assert faults(store) == [f"{name!r} of {MANIFEST} is not a plain file of the folder"]


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_link_in_the_place_of_a_file_is_damage_though_its_content_is_right(store, tmp_path, name):
    folder = finished(store).folder
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    assert Store(store.root).get(RUN) is None
    assert len(faults(store)) == 1
    assert (tmp_path / name).exists()


def test_a_link_in_the_place_of_a_run_is_damage_and_what_it_points_to_stays(store, tmp_path):
    folder = finished(store).folder
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert Store(store.root).get(RUN) is None
    assert names(tmp_path / "elsewhere") == sorted([*FILES, MANIFEST])


def test_weights_that_the_manifest_does_not_name_are_damage(store):
    folder = finished(store).folder
    write_tensors(folder / weights_name(3), {"weight": torch.zeros(1)})
    assert Store(store.root).get(RUN) is None
    assert faults(store) == ["weights-0003.safetensors is not in the manifest"]


def test_weights_of_late_epochs_are_told(store):
    write_tensors(begin(store) / weights_name(12345), {"weight": torch.zeros(1)})
    with pytest.raises(TicError, match=r"no weights of epoch 3; kept: \[0, 7, 12345\]"):
        store.finish(RUN).weights(3)


def test_the_fault_is_told(store):
    truncate(finished(store).folder / weights_name(7))
    Store(store.root).get(RUN)
    assert faults(store) == ["weights-0007.safetensors does not match its sha256 in the manifest"]


@pytest.mark.parametrize("damage", [truncate, empty])
def test_a_manifest_that_is_no_json_is_told_by_name(store, damage):
    damage(finished(store).folder / MANIFEST)
    Store(store.root).get(RUN)
    [fault] = faults(store)
    assert fault.startswith("manifest.json is text that is not JSON")


def test_a_missing_file_is_told_by_name(store):
    (finished(store).folder / RECIPE).unlink()
    Store(store.root).get(RUN)
    assert faults(store) == ["recipe.json cannot be read (no such file or directory)"]


def test_what_was_set_aside_is_listed_with_its_fault(store):
    assert store.damaged() == {}
    empty(finished(store).folder / HISTORY)
    Store(store.root).get(RUN)
    [(folder, fault)] = store.damaged().items()
    assert folder.startswith(f"{RUN}-")
    assert fault == "history.json does not match its sha256 in the manifest"


def test_a_note_that_is_damaged_itself_is_listed_all_the_same(store):
    (store.root / "damaged" / "a").mkdir(parents=True)
    (store.root / "damaged" / "a" / "fault.json").write_text("{")
    assert store.damaged() == {"a": "what was wrong with it can no longer be read"}


@pytest.mark.parametrize("error", [errno.EMFILE, errno.EACCES, errno.ENOMEM])
def test_a_run_that_this_process_cannot_read_is_no_damage(store, monkeypatch, error):
    run = finished(store)

    def refuse(path):
        raise OSError(error, os.strerror(error), str(path))

    monkeypatch.setattr(run_module, "sha256_of", refuse)
    with pytest.raises(TicError, match=rf"{run.folder} cannot be read \(.*--store"):
        Store(store.root).get(RUN)
    assert faults(store) == []
    monkeypatch.undo()
    assert Store(store.root).get(RUN).history == run.history


def test_a_store_that_this_process_may_not_enter_is_told(store, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(TicError, match="cannot be read \\(permission denied\\)"):
        store.has(RUN)


def test_what_was_written_counts_and_not_what_is_read_back(store):
    work = begin(store)
    written = sha256((work / weights_name(7)).read_bytes()).hexdigest()
    empty(work / weights_name(7))
    with pytest.raises(TicError, match="was damaged while it was written"):
        store.finish(RUN, {weights_name(7): written})
    assert faults(store) == ["weights-0007.safetensors does not match its sha256 in the manifest"]


def test_a_run_that_cannot_be_published_is_told_and_stays_to_be_gone_on_from(store, monkeypatch):
    work = begin(store)

    def refuse(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(UnwritableError, match=r"cannot be written \(no space left on device\)"):
            store.finish(RUN)
    assert (work / STATE).exists()
    assert store.finish(RUN).history == {"epoch": 7, "diverged": None}


def test_tensors_are_written_under_their_digest(tmp_path):
    path = tmp_path / "tensors"
    digest = write_tensors(path, {"weight": torch.ones(3)})
    assert digest == sha256(path.read_bytes()).hexdigest()


def test_runs_beside_a_damaged_one_stay(store):
    truncate(finished(store).folder / HISTORY)
    finished(store, "another")
    later = Store(store.root)
    assert later.get(RUN) is None
    assert later.get("another").history == {"epoch": 7, "diverged": None}


def test_damage_that_another_process_set_aside_first_is_no_error(store, monkeypatch):
    folder = finished(store).folder
    truncate(folder / HISTORY)
    look = store_module.fault_of

    def look_slowly(folder):
        fault = look(folder)
        if fault and folder.exists():
            shutil.rmtree(folder)
        return fault

    monkeypatch.setattr(store_module, "fault_of", look_slowly)
    assert Store(store.root).get(RUN) is None
    assert faults(store) == []


def test_a_run_that_another_process_made_again_meanwhile_stays(store, monkeypatch):
    truncate(finished(store).folder / HISTORY)
    look, looks = store_module.fault_of, []

    def look_slowly(folder):
        fault = look(folder)
        if not looks:
            looks.append(fault)
            shutil.rmtree(folder)
            finished(Store(store.root))
        return fault

    monkeypatch.setattr(store_module, "fault_of", look_slowly)
    assert Store(store.root).get(RUN).history == {"epoch": 7, "diverged": None}
    assert faults(store) == []


def test_of_several_processes_one_sets_a_damaged_run_aside(store, monkeypatch):
    truncate(finished(store).folder / HISTORY)
    look, free = store_module.fault_of, []

    def look_at_the_lock(folder):
        free.append(is_free(Store(store.root), f"damaged-{RUN}"))
        return look(folder)

    monkeypatch.setattr(store_module, "fault_of", look_at_the_lock)
    assert Store(store.root).get(RUN) is None
    assert free == [True, False]


def test_a_run_is_verified_once_per_process(store, monkeypatch):
    run = finished(store)
    monkeypatch.setattr(store_module, "fault_of", lambda folder: pytest.fail("verified again"))
    assert store.get(RUN) is run


# Locks


def is_free(store, name):
    with store.lock(name, wait=False) as had:
        return had


def test_a_lock_is_had_by_one_and_free_again_when_its_holder_is_killed(store, start_worker):
    held = store.root.parent / "held"
    worker = start_worker(hold_lock, store.root, "run-a", held)
    wait_until(held.exists)
    assert not is_free(store, "run-a")
    assert is_free(store, "run-b")
    worker.kill()
    assert exit_status(worker) < 0
    assert is_free(store, "run-a")


def test_a_lock_is_waited_for(store):
    order, asking = [], threading.Event()

    def second():
        asking.set()
        with store.lock("run"):
            order.append("second")

    with store.lock("run"):
        thread = threading.Thread(target=second)
        thread.start()
        assert asking.wait(PATIENCE)
        thread.join(0.2)  # it would have the lock by then
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_lock_is_released_by_an_exception(store):
    with pytest.raises(KeyError), store.lock("run"):
        raise KeyError
    assert is_free(store, "run")


@pytest.mark.parametrize("obstacle", [".", "locks"])
def test_a_store_that_cannot_be_written_says_so(tmp_path, obstacle):
    root = tmp_path / "store"
    path = root / obstacle
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file where a folder should be")
    with (
        pytest.raises(TicError, match=rf"Store {root} cannot be written \(.*--store"),
        Store(root).lock("run"),
    ):
        pytest.fail("locked")


def test_a_store_that_cannot_be_written_says_what_is_missing(tmp_path):
    root = tmp_path / "store"
    root.write_text("a file where a folder should be")
    message = r"^tiny-seed0 is missing, and the Store .* cannot be written \(not a directory\)"
    with (
        pytest.raises(UnwritableError, match=message),
        Store(root).lock("run", wanted="tiny-seed0"),
    ):
        pytest.fail("locked")


# Safety


def test_nothing_is_unpickled():
    unsafe = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
    sources = sorted(Path(tic.__file__).parent.rglob("*.py"))
    assert len(sources) > 40
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            assert not imported(node) & unsafe, source
            assert called(node) not in {"torch.load", "torch.jit.load", "torch.hub.load"}, source
            assert not isinstance(node, ast.keyword) or node.arg != "allow_pickle", source


def imported(node):
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module == "torch":
        return {"pickle" for alias in node.names if alias.name == "load"}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module.partition(".")[0]}
    return set()


def called(node):
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""
