"""Rows measure what they say, at sizes that take no time."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import (
    attacks,
    audits,
    commands,
    delays,
    figure,
    fisher,
    gpu,
    memory,
    probe,
    rates,
    scaling,
    seeds,
    similarity,
    startup,
    stores,
    training,
)
from benchmarks.cases import tiny
from benchmarks.harness import NotMeasuredError, Options, at_least, at_most
from benchmarks.peers.floors import Rectified
from benchmarks.peers.jelly import SingleStep
from benchmarks.scaling import Axis, Growth, Size, exponent

CASE = replace(tiny(2), side=8)
ONE = Options(pairs=1)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for module in (training, attacks, rates):
        monkeypatch.setattr(module, "BATCH", {"tiny": 4})
    monkeypatch.setattr(fisher, "PRESENTATIONS", {"tiny": 8})
    monkeypatch.setattr(fisher, "ALONE", {"tiny": 1})
    monkeypatch.setattr(training, "STEPS", {"tiny": 1})
    monkeypatch.setattr(attacks, "BATCHES", {"tiny": 1})
    monkeypatch.setattr(delays, "SIZES", delays.Sizes((4, 6, 3), timesteps=5, largest=2, batch=4))


@pytest.mark.parametrize("take", [fisher._one_by_one, fisher._release, fisher._vmap, fisher._floor])
def test_rows_of_fisher_information_are_measured(take):
    assert take(CASE, at_least(1), ONE).ratio > 0


def test_rows_of_training_are_measured():
    assert training._measure(CASE, training.PEERS[0], ONE).ratio > 0


def test_the_row_of_attacks_is_measured():
    assert attacks._measure(CASE, at_least(1), ONE).ratio > 0


@pytest.mark.parametrize("row", ["delays/dcls", "delays/without", "delays/floor"])
def test_rows_of_delays_are_measured(row):
    (measure,) = (each.measure for each in delays.rows() if each.name == row)
    if row.endswith("dcls"):
        pytest.importorskip("DCLS")
    assert measure(ONE).ratio > 0


@pytest.mark.parametrize("half", [False, True])
def test_a_timed_step_trains(half):
    network = CASE.build()
    before = [weight.detach().clone() for weight in network.parameters()]
    training.steps(network, CASE, 4, half=half)()
    after = list(network.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(weight.dtype is torch.float32 for weight in after)


@pytest.mark.parametrize(("net", "alike"), [(SingleStep, False), (Rectified, True)])
def test_what_runs_on_a_gpu_runs_on_a_cpu(net, alike):
    sample = gpu.compare_steps(CASE, 4, at_most(1), net, alike, ONE, device="cpu", compiled=False)
    assert sample.ratio > 0
    assert gpu.compare_fisher(CASE, 4, at_most(1), ONE, "cpu").ratio > 0


def test_rows_of_the_gpu_say_that_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rows = list(gpu.rows())
    assert len(rows) == 17
    for row in rows:
        with pytest.raises(NotMeasuredError, match=r"^no GPU$"):
            row.measure(ONE)


def test_a_gpu_that_is_too_small_is_no_failure(monkeypatch):
    def exhausted(asked):
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(NotMeasuredError, match="memory does not hold it"):
        gpu.on_gpu(exhausted, ONE)


@pytest.mark.parametrize("path", list(probe.PATHS))
def test_a_probe_runs_every_path(path):
    assert probe.peak_of(path, CASE, 2) >= 0


def test_what_a_call_touches_raises_the_peak_by_as_much():
    """In a process of its own: this one may have had a higher peak before."""
    program = (
        "from benchmarks.probe import raised_by\n"
        "print(raised_by(lambda: bytearray(b'x') * (64 << 20)))"
    )
    _, printed = commands.run(("-c", program))
    # Some pages are there before, of which a few are taken again.
    assert 60 << 20 <= int(printed) <= 100 << 20


def test_a_peak_is_the_mark_of_this_process_alone(tmp_path):
    status = tmp_path / "status"
    status.write_text("VmPeak:\t  900 kB\nVmHWM:\t  12 kB\nVmRSS:\t  7 kB\n")
    assert probe.peak_resident(status) == 12 * 1024


def test_a_peak_is_known_where_there_is_no_such_mark(tmp_path):
    assert probe.peak_resident(tmp_path / "nothing") > 10_000_000


def test_one_copy_counts_the_outputs_of_every_layer_once():
    # Of the 8×8 image: the stem's convolution and normalisation once, everything else T times.
    stem = 2 * 16 * 64
    neurons = 2 * 16 * 64
    blocks = sum(2 * channels * places * 8 for channels, places in ((16, 16), (32, 4), (32, 1)))
    expected = 4 * (stem + neurons + blocks) / 2
    assert memory.one_copy(CASE) == expected


def test_a_peak_that_does_not_grow_measures_nothing(monkeypatch):
    monkeypatch.setattr(memory, "BATCHES", {"tiny": (2, 6)})
    for peak in (lambda batch: 7.0, lambda batch: 100.0 - batch):
        monkeypatch.setattr(memory, "probe", lambda path, case, batch, peak=peak: peak(batch))
        with pytest.raises(NotMeasuredError, match="the peak did not grow from B=2 to 6"):
            memory._measure(CASE, "step", at_most(1), ONE)


def test_memory_is_what_a_larger_batch_adds_per_image_and_timestep(monkeypatch):
    monkeypatch.setattr(memory, "BATCHES", {"tiny": (2, 6)})
    monkeypatch.setattr(memory, "probe", lambda path, case, batch: 1000.0 + 80 * batch)
    sample = memory._measure(CASE, "step", at_most(1), ONE)
    assert sample.ours == 80 / CASE.timesteps
    assert sample.ratio == pytest.approx(40 / memory.one_copy(CASE))


def test_a_limit_in_seconds_is_a_ratio_to_it(monkeypatch):
    times = iter([9.0, 0.2, 0.4, 0.6])  # the first compiles modules and does not count
    monkeypatch.setattr(startup, "run", lambda arguments: (next(times), ""))
    sample = startup._measure((), 0.5, startup.TARGET, Options(pairs=3))
    assert sample.ratios == pytest.approx((0.4, 0.8, 1.2))
    assert startup.TARGET.met(sample.ratio)


def test_a_page_is_written_into_a_folder_that_is_removed(monkeypatch):
    seen = []

    def run(arguments):
        assert Path(arguments[-1]).is_dir()
        seen.append(arguments)
        return 1.0, ""

    monkeypatch.setattr(startup, "run", run)
    (page,) = (row for row in startup.rows() if row.name == "startup/page")
    assert page.measure(ONE).ratios == (1 / 5,)
    assert seen[0][-4:-1] == ["report", startup.AUDIT, "--report-dir"]
    assert not Path(seen[0][-1]).exists()


def test_compiled_modules_may_be_kept(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    _, printed = commands.run(("-c", "import sys; print(sys.dont_write_bytecode)"))
    assert printed.strip() == "False"


def test_audits_of_many_runs_are_timed_after_one_that_does_not_count(monkeypatch, tmp_path):
    times, seen = iter([60.0, 5.0]), []

    def run(arguments):
        seen.append(arguments)
        return next(times), ""

    monkeypatch.setattr(stores, "run", run)
    monkeypatch.setattr(stores, "_crowded", lambda: tmp_path)
    (audit,) = (row for row in stores.rows() if row.name == "store/audit")
    assert audit.measure(ONE).ratios == (5 / 10,)
    assert seen[0] == seen[1]
    assert seen[0][seen[0].index("--store") + 1] == str(tmp_path)


@pytest.mark.parametrize("row", ["similarity/ckatorch", "similarity/floor"])
def test_rows_of_similarity_are_measured(row, monkeypatch):
    pytest.importorskip("ckatorch")
    monkeypatch.setattr(similarity.setting, "__defaults__", (12,))
    (measure,) = (each.measure for each in similarity.rows() if each.name == row)
    assert measure(ONE).ratio > 0


@pytest.mark.parametrize("path", list(similarity.PATHS))
def test_a_probe_runs_every_path_of_similarity(path, monkeypatch):
    pytest.importorskip("ckatorch")
    monkeypatch.setattr(similarity.setting, "__defaults__", (12,))
    assert probe.raised_by(similarity.PATHS[path]()) >= 0


@pytest.mark.parametrize("take", [rates._monitor, rates._floor])
def test_rows_of_firing_rates_are_measured(take):
    assert take(CASE, at_least(1), ONE).ratio > 0


def test_both_sides_of_stacked_seeds_see_as_many_samples(monkeypatch):
    shown = []
    monkeypatch.setattr(seeds, "take_step", lambda *given: shown.append(len(given[3])))
    recipe = seeds.baseline(seeds.LI2023)
    seeds._measure(recipe, at_least(2), ONE)
    size = recipe.batch_size
    assert shown == 2 * [5 * size, *5 * [size]]  # once to warm up


def test_a_step_of_stacked_seeds_trains(monkeypatch):
    recipe = seeds.baseline(seeds.LI2023)
    network = recipe.architecture.build(recipe.dataset.facts, recipe.timesteps)
    monkeypatch.setattr(seeds.Lab, "fresh_network", lambda lab, recipe: network)
    before = [weight.detach().clone() for weight in network.parameters()]
    seeds.steps(recipe, 4, 2)()
    after = list(network.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_warm_audit_needs_a_folder_of_runs(tmp_path):
    with pytest.raises(NotMeasuredError, match="no filled Store; name one with --store"):
        audits.require_filled(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("plan", "filled"),
    [
        ("tiny-digits-T5  120 Runs, 0 to train\n\n264 Runs, 6 to train\n", False),
        ("tiny-digits-T5  120 Runs, 0 to train\n\n264 Runs, 0 to train\n", True),
        ("no claims\n", False),
    ],
)
def test_the_warm_audit_needs_every_run(tmp_path, monkeypatch, plan, filled):
    monkeypatch.setattr(audits, "run", lambda arguments: (0.0, plan))
    if filled:
        audits.require_filled(tmp_path)
        return
    with pytest.raises(NotMeasuredError):
        audits.require_filled(tmp_path)


def test_cold_audits_have_a_store_each_and_begin_with_none(monkeypatch):
    seen = []

    def run(arguments):
        store = arguments[arguments.index("--store") + 1]
        seen.append((store, "-n" in arguments))
        return (1.0 if "-n" in arguments else 2.0), ""

    monkeypatch.setattr(audits, "run", run)
    sample = audits._cold(at_least(1.8), Options(pairs=2))
    assert sample.ratios == (2.0, 2.0)
    assert [workers for _, workers in seen] == [True, False] * 2
    assert len({store for store, _ in seen}) == 4


@pytest.mark.parametrize("planted", [0.5, 1.0, 2.0])
def test_the_fit_recovers_a_power_law(planted):
    x = (2.0, 4.0, 8.0, 16.0)
    assert exponent(x, [0.3 * each**planted for each in x]) == pytest.approx(planted)


def test_the_fit_is_that_of_least_squares():
    # Logarithms 0, 1, 2 against 0, 0, 3: slope (−1·0 + 0·0 + 1·3) / 2.
    assert exponent((1.0, 10.0, 100.0), (1.0, 1.0, 1000.0)) == pytest.approx(1.5)


def test_growth_is_timed_along_every_axis():
    axes = (Axis("timesteps", {n: Size(timesteps=n, batch=2, width=4) for n in (1, 2)}),)
    found = scaling.growths(axes, calls=1)
    assert [(each.path, each.axis) for each in found] == [
        ("training step", "timesteps"),
        ("fisher_information", "timesteps"),
    ]
    assert all(each.x == (1.0, 2.0) and min(each.y) > 0 for each in found)


def test_axes_change_one_thing_at_a_time():
    for axis in scaling.AXES:
        differing = {
            field
            for size in axis.sizes.values()
            for field, value in size._asdict().items()
            if value != getattr(Size(), field)
        }
        assert len(differing) == 1


def test_basic_blocks_are_counted():
    (blocks,) = (axis for axis in scaling.AXES if axis.name == "basic blocks")
    assert all(len(size.network().blocks) == count for count, size in blocks.sizes.items())


@pytest.fixture
def drawn():
    found = [
        Growth(path, axis, (1.0, 2.0, 4.0), (0.1, 0.2, 0.4), 1.0)
        for axis in ("timesteps", "batch")
        for path in scaling.PATHS
    ]
    return figure.draw(found)


def test_the_figure_has_a_panel_per_axis_and_a_curve_per_path(drawn):
    assert drawn.count("<g ") == 2
    assert len(re.findall(r'<path [^>]*class="line', drawn)) == 4
    assert "fisher_information: exponent 1.00" in drawn


def test_the_figure_is_a_document_of_its_own(drawn):
    from xml.etree import ElementTree

    root = ElementTree.fromstring(drawn)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall("{http://www.w3.org/2000/svg}title")) == 1


def test_a_power_law_is_a_straight_line(drawn):
    points = [
        tuple(map(float, pair.split()))
        for pair in re.search(r'd="M([^"]+)" class="line s0"', drawn)[1].split("L")
    ]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)
