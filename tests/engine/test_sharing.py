import shutil
from contextlib import ExitStack
from itertools import count

import pytest

from fixtures.workers import build_and_log, exit_status
from tic.engine import sharing
from tic.engine.plan import make_plan, missing
from tic.engine.sharing import ensure, train_missing
from tic.errors import TicError
from tic.fitting import CosineSGD
from tic.lab import Lab
from tic.pruning import Pruning
from tic.run import weights_name
from tic.store import Store
from tic.train import train


@pytest.fixture
def base(quick_recipe):
    return quick_recipe.but(epochs=1, checkpoints=1)


@pytest.fixture
def pruned(base):
    return base.but(parent=base, rules=(Pruning(0.5),))


@pytest.fixture
def trained(monkeypatch):
    """What this process trains, in order; asking for ever without a pause is an error."""
    order, asked, train_if_free = [], count(), sharing.train_if_free

    def logged(recipe, lab):
        assert next(asked) < 1000
        if train_if_free(recipe, lab):
            order.append(recipe)
            return True
        return False

    monkeypatch.setattr(sharing, "train_if_free", logged)
    return order


def held(lab, recipe):
    """The lock of a Run, as another process that trains it would hold it."""
    return Lab(lab.store_root).store.lock(f"run-{lab.fingerprint(recipe)}")


def never(seconds):
    pytest.fail("waited for nobody")


def test_a_plan_is_built_parents_first_and_the_most_urgent_of_all(lab, base, pruned, trained):
    other = base.with_seed(1)
    plan = make_plan([other, pruned])
    train_missing(plan, lab)
    assert trained == [base, other, pruned]
    assert missing(plan, lab) == ()
    assert train_missing(plan, lab) == ()
    assert len(trained) == 3


def test_building_leaves_what_another_process_trains_alone(lab, base, pruned, trained):
    other = base.with_seed(1)
    plan = make_plan([pruned, other])
    with held(lab, base):
        left = train_missing(plan, lab)
    assert trained == [other]
    assert [run.recipe for run in left] == [base, pruned]
    assert [run.recipe for run in missing(plan, lab)] == [base, pruned]


def test_the_store_is_asked_of_each_run_a_few_times_however_many_are_missing(
    lab, base, monkeypatch
):
    finished, asked = set(), []

    def finish(recipe, lab):
        finished.add(recipe)
        return True

    def has(lab, recipe, *, verify=False):
        asked.append(recipe)
        return recipe in finished

    monkeypatch.setattr(sharing, "train_if_free", finish)
    monkeypatch.setattr(Lab, "has", has)
    plan = make_plan([base.with_seed(seed) for seed in range(50)])
    assert train_missing(plan, lab) == ()
    assert len(finished) == 50
    assert max(map(asked.count, finished)) <= 3


def test_processes_build_a_plan_together_and_train_nothing_twice(
    lab, base, pruned, tmp_path, start_worker
):
    log = tmp_path / "log"
    wanted = [pruned, *(base.with_seed(seed) for seed in (1, 2, 3, 4))]
    plan = make_plan(wanted)
    workers = [start_worker(build_and_log, wanted, lab.store_root, log) for _ in range(2)]
    assert [exit_status(worker) for worker in workers] == [0, 0]
    assert sorted(log.read_text().split()) == sorted(run.recipe.label for run in plan)
    assert missing(plan, lab) == ()


def test_what_is_needed_is_there_when_ensured(lab, base, pruned, monkeypatch):
    monkeypatch.setattr(sharing.time, "sleep", never)
    wanted = [pruned, base.with_seed(1)]
    ensure(wanted, make_plan(wanted), lab)
    assert all(lab.has(each, verify=True) for each in wanted)
    ensure(wanted, make_plan(wanted), lab)
    ensure([], (), lab)


def test_waiting_for_another_process_is_spent_on_the_rest_of_the_plan(
    lab, base, pruned, trained, monkeypatch
):
    rest = [base.with_seed(1), base.with_seed(2)]
    plan = make_plan([pruned, *rest])
    polls = []
    with ExitStack() as elsewhere:
        elsewhere.enter_context(held(lab, base))

        def wait(seconds):
            polls.append((seconds, list(trained)))
            if len(polls) == 3:
                elsewhere.close()

        monkeypatch.setattr(sharing.time, "sleep", wait)
        ensure([pruned], plan, lab)
    # It waited only after all that was free had been trained, and took over what was let go.
    assert polls == 3 * [(sharing.POLL_SECONDS, rest)]
    assert trained == [*rest, base, pruned]


