"""The report in a real browser: what is laid out, reached by keyboard, loaded and run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tic.report import write_report
from tic.text import visible

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (320, 360, 820, 840, 1280)

# Elements of the page, outside drawings and texts for screen readers, that leave the window.
OVERFLOWING = """() => [...document.querySelectorAll('body, body *')]
  .filter(e => !e.closest('svg svg, .unseen, .skip, thead') && e.tagName !== 'TITLE')
  .filter(e => !(e.closest('svg') && e.tagName !== 'svg'))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 0.5
            || e.getBoundingClientRect().left < -0.5)
  .map(e => e.tagName + ' ' + e.className)"""

# Labels of a drawing that leave it.
CUT_OFF = """() => [...document.querySelectorAll('svg text')].filter(e => {
    const own = e.getBoundingClientRect(), svg = e.closest('svg').getBoundingClientRect();
    return own.left < svg.left - 1 || own.right > svg.right + 1
        || own.top < svg.top - 1 || own.bottom > svg.bottom + 1;
  }).map(e => e.textContent)"""

# Pairs of labels in one drawing that cover each other.
COLLIDING = """() => [...document.querySelectorAll('svg')].flatMap(svg => {
    const boxes = [...svg.querySelectorAll('text')].map(e => [e, e.getBoundingClientRect()]);
    return boxes.flatMap(([one, a], i) => boxes.slice(i + 1)
      .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5)
      .map(([other]) => one.textContent + ' / ' + other.textContent));
  })"""


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="the playwright package is not installed"
    )
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser is installed; looked for {', '.join(NAMES)}")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory, example_audit) -> Path:
    return write_report(example_audit, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory, hostile_audit) -> Path:
    return write_report(hostile_audit, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def crowded_report(tmp_path_factory, example, example_audit, hostile_text) -> Path:
    """Return a report with seven protocols of long names and sixty verdicts."""
    says = example_audit.protocols[0].model_copy(update={"says": hostile_text})
    names = ["standard", hostile_text, *(f"a-protocol-with-a-name-{k}" for k in range(5))]
    entries = [
        entry.model_copy(update={"id": f"{entry.id}/{k}", "protocol": name})
        for k, name in enumerate(names)
        for entry in example_audit.entries[2:11]
    ]
    changes = {
        "protocols": tuple(says.model_copy(update={"name": name}) for name in names),
        "entries": tuple(entries),
    }
    crowded = example_audit.model_copy(update=changes)
    return write_report(crowded, tmp_path_factory.mktemp("crowded"))


@pytest.fixture
def visit(browser):
    """Return a function that opens a report and records what the page says, asks and loads."""
    pages = []

    def open_page(path: Path, **options):
        page = browser.new_page(**options)
        pages.append(page)
        page.told, page.loaded, page.fetched = [], [], []
        page.on("console", lambda message: page.told.append(message.text))
        page.on("pageerror", lambda error: page.told.append(str(error)))
        page.on("dialog", lambda dialog: (page.told.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: page.loaded.append(request.url))
        page.on("requestfinished", lambda request: page.fetched.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()


def test_the_page_loads_nothing_and_says_nothing(visit, report):
    page = visit(report)
    assert page.told == []
    assert page.loaded == [report.as_uri()]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(visit, report, width):
    page = visit(report, viewport={"width": width, "height": 800})
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_text_makes_no_elements_and_stays_on_the_page(visit, hostile_report, width):
    page = visit(hostile_report, viewport={"width": width, "height": 800})
    assert page.told == []
    assert page.loaded == [hostile_report.as_uri()]
    assert page.locator("script, img, iframe, object, embed").count() == 0
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.evaluate(OVERFLOWING) == []


# What may run or load something, and what leads to it.
ARMED = r"""() => [...document.querySelectorAll('*')].flatMap(e => [...e.attributes]
  .filter(a => a.name.startsWith('on') || a.name === 'style' || a.name === 'src'
            || ['href', 'xlink:href', 'action'].includes(a.name)
               && !/^(#|data:,$|data:image\/png;base64,[A-Za-z0-9+/=]+$|https?:)/.test(a.value)
               && !(e.hasAttribute('download')
                    && /^data:(image\/svg\+xml|text\/csv);base64,[A-Za-z0-9+/=]+$/.test(a.value)))
  .map(a => e.tagName + ' ' + a.name + '=' + a.value))"""


def test_no_text_of_an_audit_breaks_out_of_the_page(visit, armed_audit, payloads, tmp_path):
    path = write_report(armed_audit, tmp_path)
    page = visit(path)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.evaluate("document.querySelectorAll('body, body *').forEach(e => e.focus?.())")
    assert page.told == []
    assert {url.partition("#")[0] for url in page.loaded} == {path.as_uri()}
    assert page.evaluate(ARMED) == []
    assert (
        page.locator("script, img, iframe, object, embed, form, base, meta[http-equiv]").count()
        == 1
    )
    assert page.locator("style").count() == 1
    shown = " ".join(page.evaluate("document.body.textContent").split())
    for payload in payloads:
        assert " ".join(visible(payload).split()) in shown


def test_the_policy_stops_what_would_get_in_all_the_same(visit, report):
    page = visit(report)
    # Playwright's own waiting polls by eval, which the policy stops too.
    stopped = page.evaluate("""() => new Promise(resolve => {
      const stopped = [];
      document.addEventListener('securitypolicyviolation', e => {
        if (stopped.push(e.effectiveDirective) == 7) resolve(stopped);
      });
      setTimeout(() => resolve(stopped), 20000);
      const add = (name, fields) =>
        document.body.append(Object.assign(document.createElement(name), fields));
      add('script', {textContent: 'window.broken = true'});
      add('style', {textContent: 'body { color: red }'});
      add('img', {src: 'https://example.org/x.png'});
      add('iframe', {src: 'https://example.org/'});
      add('form', {id: 'sent', action: 'https://example.org/', method: 'get'});
      document.querySelector('#sent').submit();
      document.body.insertAdjacentHTML('beforeend', '<p onclick="window.broken = true">x</p>');
      fetch('https://example.org/').catch(() => {});
    })""")
    assert page.evaluate("window.broken") is None
    assert {each.partition("-src")[0] for each in stopped} == {
        "script", "style", "img", "frame", "form-action", "connect",
    }  # fmt: skip
    assert page.fetched == [report.as_uri()]


@pytest.mark.parametrize("width", WIDTHS)
def test_many_protocols_and_verdicts_stay_on_the_page(visit, crowded_report, width):
    page = visit(crowded_report, viewport={"width": width, "height": 800})
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.evaluate(OVERFLOWING) == []
    assert page.told == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["report", "hostile_report"])
def test_what_is_folded_away_stays_on_the_page_when_it_opens(visit, request, name, width):
    page = visit(request.getfixturevalue(name), viewport={"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.evaluate(OVERFLOWING) == []


def test_a_control_opens_what_came_out_of_it(visit, report):
    page = visit(report, viewport={"width": 1280, "height": 800})
    row = page.locator(".planted-details tbody tr").first
    assert not row.is_visible()
    page.locator(".planted .mark").first.click()
    assert row.is_visible()


def test_readings_have_words_for_those_who_do_not_see_the_signs(visit, report):
    page = visit(report, viewport={"width": 360, "height": 800})
    table = page.get_by_role("table", name="Claims by readings")
    signs = table.get_by_role("img")
    assert signs.count() == 24
    assert "SUPPORTED" in signs.first.get_attribute("aria-label")
    assert table.get_by_role("rowheader").count() == 1


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_labels_of_drawings_are_whole_and_apart(visit, report, width):
    page = visit(report, viewport={"width": width, "height": 800})
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(COLLIDING) == []


@pytest.mark.parametrize("width", [320, 360])
def test_text_in_drawings_can_be_read_on_a_phone(visit, report, width):
    page = visit(report, viewport={"width": width, "height": 800})
    heights = page.evaluate(
        "() => [...document.querySelectorAll('svg text')].map(e => e.getCTM())"
        ".map(m => 12 * Math.hypot(m.a, m.b))"
    )
    assert min(heights) >= 10


def test_the_page_follows_the_dark_mode(visit, report):
    grounds = {
        scheme: visit(report, color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    }
    assert grounds == {"light": "rgb(253, 253, 251)", "dark": "rgb(22, 23, 26)"}


def test_the_keyboard_reaches_the_navigation(visit, report):
    page = visit(report)
    focused = "document.activeElement.textContent.trim()"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Skip to the result"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Summary"
    assert page.evaluate("document.activeElement.closest('nav') !== null")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#overview")


def test_the_policy_lets_images_in_and_they_are_whole(visit, report):
    page = visit(report)
    sizes = page.evaluate("""() => Promise.all([...document.querySelectorAll('svg image')].map(
      e => new Promise(resolve => {
        const image = new Image();
        image.onload = () => resolve([image.naturalWidth, image.naturalHeight]);
        image.onerror = () => resolve(null);
        image.src = e.getAttribute('href');
      })))""")
    assert sizes == [[16, 16], [16, 16], [8, 8], [4, 4], [16, 12]]
    assert page.told == []


def test_the_numbers_of_a_figure_open_below_it(visit, report):
    page = visit(report)
    table = page.get_by_role("table", name="Change of accuracy")
    assert not table.is_visible()
    folded = page.locator("details.drawn-numbers", has_text="Change of accuracy")
    folded.locator("summary").click()
    assert table.is_visible()
    assert "Similarity of layers: 900 numbers" in folded.inner_text()


def test_heat_maps_are_dark_on_light_and_light_on_dark_and_dark_on_paper(visit, report):
    for scheme, media in (("light", "screen"), ("dark", "screen"), ("dark", "print")):
        page = visit(report, color_scheme=scheme)
        page.emulate_media(media=media, color_scheme=scheme)
        fill = page.locator("svg .heat").first.evaluate("e => getComputedStyle(e).fill")
        shown = "rgb(181, 220, 255)" if (scheme, media) == ("dark", "screen") else "rgb(8, 48, 107)"
        assert fill == shown


def test_protocols_stand_below_each_other_on_a_phone(visit, report):
    page = visit(report, viewport={"width": 320, "height": 800})
    row = page.locator(".by-protocol tbody tr").first
    boxes = [cell.bounding_box() for cell in row.locator("td").all()]
    tops = [box["y"] for box in boxes]
    assert len(tops) == 3
    assert tops == sorted(set(tops))
    assert len({box["x"] for box in boxes}) == 1
    shown = row.locator("td").nth(1).evaluate("e => getComputedStyle(e, '::before').content")
    assert shown == '"official"'


def test_a_long_table_of_contents_is_folded_and_opens(visit, crowded_report, report):
    page = visit(crowded_report, viewport={"width": 1280, "height": 800})
    places = page.locator(".toc details")
    assert places.count() == 5
    assert page.locator(".toc details[open]").count() == 0
    places.first.locator("summary").click()
    places.first.locator("li a").first.click()
    assert "#claim-" in page.url
    assert visit(report).locator(".toc details:not([open])").count() == 0


def test_paper_shows_what_the_screen_folds_away(visit, report):
    page = visit(report, viewport={"width": 680, "height": 900}, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.locator("details dl").first.bounding_box()["height"] > 50
    assert page.locator(".reading ol").bounding_box()["height"] > 50
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(253, 253, 251)"
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def test_landmarks_and_table_roles_survive_the_layout_of_a_phone(visit, report):
    page = visit(report, viewport={"width": 360, "height": 800})
    for role in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    table = page.get_by_role("table", name="All verdicts")
    assert table.get_by_role("row").count() == 13
    assert table.get_by_role("columnheader", include_hidden=True).count() == 7


def shown(page, selector):
    return page.evaluate(
        "s => [...document.querySelectorAll(s)].filter(e => e.getClientRects().length)"
        ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)"
        ".map(e => e.className.split(' ').pop())",
        selector,
    )


@pytest.mark.parametrize("width", [360, 1280])
def test_verdicts_are_chosen_and_ordered_without_a_script(visit, report, width):
    page = visit(report, viewport={"width": width, "height": 800})
    rows, claims = ".overview tbody tr:not(.group)", ".claims:not(#rivals) > article"
    every = shown(page, rows)
    page.check("#by-verdict")
    order = ["supported", "refuted", "inconclusive", "error", "not_applicable", "not_run"]
    assert shown(page, rows) == sorted(every, key=order.index)
    assert shown(page, rows) != every
    page.uncheck("#show-supported")
    assert shown(page, rows) == [o for o in sorted(every, key=order.index) if o != "supported"]
    assert set(shown(page, claims)) == set(every) - {"supported"}
    target = page.locator(f"{claims}.supported").first.get_attribute("id")
    page.evaluate("id => location.hash = id", target)
    assert shown(page, claims).count("supported") == 1
    assert page.told == []
    assert page.evaluate(OVERFLOWING) == []


def test_what_is_printed_has_no_choices(visit, report):
    page = visit(report)
    assert page.locator(".choices").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".choices").is_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing_that_keeps_somebody_out(browser, report, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # Axe is itself a script, which the page's policy does not let in.
    page = browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page.goto(report.as_uri())
    violations = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    page.close()
    assert [(rule["id"], node["html"]) for rule in violations for node in rule["nodes"]] == []
