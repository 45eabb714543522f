"""All drawings of one claim in one SVG that looks the same wherever it is put.

The page's drawings take their colours from its style sheet by CSS variables, which programs that
set papers do not know; here every colour stands where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from markupsafe import Markup

from tic.report.drawing import svg
from tic.report.drawing.figures import figure_drawings
from tic.report.drawing.forest import contrast_strips
from tic.report.index import Item
from tic.report.styles import style_sheet

_WIDTH, _MARGIN, _LINE, _GAP = 380.0, 12.0, 16.0, 14.0
_COLOURS = 8
_CLASSES = re.compile(r'class="([^"]*)"')
_VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


def claim_drawing(item: Item) -> str:
    """Draw the contrasts and figures of an entry, one below the other.

    Args:
        item: A claim or a rival.
    """
    entry, parts, top = item.entry, list[Markup](), _MARGIN
    for block in _blocks(item):
        for part, height in block:
            parts.append(_moved(part, _MARGIN, top))
            top += height
        top += _GAP
    description = f"{entry.says} {entry.outcome.replace('_', ' ')}. {entry.reason}"
    width, height = _WIDTH, top - _GAP + _MARGIN
    background = svg.element("rect", width=width, height=height, class_="paper")
    style = svg.element("style", Markup(_style_of("".join(parts))))
    inside = [style, background, *parts]
    drawn = svg.picture((width, height), item.anchor, item.label, description, inside, "claim")
    sizes = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
    return str(drawn).replace("<svg ", sizes, 1) + "\n"


def _blocks(item: Item) -> Iterator[list[tuple[Markup, float]]]:
    entry = item.entry
    yield [_heading(f"{item.label}: {item.badge.word}"), *_said(entry.says)]
    for contrast, strip in zip(
        entry.contrasts, contrast_strips(entry.contrasts, item.anchor), strict=True
    ):
        yield [_heading(contrast.name), _sized(strip)]
    for number, figure in enumerate(entry.figures, start=1):
        for drawing in figure_drawings(figure, f"{item.anchor}-f{number}"):
            title = " – ".join(filter(None, (figure.title, drawing.title)))
            names = [_named(swatch, name) for swatch, name in drawing.legend]
            yield [_heading(title), _sized(drawing.image), *names]


def _heading(text: str) -> tuple[Markup, float]:
    words = svg.label(svg.fitted(text, _WIDTH - 2 * _MARGIN), (0, 12), kind="label strong")
    return svg.element("g", words), _LINE + 4


def _said(text: str) -> list[tuple[Markup, float]]:
    fitted = svg.fitted(text, _WIDTH - 2 * _MARGIN)
    return [(svg.element("g", svg.label(fitted, (0, 12), kind="label quiet")), _LINE)]


def _named(swatch: Markup, name: str) -> tuple[Markup, float]:
    fitted = svg.fitted(name, _WIDTH - 2 * _MARGIN - 34)
    mark, _ = _sized(swatch)
    return svg.element("g", mark, svg.label(fitted, (34, 11))), _LINE


def _sized(picture: Markup) -> tuple[Markup, float]:
    """Give a picture the size of its view box, so that it keeps it inside another one."""
    box = _VIEW_BOX.search(picture)
    assert box is not None
    sizes = f'<svg width="{box[1]}" height="{box[2]}" '
    return svg.element("g", Markup(str(picture).replace("<svg ", sizes, 1))), float(box[2])


def _moved(part: Markup, left: float, top: float) -> Markup:
    return svg.element("g", part, transform=f"translate({left:g} {top:.4g})")


@cache
def standalone_style() -> str:
    """Return the style of drawings without variables: the light palette, put in."""
    css = re.sub(r"@media .*?\n}\n", "", style_sheet("drawing.css"), flags=re.DOTALL)
    palette = dict(re.findall(r"--([\w-]+): ([^;]+);", css.partition("}")[0]))
    rules = [line for line in css.partition("}\n")[2].splitlines() if "{" in line]
    drawn = [rule for rule in rules if not rule.startswith(".s")]
    drawn += ["svg .paper { fill: var(--page); }", "svg text.strong { font-weight: 600; }"]
    series = (spelt for rule in drawn for spelt in _by_series(rule))
    return "\n".join(re.sub(r"var\(--([\w-]+)\)", lambda m: palette[m[1]], r) for r in series)


def _style_of(parts: str) -> str:
    """The rules of the style that these parts need: most drawings need few of them."""
    classes = {name for names in _CLASSES.findall(parts) for name in names.split()} | {"paper"}
    return "\n".join(
        rule
        for rule in standalone_style().split("\n")
        if any(
            classes.issuperset(re.findall(r"\.([\w-]+)", selector))
            for selector in rule.partition(" {")[0].split(", ")
        )
    )


def _by_series(rule: str) -> Sequence[str]:
    """Write a rule about the colour of a series once for each of them."""
    if "var(--c)" not in rule:
        return (rule,)
    selectors, _, body = rule.partition(" {")
    return [
        f"{', '.join(f'{one}.s{n}' for one in selectors.split(', '))} {{"
        f"{body.replace('var(--c)', f'var(--s{n})')}"
        for n in range(1, _COLOURS + 1)
    ]