def test_what_another_process_finishes_is_not_trained_again(lab, base, trained, monkeypatch):
    other = Lab(lab.store_root)
    with ExitStack() as elsewhere:
        elsewhere.enter_context(held(lab, base))

        def wait(seconds):
            elsewhere.close()
            train(base, other)

        monkeypatch.setattr(sharing.time, "sleep", wait)
        ensure([base], make_plan([base]), lab)
    assert trained == []
    assert lab.has(base)


def test_what_was_finished_since_it_was_looked_for_is_not_trained_again(
    lab, base, trained, monkeypatch
):
    train(base, lab)
    unseen, has = [base], Lab.has

    def has_later(lab, recipe, *, verify=False):
        return not (unseen and unseen.pop()) and has(lab, recipe, verify=verify)

    monkeypatch.setattr(Lab, "has", has_later)
    assert train_missing(make_plan([base]), lab) == ()
    assert (unseen, trained) == ([], [])


def test_ensuring_stops_as_soon_as_what_is_needed_is_there(lab, base, trained):
    train(base, lab)
    ensure([base], make_plan([base, base.with_seed(1)]), lab)
    assert trained == []


def test_what_the_plan_forgot_is_trained_all_the_same(lab, base, pruned, trained, monkeypatch):
    monkeypatch.setattr(sharing.time, "sleep", never)
    ensure([pruned], (), lab)
    assert trained == [base, pruned]


@pytest.mark.parametrize("damage", ["truncated", "gone"])
def test_a_damaged_run_is_trained_again(lab, base, trained, damage):
    run = train(base, lab)
    path = run.folder / weights_name(1)
    whole = path.read_bytes()
    path.unlink() if damage == "gone" else path.write_bytes(whole[:-1])
    later = Lab(lab.store_root)
    ensure([base], make_plan([base]), later)
    assert trained == [base]
    assert path.read_bytes() == whole
    assert len(list(lab.store_root.glob("damaged/*"))) == 1


@pytest.mark.parametrize("engine", ["build", "ensure"])
def test_a_damaged_parent_is_trained_again_before_its_child(
    lab, base, pruned, trained, monkeypatch, engine
):
    monkeypatch.setattr(sharing.time, "sleep", never)
    (train(base, lab).folder / weights_name(1)).write_bytes(b"")
    later, plan = Lab(lab.store_root), make_plan([pruned])
    train_missing(plan, later) if engine == "build" else ensure([pruned], plan, later)
    assert trained == [base, pruned]
    assert later.has(pruned, verify=True)


def test_a_run_that_lost_its_manifest_is_trained_again(lab, base, trained):
    folder = train(base, lab).folder
    (folder / "manifest.json").unlink()
    ensure([base], make_plan([base]), Lab(lab.store_root))
    assert trained == [base]


def test_a_run_that_may_not_be_looked_at_stops_no_other(lab, base, trained, monkeypatch):
    closed, other = base, base.but(seed=1)
    name, has = lab.fingerprint(closed), Store.has

    def refusing(store, fingerprint):
        if fingerprint == name:
            raise TicError("it cannot be read")
        return has(store, fingerprint)

    monkeypatch.setattr(Store, "has", refusing)
    (left,) = train_missing(make_plan([closed, other]), lab)
    assert (trained, left.recipe) == ([other], closed)
    with pytest.raises(TicError, match="it cannot be read"):
        ensure([closed], (), lab)


def test_children_of_a_diverged_training_are_finished_with_it(lab, base, trained):
    diverging = base.but(fitting=CosineSGD(learning_rate=1e30))
    child = base.but(parent=diverging, rules=(Pruning(0.5),))
    ensure([child], make_plan([child]), lab)
    assert trained == [diverging, child]
    assert lab.has(child, verify=True)


def test_a_store_that_cannot_be_written_is_told_and_not_waited_for(tmp_path, base):
    root = tmp_path / "store"
    root.write_text("a file where a folder should be")
    with pytest.raises(TicError, match="cannot be written"):
        ensure([base], make_plan([base]), Lab(root))


def test_a_store_with_all_runs_need_not_be_written(lab, base, pruned):
    train(pruned, lab)
    shutil.rmtree(lab.store_root / "locks")
    (lab.store_root / "locks").write_text("a file where a folder should be")
    later = Lab(lab.store_root)
    ensure([pruned, base], make_plan([pruned]), later)
    train_missing(make_plan([pruned]), later)
    assert train(pruned, later).diverged is None
