import json
from pathlib import Path

import pytest

from tic.data import CIFAR100, CropFlip
from tic.document.audit import Audit
from tic.document.figures import HeatMap, Panel
from tic.document.loading import load_audit
from tic.document.seal import digest, seal, sealed
from tic.document.upgrade import upgraded
from tic.errors import TicError
from tic.exchange.diff import diff_audits
from tic.exchange.merge import merge
from tic.exchange.verify_audit import verify_document
from tic.kinds import describe
from tic.losses import PrefixLoss
from tic.pruning import Pruning
from tic.report import render_html

KEPT = Path(__file__).parents[2] / "reports" / "reference" / "digits-tiny.json"


@pytest.fixture
def document(example_audit):
    return json.loads(example_audit.model_dump_json())


def test_an_audit_survives_the_way_through_its_file(tmp_path, example_audit):
    path = tmp_path / "audit.json"
    path.write_text(example_audit.model_dump_json(), encoding="utf-8")
    assert load_audit(path) == example_audit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"got text that is not JSON \(line 1: expecting"),
        (b"\xff\xfe", r"got a file that is not UTF-8 \(byte 0\)"),
        (b"[1, 2]", "got a JSON list"),
        (b"[" * 100_000, "nested too deep"),
        (b"{}", "got a JSON object without any field of one"),
        (b'{"verdicts": 3}', "got a JSON object without any field of one"),
        (b'{"started": "today"}', "got seconds: field required"),
    ],
)
def test_what_is_no_audit_is_refused_in_one_sentence(tmp_path, content, message):
    path = tmp_path / "audit.json"
    path.write_bytes(content)
    with pytest.raises(TicError, match=message) as caught:
        load_audit(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith("name the audit.json that an audit left, or run the audit again")


def test_missing_files_and_folders_are_refused(tmp_path):
    for name in ("audit.json", "audit.zip"):
        with pytest.raises(TicError, match=rf"^there is no file .*{name}; name the audit\.json"):
            load_audit(tmp_path / name)
    with pytest.raises(TicError, match=rf"^{tmp_path} is a folder; name the audit\.json that"):
        load_audit(tmp_path)
    for name in ("b.json", "a.json", "audit.json"):
        (tmp_path / name).write_text("{}")
        with pytest.raises(TicError, match=f"is a folder; name an audit in it, such as .*{name}$"):
            load_audit(tmp_path)
    with pytest.raises(TicError, match=r"json/x cannot be read \(not a directory\); name a file"):
        load_audit(tmp_path / "a.json" / "x")


def test_a_newer_schema_is_refused_with_the_way_out(tmp_path, document):
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(document | {"schema_version": 9}), encoding="utf-8")
    with pytest.raises(TicError, match=r"at most 8, got 9 in .*; upgrade tic-audit"):
        load_audit(path)


def test_a_wrong_field_is_named_with_its_value(tmp_path, document):
    document["entries"][0]["outcome"] = "PROVEN"
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(TicError, match=r"got entries\.0\.outcome: .* \(it is 'PROVEN'\)"):
        load_audit(path)


def test_an_unknown_field_is_refused(tmp_path, document):
    document["surprise"] = "\x1b[31m"
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(TicError, match="surprise: extra inputs") as caught:
        load_audit(path)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, document, number):
    text = json.dumps(document | {"seconds": 1.5}).replace('"seconds": 1.5', f'"seconds": {number}')
    path = tmp_path / "audit.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TicError, match=f"got JSON with .*{number}"):
        load_audit(path)


def test_a_file_larger_than_any_audit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "audit.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(
        TicError, match=r"at most 268,435,456 bytes, .* has 1,099,511,627,776; name"
    ):
        load_audit(path)


def test_a_key_that_is_there_twice_is_refused(tmp_path, document):
    path = tmp_path / "audit.json"
    path.write_text('{"seconds": 1, ' + json.dumps(document)[1:], encoding="utf-8")
    with pytest.raises(TicError, match="got JSON with the key 'seconds' twice in one object"):
        load_audit(path)


def as_version_1(document):
    """What version 1 wrote: without seal, digests, trends and the effects of readings."""
    old = {name: value for name, value in document.items() if name != "seal"}
    old["schema_version"] = 1
    old["provenance"] = {k: v for k, v in document["provenance"].items() if k != "merged"}
    late = {"manifest", "measurements"}
    old["runs"] = [{k: v for k, v in run.items() if k not in late} for run in document["runs"]]
    old["entries"] = [
        {
            **{name: value for name, value in entry.items() if name != "left_open"},
            "contrasts": [
                {name: value for name, value in each.items() if name != "trend"}
                for each in entry["contrasts"]
            ],
            "readings": [
                {k: v for k, v in each.items() if k not in {"contrasts", "left_open"}}
                for each in entry["readings"]
            ],
        }
        for entry in document["entries"]
    ]
    return old


