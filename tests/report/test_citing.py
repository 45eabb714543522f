import re

import pytest

from tic.document.loading import load_audit
from tic.document.seal import sealed
from tic.errors import TicError
from tic.exchange.citing import Citation, CitedEntry, cite
from tic.report.verdicts import region
from tic.stats import Outcome


@pytest.fixture
def written(tmp_path, example_audit):
    """Return a function that fills in a text beside the example audit."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "some.json").write_text(example_audit.model_dump_json(), encoding="utf-8")

    def write(text):
        template = tmp_path / "text.md.j2"
        template.write_text('{% set a = audit("kept/some.json") %}' + text, encoding="utf-8")
        return cite(template)

    return write


def entries(audit, role="claim"):
    return [each for each in audit.entries if each.role == role and each.protocol == "standard"]


def test_a_verdict_is_that_of_the_entry_that_is_named(written, example_audit):
    for entry in entries(example_audit):
        name = entry.claim.removeprefix(f"{entry.paper}/")
        given = ", ".join(
            f"{key.replace(' ', '_')}={value!r}" for key, value in entry.parameters.items()
        )
        asked = f"{name!r}, {given}" if given else repr(name)
        assert written(f"{{{{ a.entry({asked}) }}}}") == entry.outcome


def test_an_entry_must_be_meant_by_one_name(written, example_audit):
    with pytest.raises(TicError, match="must mean one entry of the audit, got none"):
        written("{{ a.entry('nothing') }}")
    with pytest.raises(TicError, match=r"must mean one entry of the audit, got .*, "):
        written("{{ a.entry('alpha-robustness') }}")


def test_the_confidence_of_intervals_is_told_from_the_lowest_to_the_highest(example_audit):
    first = next(e for e in example_audit.entries if e.role == "claim" and e.contrasts[0].seeds)
    one, other = (
        first.model_copy(
            update={"contrasts": (first.contrasts[0].model_copy(update={"confidence": level}),)}
        )
        for level in (0.9, 0.9995)
    )
    exact = first.contrasts[0].model_copy(update={"seeds": (), "confidence": 0.5})
    entries = (other, one, first.model_copy(update={"contrasts": (exact,)}))

    def told(*of):
        return Citation(example_audit.model_copy(update={"entries": of})).confidence

    assert told(*entries) == "90 % to 99.95 %".replace(" %", "\u202f%")
    assert told(one) == "90\u202f%"
    assert told() == "no confidence"


def test_exact_effects_have_no_brackets(example_audit):
    entry = next(e for e in example_audit.entries if e.role == "claim" and e.contrasts[0].seeds)
    exact = entry.contrasts[0].model_copy(update={"seeds": ()})
    plain = Citation(example_audit.model_copy(update={"entries": (entry,)})).claims[0]
    without = entry.model_copy(update={"contrasts": (exact,)})
    cited = Citation(example_audit.model_copy(update={"entries": (without,)})).claims[0]
    assert "[" in plain.effect(1)
    assert "[" not in cited.effect(1)


def test_outcomes_are_counted_by_role(written, example_audit):
    for role in ("claim", "rival"):
        expected = sum(each.outcome == "SUPPORTED" for each in entries(example_audit, role))
        assert written(f"{{{{ a.count('SUPPORTED', {role!r}) }}}}") == str(expected)


@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        ("a.count('supported')", r"unknown outcome 'supported'; known: SUPPORTED, REFUTED, "),
        ("a.count('SUPPORTED', 'rivals')", r"unknown role 'rivals'; known: claim, rival, control$"),
        (
            "a.count('SUPPORTED', 'claim', 'oficial')",
            r"unknown protocol of a claim 'oficial'; known: standard, official$",
        ),
        (
            "a.count('SUPPORTED', 'rival', 'official')",
            r"unknown protocol of a rival 'official'; known: standard$",
        ),
        ("a.claims[0].rivals('supported')", r"unknown outcome 'supported'; known: SUPPORTED, "),
    ],
)
def test_a_word_that_means_nothing_is_refused_and_not_counted_as_none(written, expression, rule):
    with pytest.raises(TicError, match=rule):
        written(f"{{{{ {expression} }}}}")


def test_a_reading_is_named_with_underscores_for_spaces(tmp_path, example_audit):
    read = next(entry for entry in example_audit.entries if entry.readings)
    readings = tuple(
        reading.model_copy(update={"factors": {"labels drawn": str(number)}})
        for number, reading in enumerate(read.readings)
    )
    entry = read.model_copy(update={"readings": readings, "parameters": {}})
    audit = example_audit.model_copy(update={"entries": (entry,)})
    (tmp_path / "a.json").write_text(audit.model_dump_json(), encoding="utf-8")
    text = tmp_path / "text.md"
    name = entry.claim.removeprefix("kim2023/")
    asked = f"audit('a.json').entry({name!r}).reading(labels_drawn='1')"
    text.write_text(f"{{{{ {asked} }}}}", encoding="utf-8")
    assert cite(text).startswith(readings[1].outcome)


def test_a_finding_that_is_anothers_is_counted_once(tmp_path, example_audit):
    first = example_audit.entries[0]
    again = first.model_copy(update={"id": "again", "claim": "kim2023/again"})
    audit = example_audit.model_copy(update={"entries": (first, again)})
    (tmp_path / "a.json").write_text(audit.model_dump_json(), encoding="utf-8")
    text = tmp_path / "text.md"
    text.write_text("{{ audit('a.json').count('SUPPORTED') }}", encoding="utf-8")
    assert cite(text) == "1"
    text.write_text(
        "{{ audit('a.json').claims | map(attribute='label') | join }}", encoding="utf-8"
    )
    assert cite(text) == "concentration (10)"


@pytest.mark.parametrize(
    ("expression", "kind"),
    [("a", "Citation"), ("a.claims", "tuple"), ("a.entry", "method"), ("none", "NoneType")],
)
def test_what_would_print_all_that_it_holds_is_refused(written, expression, kind):
    with pytest.raises(TicError, match=rf"words, numbers and verdicts, got a {kind}; name what"):
        written(f"{{{{ {expression} }}}}")


def test_the_text_in_the_documentation_works_as_it_stands(tmp_path, pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "auditing.md").read_text(encoding="utf-8")
    (tmp_path / "reports").symlink_to(pytestconfig.rootpath / "reports")
    text = tmp_path / "text.md"
    (template,) = re.findall(r"^```text\n(\{% set .*?)^```", page, re.MULTILINE | re.DOTALL)
    text.write_text(template, encoding="utf-8")
    told = cite(text).splitlines()
    audit = load_audit(tmp_path / "reports" / "reference" / "smoke-budget.json")
    found = Citation(audit).of("kim2023")
    supported, refuted = found.count("SUPPORTED"), found.count("REFUTED")
    assert told[0] == f"Of the claims {supported} are supported and {refuted} refuted."
    moved = found.entry("concentration")
    assert told[1] == f"{moved}: information moves early, by {moved.effect(1)}."
    explained = [claim.label for claim in found.claims if claim.fate == "EXPLAINED"]
    assert [line.partition(" does not stand against ")[0] for line in told[2:] if line] == explained


def test_an_effect_is_printed_with_its_interval_as_the_report_prints_it(written, example_audit):
    from tic.report import verdicts

    (entry,) = [e for e in entries(example_audit) if e.claim == "kim2023/concentration"]
    first = entry.contrasts[0]
    told = written("{{ a.entry('concentration').effect(1) }}")
    assert told == f"{verdicts.estimate(first)} {verdicts.interval(first)}"
    assert written("{{ a.entry('concentration').estimate() }}") == verdicts.estimate(first)


def test_a_contrast_that_is_not_there_is_refused(written):
    with pytest.raises(TicError, match=r"no 99th contrast of kim2023/concentration"):
        written("{{ a.entry('concentration').effect(99) }}")


def test_a_robust_accuracy_is_told_beside_its_worst_case(written, example_audit):
    entry = next(e for e in entries(example_audit, "rival") if e.worst_cases)
    name = entry.claim.removeprefix("kim2023/")
    given = "".join(f", {k.replace(' ', '_')}={v!r}" for k, v in entry.parameters.items())
    case = entry.worst_cases[0]
    attacked, worst = (sum(each) / len(each) for each in (case.attacked, case.worst))
    told = written(f"{{{{ a.entry({name!r}{given}).figure(1) }}}}")
    assert told == f"{attacked:.1f} % and {worst:.1f} %"


def test_controls_that_were_judged_and_caught_are_counted(written, example_audit):
    assert written("{{ a.caught[0] }} of {{ a.caught[1] }}") == "4 of 5"


@pytest.mark.parametrize("text", ["{{ a.nobody }}", "{{ nothing }}", "{% if %}", "{{ a.entry( }}"])
def test_a_text_that_quotes_what_is_not_there_is_refused(written, text):
    with pytest.raises(TicError, match="can be filled in"):
        written(text)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        (
            "a.entry('alpha-robustness', corruption='pgdd')",
            r".entry('alpha-robustness', corruption='pgdd') must mean one entry of the audit, got "
            "none; it has .entry('alpha-robustness', corruption='gaussian'), .entry(",
        ),
        (
            "a.entry('alpha-robustness')",
            "got 4; it has .entry('alpha-robustness', corruption='gaussian'), .entry(",
        ),
        (
            "a.entry('concentration', T='11')",
            "got none; it has .entry('concentration', T='10'), .entry('concentration', T='10', "
            "protocol='official')",
        ),
        ("a.entry('alpha-robustnes')", "got none; it has alpha-robustness"),
        ("a.entry('zzz')", "got none; it has concentration, "),
        (
            "a.entry('estimator').reading(images='testt')",
            ".reading(images='testt') must mean one reading of kim2023/estimator[10], got 0; "
            "estimator is one of empirical, ",
        ),
        ("a.entry('saving').contrast", "a CitedEntry has no 'contrast'; it has audit, checks, "),
        ("a.conut", "a Citation has no 'conut'; it has audit, by_todays_rule, caught, claims, "),
        ("nope", "'nope' is undefined; a text has audit(PATH) and what it sets itself"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(written, expression, told):
    with pytest.raises(TicError, match=re.escape(told)):
        written(f"{{{{ {expression} }}}}")


def test_claims_of_one_name_are_told_apart_by_their_papers(tmp_path, example_audit):
    first = example_audit.entries[0]
    other = first.model_copy(update={"paper": "b", "claim": "b/concentration", "id": "b"})
    audit = example_audit.model_copy(update={"entries": (first, other)})
    (tmp_path / "a.json").write_text(audit.model_dump_json(), encoding="utf-8")
    text = tmp_path / "text.md"
    text.write_text("{{ audit('a.json').entry('concentration') }}", encoding="utf-8")
    told = "it has .of('kim2023').entry('concentration'), .of('b').entry('concentration')"
    with pytest.raises(TicError, match=re.escape(told)):
        cite(text)


@pytest.mark.parametrize("wrong", ["{{ nope }}", "{{ a.entry('nope') }}", "{% if %}", "{{ a }}"])
def test_a_mistake_in_a_text_is_told_with_its_line(written, tmp_path, wrong):
    with pytest.raises(TicError, match=rf"^{re.escape(str(tmp_path))}/text.md.j2, line 3[: ]"):
        written(f"\n\n{wrong}")
    (tmp_path / "shared.j2").write_text(f"\n{wrong}", encoding="utf-8")
    with pytest.raises(TicError, match=rf"^{re.escape(str(tmp_path))}/shared.j2, line 2[: ]"):
        written('\n\n{% include "shared.j2" %}')


def test_an_audit_that_was_altered_is_not_quoted(tmp_path, example_audit):
    text = tmp_path / "text.md"
    text.write_text("{{ audit('a.json').count('SUPPORTED') }}", encoding="utf-8")
    whole = sealed(example_audit)
    (tmp_path / "a.json").write_text(whole.model_dump_json(), encoding="utf-8")
    assert int(cite(text)) > 0
    altered = whole.model_copy(update={"seconds": 1.0})
    (tmp_path / "a.json").write_text(altered.model_dump_json(), encoding="utf-8")
    with pytest.raises(TicError, match=r"line 1: .* changed after it was made: its seal is not"):
        cite(text)


def test_a_text_cannot_run_what_it_likes(written):
    with pytest.raises(TicError, match="can be filled in"):
        written("{{ a.__class__.__mro__ }}")


def test_a_text_that_is_not_there_is_told(tmp_path):
    with pytest.raises(TicError, match="cannot read the text"):
        cite(tmp_path / "absent.md.j2")


def test_texts_of_one_folder_share_what_they_include(written, tmp_path):
    (tmp_path / "shared.j2").write_text("{{ a.scopes[0] }} scale", encoding="utf-8")
    assert written('{% include "shared.j2" %}') == "smoke scale"
    for elsewhere in ("absent.j2", "../shared.j2", "/etc/hostname"):
        with pytest.raises(TicError, match="can be filled in"):
            written(f'{{% include "{elsewhere}" %}}')


def fates(written, outcomes):
    """What a text says of a supported claim whose rivals come out so."""
    template = "{% for c in a.of('b').claims %}{{ c.label }} {{ c.fate }}{% endfor %}"
    return written(template, outcomes)


@pytest.fixture
def of_a_rival_paper(tmp_path, example_audit):
    """Return a function that fills in a text beside an audit of two papers, as rivals come out."""
    claim = next(e for e in example_audit.entries if e.outcome == "SUPPORTED")
    rival = next(e for e in example_audit.entries if e.role == "rival")

    def write(text, outcomes, of_the_claim="SUPPORTED"):
        own = {"paper": "b", "parameters": {"network": "n", "data set": "d", "T": "4"}}
        ours = claim.model_copy(
            update=own
            | {
                "claim": "b/c",
                "id": "b/c",
                "says": "A |\nB.",
                "outcome": Outcome[of_the_claim],
            }
        )
        rivals = tuple(
            rival.model_copy(
                update=own
                | {
                    "claim": f"b/r{k}",
                    "id": f"b/r{k}",
                    "threatens": ("b/c",),
                    "outcome": Outcome[outcome],
                }
            )
            for k, outcome in enumerate(outcomes)
        )
        audit = example_audit.model_copy(
            update={"entries": (*example_audit.entries, ours, *rivals)}
        )
        (tmp_path / "two.json").write_text(audit.model_dump_json(), encoding="utf-8")
        template = tmp_path / "two.md.j2"
        template.write_text("{% set a = audit('two.json') %}" + text, encoding="utf-8")
        return cite(template)

    return write


@pytest.mark.parametrize(
    ("outcomes", "fate"),
    [
        ((), "UNTESTED"),
        (("REFUTED", "REFUTED"), "STANDS"),
        (("REFUTED", "SUPPORTED"), "EXPLAINED"),
        (("INCONCLUSIVE", "SUPPORTED"), "EXPLAINED"),
        (("REFUTED", "NOT_RUN"), "CONTESTED"),
        (("INCONCLUSIVE",), "CONTESTED"),
    ],
)
def test_a_supported_claim_is_told_by_what_its_rivals_leave_of_it(of_a_rival_paper, outcomes, fate):
    assert fates(of_a_rival_paper, outcomes) == f"c (4) {fate}"


@pytest.mark.parametrize("found", ["a.entry('c')", "a.of('b').claims[0]"])
def test_a_claim_has_its_rivals_however_it_is_found(of_a_rival_paper, found):
    text = f"{{% set c = {found} %}}{{{{ c.fate }}}} {{{{ c.rivals('SUPPORTED')[0].label }}}}"
    assert of_a_rival_paper(text, ("REFUTED", "SUPPORTED")) == "EXPLAINED r1 (4)"


@pytest.mark.parametrize(("of_the_claim", "explaining"), [("SUPPORTED", 1), ("REFUTED", 0)])
def test_only_a_claim_that_is_supported_is_explained(of_a_rival_paper, of_the_claim, explaining):
    outcomes = ("REFUTED", "SUPPORTED", "NOT_RUN")
    told = of_a_rival_paper("{{ a.of('b').explaining }}", outcomes, of_the_claim)
    assert told == str(explaining)


def test_a_claim_names_all_its_rivals_or_those_of_some_outcomes(of_a_rival_paper):
    text = "{{ a.entry('c').rivals(%s) | map(attribute='label') | join(' ') }}"
    outcomes = ("REFUTED", "SUPPORTED", "NOT_RUN")
    assert of_a_rival_paper(text % "", outcomes) == "r0 (4) r1 (4) r2 (4)"
    assert of_a_rival_paper(text % "'REFUTED', 'NOT_RUN'", outcomes) == "r0 (4) r2 (4)"


def test_one_of_several_papers_is_quoted_alone(of_a_rival_paper):
    text = (
        "{% set b = a.of('b') %}{{ b.count('SUPPORTED') }} {{ b.scopes | join }} "
        "{{ b.rivals | map(attribute='label') | join(';') }} "
        "{{ b.claims[0].rivals('REFUTED') | map(attribute='label') | join(';') }} "
        "{{ b.claims[0].says }}"
    )
    told = of_a_rival_paper(text, ("REFUTED", "SUPPORTED"))
    assert told == "1 smoke r0 (4);r1 (4) r0 (4) A \\| B."
    with pytest.raises(TicError, match="no paper 'nobody2020'; it has kim2023"):
        of_a_rival_paper("{{ a.of('nobody2020') }}", ())


def test_a_claim_shows_the_contrast_that_it_hangs_on_or_a_dash(written, example_audit):
    told = written("{% for c in a.claims %}{{ c.decisive }}\n{% endfor %}").splitlines()
    judged = entries(example_audit)
    assert [line == "–" for line in told] == [not e.contrasts for e in judged]
    allowed = [
        any(line.endswith(f", allowed: {region(one)}") for one in entry.contrasts)
        for line, entry in zip(told, judged, strict=True)
        if entry.contrasts
    ]
    assert allowed
    assert all(allowed)
    assert told[0].startswith(f"{judged[0].contrasts[0].name}: ") or len(judged[0].contrasts) > 1


@pytest.mark.parametrize(
    ("remains", "hangs"), [(None, False), (Outcome.SUPPORTED, False), (Outcome.INCONCLUSIVE, True)]
)
def test_a_verdict_that_is_open_over_other_samples_is_told(example_audit, remains, hangs):
    claim = next(entry for entry in example_audit.entries if entry.outcome == "SUPPORTED")
    cited = CitedEntry(claim.model_copy(update={"over_samples": remains}), example_audit)
    assert cited.hangs_on_samples is hangs
