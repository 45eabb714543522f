import pytest

from tic.errors import TicError
from tic.exchange.citing import cite


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


def test_outcomes_are_counted_by_role(written, example_audit):
    for role in ("claim", "rival"):
        expected = sum(each.outcome == "SUPPORTED" for each in entries(example_audit, role))
        assert written(f"{{{{ a.count('SUPPORTED', {role!r}) }}}}") == str(expected)


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


def test_a_text_cannot_run_what_it_likes(written):
    with pytest.raises(TicError, match="can be filled in"):
        written("{{ a.__class__.__mro__ }}")


def test_a_text_that_is_not_there_is_told(tmp_path):
    with pytest.raises(TicError, match="cannot read the text"):
        cite(tmp_path / "absent.md.j2")
