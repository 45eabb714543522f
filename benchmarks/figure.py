"""The figure of the scaling: one panel per axis, both axes of a panel logarithmic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from benchmarks.scaling import Growth
from tic.report.drawing import svg
from tic.report.drawing.scales import Scale, log_domain, log_labels, ticks

WIDTH, HEIGHT = 250.0, 230.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 52.0, 40.0
_COLOURS = ("#0b6e99", "#b3500b")
_STYLE = f"""
text {{ font: 12px sans-serif; fill: #333 }}
.quiet {{ fill: #666 }}
.title {{ font-weight: bold }}
.grid {{ stroke: #ddd }}
.axis {{ stroke: #666 }}
.paper {{ fill: #fff }}
.line {{ fill: none; stroke-width: 2 }}
.line.s0 {{ stroke: {_COLOURS[0]} }}
.line.s1 {{ stroke: {_COLOURS[1]}; stroke-dasharray: 5 3 }}
.mark.s0, text.s0 {{ fill: {_COLOURS[0]} }}
.mark.s1, text.s1 {{ fill: {_COLOURS[1]} }}
"""


def draw(growths: Sequence[Growth]) -> str:
    """Return the figure as an SVG document that stands alone."""
    axes = list(dict.fromkeys(growth.axis for growth in growths))
    span = log_domain(y for growth in growths for y in growth.y)
    panels = [
        _panel(index, [growth for growth in growths if growth.axis == axis], span)
        for index, axis in enumerate(axes)
    ]
    width = WIDTH * len(axes)
    return svg.element(
        "svg",
        svg.element("title", "Cost of a training step and of fisher_information, in seconds"),
        svg.element("desc", " ".join(map(_sentence, growths))),
        svg.element("style", Markup(_STYLE)),
        svg.box(0, 0, width, HEIGHT, "paper"),
        *panels,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {svg.coordinate(width)} {svg.coordinate(HEIGHT)}",
        role="img",
    )


def _sentence(growth: Growth) -> str:
    return (
        f"{growth.path} over {growth.axis}: {growth.y[0]:.3g} s at {growth.x[0]:g}, "
        f"{growth.y[-1]:.3g} s at {growth.x[-1]:g}, exponent {growth.exponent:.2f}."
    )


def _panel(index: int, growths: Sequence[Growth], span: tuple[float, float]) -> Markup:
    along = sorted({x for growth in growths for x in growth.x})
    x = Scale(*log_domain(along), _LEFT, WIDTH - _RIGHT, log=True)
    y = Scale(*span, HEIGHT - _BOTTOM, _TOP, log=True)
    parts = [*_y_axis(y, span), *_x_axis(x, along, growths[0].axis)]
    for number, growth in enumerate(growths):
        parts += _curve(number, growth, x, y)
    return svg.element("g", *parts, transform=f"translate({svg.coordinate(index * WIDTH)} 0)")


def _y_axis(y: Scale, span: tuple[float, float]) -> Iterator[Markup]:
    at = ticks(span, 4, log=True)
    for value, text in zip(at, log_labels(at), strict=True):
        yield svg.line((_LEFT, y(value)), (WIDTH - _RIGHT, y(value)), "grid")
        yield svg.label(text, (_LEFT - 5, y(value) + 4), "end")
    yield svg.label("seconds", (0, 14), kind="quiet")


def _x_axis(x: Scale, along: Sequence[float], name: str) -> Iterator[Markup]:
    bottom = HEIGHT - _BOTTOM
    yield svg.line((_LEFT, bottom), (WIDTH - _RIGHT, bottom), "axis")
    for value in along:
        yield svg.line((x(value), bottom), (x(value), bottom + 4), "axis")
        yield svg.label(f"{value:g}", (x(value), bottom + 17), "middle")
    yield svg.label(name, ((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 5), "middle", "title")


def _curve(number: int, growth: Growth, x: Scale, y: Scale) -> Iterator[Markup]:
    points = [(x(a), y(b)) for a, b in zip(growth.x, growth.y, strict=True)]
    yield svg.path(points, f"line s{number}")
    for point in points:
        yield svg.glyph(number, point, f"mark s{number}")
    text = f"{growth.path}: exponent {growth.exponent:.2f}"
    yield svg.label(text, (_LEFT, 28 + 15 * number), kind=f"s{number}")