def test_an_audit_of_version_1_renders_and_diffs_but_has_no_seal(tmp_path):
    document = json.loads(KEPT.read_text(encoding="utf-8"))
    assert any(each["trend"] for entry in document["entries"] for each in entry["contrasts"])
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for path, each in zip(paths, (as_version_1(document), document), strict=True):
        path.write_text(json.dumps(each), encoding="utf-8")
    old, new = map(load_audit, paths)
    assert diff_audits(old, new).empty
    assert render_html(old)
    with pytest.raises(TicError, match="must have a seal to be verified, got none"):
        verify_document(old)
    with pytest.raises(TicError, match="must have a seal"):
        merge([old, old])


@pytest.mark.parametrize("version", [0, 1.0, True, "1", None])
def test_what_was_never_a_version_is_refused(tmp_path, document, version):
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(document | {"schema_version": version}), encoding="utf-8")
    with pytest.raises(TicError, match="schema_version"):
        load_audit(path)


def flat(recipe):
    """The fields that a Recipe had in version 3, of one that is not pruned."""
    same = ("train_size", "timesteps", "epochs", "batch_size", "precision", "checkpoints", "seed")
    network, loss, fitting = (
        recipe[each]["fields"] for each in ("architecture", "loss", "fitting")
    )
    return {
        **{name: recipe[name] for name in (*same, "parent")},
        "dataset": "digits",
        "architecture": network["network"],
        "tau": network["tau"],
        "batch_norm": network["batch_norm"],
        "loss": "alpha" if loss else "mean",
        "alpha": loss.get("alpha"),
        "alpha_per": loss.get("per", "batch"),
        **fitting,
        "augmentation": "none",
        "sparsity": 0.0,
        "pruning": "magnitude",
        "pruning_scope": "global",
    }


MEANS = ", mean over the seeds"


@pytest.fixture(scope="module")
def before_kinds(example_audit):
    """The example as version 4 could state it: curves, and heat maps of means over the seeds."""

    def restated(part):
        of_means = {"scale_label": part.scale_label + MEANS} if isinstance(part, HeatMap) else {}
        return part.model_copy(update=of_means)

    def stated(part):
        return isinstance(part, Panel) or (isinstance(part, HeatMap) and len(part.values) == 1)

    def of_one_number(contrast):
        seeds = contrast.seeds_to_decide
        return contrast.model_copy(update={"seeds_to_decide": seeds and (seeds[0], seeds[0])})

    entries = [
        entry.model_copy(update={"contrasts": tuple(map(of_one_number, entry.contrasts)),
                                 "figures": tuple(
            figure.model_copy(update={"panels": tuple(map(restated, figure.panels))})
            for figure in entry.figures if all(map(stated, figure.panels))
        )})
        for entry in example_audit.entries
    ]  # fmt: skip
    return example_audit.model_copy(update={"entries": tuple(entries)})


def as_version_4(document):
    """What version 4 wrote: counterfeits, and parts of figures that did not say their kind."""
    for family in document["multiplicity"]["families"]:
        del family["setting"]
    parts = [p for e in document["entries"] for f in e["figures"] for p in f["panels"]]
    for part in parts:
        if part.pop("kind") == "heat_map":
            (part["values"],) = part["values"]
            part["scale_label"] = part["scale_label"].removesuffix(MEANS)
            del part["centre"], part["span"]
    for entry in document["entries"]:
        del entry["setting"], entry["design"]
        for contrast in entry["contrasts"]:
            seeds = contrast.pop("seeds_to_decide")
            contrast["seeds_needed"] = seeds and seeds[0]
        planted = entry["counterfeit"] = entry.pop("control")
        if entry["role"] == "control":
            entry["role"] = "counterfeit"
            name = planted["name"]
            entry["id"] = entry["id"].replace(f"-control-{name}]", f"-counterfeit-{name}]")
    document["schema_version"] = 4
    return document | {"seal": digest(document)}


def test_an_audit_of_version_4_is_read_with_negative_controls_and_kinds_of_figures(before_kinds):
    written = json.loads(before_kinds.model_dump_json())
    assert any(entry["control"] for entry in written["entries"])
    parts = [p for e in before_kinds.entries for f in e.figures for p in f.panels]
    assert {type(part) for part in parts} == {Panel, HeatMap}
    assert Audit.model_validate(upgraded(as_version_4(written))) == sealed(before_kinds)


def test_a_heat_map_of_before_is_one_of_means_and_says_so():
    before = json.loads(KEPT.read_text(encoding="utf-8"))
    name = "kim2023/layers[tiny-digits]"
    named = {entry["id"]: entry["figures"] for entry in before["entries"]}[name]
    after = {entry.id: entry.figures for entry in load_audit(KEPT).entries}
    (old, *_), (new, *_) = named[0]["panels"], after[name][0].panels
    assert isinstance(new, HeatMap)
    assert new.scale_label == f"{old['scale_label']}, mean over the seeds"
    assert new.values == (tuple(map(tuple, old["values"])),)


