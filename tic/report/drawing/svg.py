"""SVG elements as escaped markup, with coordinates of one decimal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from markupsafe import Markup, escape

from tic.text import shorten, visible

# Mean advance of the sans-serif faces in use, in parts of the font size; on the wide side.
_ADVANCE = 0.58
# As in drawing.css; both sizes are in units of the drawing.
_FONT_SIZE = 12.0
_GLYPH_RADIUS = 3.0

Point = tuple[float, float]
Attribute = str | float


def coordinate(value: float) -> str:
    """Return a position with at most one decimal."""
    text = f"{value:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """Return one element; whatever is not `Markup` already is made visible and escaped.

    Args:
        name: The element's name.
        *children: Text and markup inside it.
        **attributes: Attributes, with `_` for `-` and `class_` for `class`.
    """
    opening = "".join(_attribute(key, value) for key, value in attributes.items())
    inside = "".join(_text(child) for child in children)
    ending = f">{inside}</{name}>" if children else "/>"
    return Markup(f"<{name}{opening}{ending}")


def joined(parts: Iterable[str]) -> Markup:
    """Return markup one after another."""
    return Markup("").join(parts)


def picture(
    size: Point, ident: str, title: str, description: str, parts: Iterable[str], kind: str
) -> Markup:
    """Return an image with a name and a description for those who do not see it.

    Args:
        size: Width and height in units of the drawing, about one CSS pixel each.
        ident: An identifier that occurs once in the document.
        title: What it shows, in a few words.
        description: What can be read from it.
        parts: The elements inside.
        kind: The CSS class.
    """
    width, height = (coordinate(side) for side in size)
    return element(
        "svg",
        element("title", title, id=f"{ident}-t"),
        element("desc", description, id=f"{ident}-d"),
        *parts,
        class_=kind,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_labelledby=f"{ident}-t {ident}-d",
    )


def line(start: Point, end: Point, kind: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=kind)


def box(left: float, top: float, right: float, bottom: float, kind: str) -> Markup:
    """Return a rectangle."""
    sides = {"width": right - left, "height": bottom - top}
    return element("rect", x=left, y=top, **sides, class_=kind)


def label(text: str, at: Point, anchor: str = "start", kind: str = "label") -> Markup:
    """Return a line of text that starts, ends or has its middle at a point."""
    return element("text", text, x=at[0], y=at[1], text_anchor=anchor, class_=kind)


def upright_label(text: str, at: Point) -> Markup:
    """Return a line of text that is read from below and ends at a point."""
    turn = f"rotate(-90 {_pair(at)})"
    return element(
        "text", text, x=at[0], y=at[1], text_anchor="end", transform=turn, class_="label"
    )


def titled_box(
    title: str, left: float, top: float, right: float, bottom: float, kind: str
) -> Markup:
    """Return a rectangle that says what it is when it is pointed at."""
    sides = {"width": right - left, "height": bottom - top}
    return element("rect", element("title", title), x=left, y=top, **sides, class_=kind)


def fitted(text: str, width: float) -> str:
    """Cut `text` to what fits `width`."""
    whole = shorten(text, 2 * len(text) + 2)
    length = len(whole)
    while length > 1 and text_width(shorten(whole, length)) > width:
        length -= 1
    return shorten(whole, length)


def text_width(text: str) -> float:
    """Return about how wide `text` is; the server has no fonts to measure it with."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return _FONT_SIZE * (_ADVANCE * (len(text) - wide) + wide)


def path(points: Iterable[Point | None], kind: str) -> Markup:
    """Return a line through points, interrupted wherever a point is None."""
    commands, pen_down = [], False
    for point in points:
        if point is not None:
            commands.append(("L" if pen_down else "M") + _pair(point))
        pen_down = point is not None
    return element("path", d="".join(commands), class_=kind)


def area(points: Iterable[Point], kind: str) -> Markup:
    """Return a closed shape."""
    return element("path", d="M" + "L".join(_pair(point) for point in points) + "Z", class_=kind)


def glyph(index: int, at: Point, kind: str) -> Markup:
    """Return one of four marks (disc, square, triangle, diamond), so that colour is not alone."""
    (x, y), radius = at, _GLYPH_RADIUS
    if index % 4 == 0:
        return element("circle", cx=x, cy=y, r=radius, class_=kind)
    if index % 4 == 1:
        side = 0.88 * radius
        return box(x - side, y - side, x + side, y + side, kind)
    if index % 4 == 2:
        corners = [(x, y - 1.2 * radius), (x + 1.1 * radius, y + 0.8 * radius)]
        return area([*corners, (x - 1.1 * radius, y + 0.8 * radius)], kind)
    return diamond(at, 1.25 * radius, kind)


def diamond(at: Point, radius: float, kind: str) -> Markup:
    """Return a square that stands on a corner."""
    x, y = at
    return area([(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)], kind)


def _pair(point: Point) -> str:
    return f"{coordinate(point[0])} {coordinate(point[1])}"


def _attribute(key: str, value: Attribute) -> str:
    shown = visible(value) if isinstance(value, str) else coordinate(value)
    return f' {key.rstrip("_").replace("_", "-")}="{escape(shown)}"'


def _text(child: str) -> str:
    return child if isinstance(child, Markup) else str(escape(visible(child)))