def test_the_ids_of_counterfeits_become_those_of_negative_controls():
    before = json.loads(KEPT.read_text(encoding="utf-8"))
    (first, *_) = [entry for entry in before["entries"] if entry["role"] == "counterfeit"]
    assert "-counterfeit-" in first["id"]
    after = {entry.id: entry for entry in load_audit(KEPT).entries}
    entry = after[first["id"].replace("-counterfeit-", "-control-")]
    assert (entry.role, entry.control.name) == ("control", first["counterfeit"]["name"])


def as_version_3(document):
    """What version 3 wrote: Recipes with the fields of the first paper."""
    document = as_version_4(document)
    for run in document["runs"]:
        run["recipe"] = flat(run["recipe"])
    document["schema_version"] = 3
    return document | {"seal": digest(document)}


@pytest.fixture
def former(before_kinds):
    return as_version_3(json.loads(before_kinds.model_dump_json()))


def test_an_audit_of_version_3_is_read_with_recipes_of_kinds(former, before_kinds):
    assert Audit.model_validate(upgraded(former)) == sealed(before_kinds)


def test_a_pruned_run_of_version_3_is_read_with_the_rule_and_its_parents_fingerprint(former):
    recipe = former["runs"][0]["recipe"]
    recipe |= {
        "dataset": "cifar100", "augmentation": "crop-flip", "loss": "prefix", "parent": "f" * 24,
        "sparsity": 0.5, "pruning": "random", "pruning_scope": "layer",
    }  # fmt: skip
    found = Audit.model_validate(upgraded(former)).runs[0].recipe
    assert found["parent"] == "f" * 24
    assert found["dataset"] == describe(CIFAR100())
    assert found["augmentation"] == describe(CropFlip())
    assert found["loss"] == describe(PrefixLoss())
    assert found["rules"] == [describe(Pruning(0.5, order="random", scope="layer"))]


def test_a_seal_of_version_3_that_did_not_fit_fits_no_more_after_the_upgrade(former):
    former["seconds"] = 1.0
    found = Audit.model_validate(upgraded(former))
    assert found.seal == former["seal"] != seal(found)


@pytest.mark.parametrize(
    "recipe", [{}, {"dataset": "mnist"}, {"dataset": 3}, {"dataset": "svhn", "loss": []}]
)
def test_a_recipe_that_version_3_could_not_state_is_left_and_breaks_the_seal(former, recipe):
    former["runs"][0]["recipe"] = recipe
    former["seal"] = digest(former)
    found = Audit.model_validate(upgraded(former))
    assert found.runs[0].recipe == recipe
    assert found.seal != seal(found)


def as_version_2(document):
    """What version 2 wrote: protocols and the family of all claims without a paper."""
    document = as_version_3(document)
    (family,) = document["multiplicity"].pop("families")
    document["multiplicity"] |= {"family": family["claims"], "rivals": family["rivals"]}
    for protocol in document["protocols"]:
        del protocol["paper"]
    for entry in document["entries"]:
        del entry["offered"]
    del document["packages"]
    document["schema_version"] = 2
    return document | {"seal": digest(document)}


@pytest.fixture
def older(before_kinds):
    return as_version_2(json.loads(before_kinds.model_dump_json()))


def test_an_audit_of_version_2_is_read_as_the_one_of_its_paper(older, before_kinds):
    assert Audit.model_validate(upgraded(older)) == sealed(before_kinds)


def test_a_seal_that_did_not_fit_fits_no_more_after_the_upgrade(older):
    older["seconds"] = 1.0
    found = Audit.model_validate(upgraded(older))
    assert found.seal == older["seal"] != seal(found)


def test_an_audit_of_version_2_on_several_papers_followed_another_rule_and_has_no_seal(older):
    older["entries"][0]["paper"] = "other2024"
    found = Audit.model_validate(upgraded(older | {"seal": digest(older)}))
    assert found.seal is None
    assert {f.paper for f in found.multiplicity.families} == {"kim2023", "other2024"}
    assert [(p.paper, p.name) for p in found.protocols] == [
        ("other2024", "standard"), ("kim2023", "standard"), ("kim2023", "official"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["entries", "protocols", "multiplicity"])
@pytest.mark.parametrize("value", [None, 3, "x", [3], [[]]])
def test_a_document_of_version_2_that_is_no_audit_is_refused(tmp_path, older, name, value):
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(older | {name: value}), encoding="utf-8")
    with pytest.raises(TicError, match="must be an audit of schema 8"):
        load_audit(path)
