"""Figures as rows of drawings: every kind of part has its one renderer here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tic.document.figures import Bars, Figure, HeatMap, Histogram, Images, Panel, Part
from tic.report.drawing import bars, heatmap, histogram, images, panels
from tic.report.drawing.drawing import Drawing, sentences


@dataclass(frozen=True)
class Renderer:
    """How the parts of one kind are drawn.

    Attributes:
        drawings: Draws those of one figure together, as they share axes and scales.
        reading: Says how seeds are drawn in them.
    """

    drawings: Callable[[Mapping[int, Any], str], Iterator[tuple[int, Drawing]]]
    reading: Callable[[Sequence[Any]], str]


RENDERERS: dict[type[Part], Renderer] = {
    Panel: Renderer(panels.drawings, panels.reading),
    HeatMap: Renderer(heatmap.drawings, heatmap.reading),
    Bars: Renderer(bars.drawings, bars.reading),
    Histogram: Renderer(histogram.drawings, histogram.reading),
    Images: Renderer(images.drawings, images.reading),
}


def figure_drawings(figure: Figure, ident: str) -> tuple[Drawing, ...]:
    """Draw all parts of a figure, in its order.

    Args:
        figure: The data.
        ident: Prefix of the identifiers inside the drawings.
    """
    drawn: dict[int, Drawing] = {}
    for kind, renderer in RENDERERS.items():
        drawn.update(renderer.drawings(_parts(figure, kind), ident))
    return tuple(drawn[place] for place in sorted(drawn))


def different_axes(figure: Figure) -> bool:
    """Tell whether panels that show the same quantity do so on different ranges of y."""
    return panels.different_axes([part for part in figure.panels if isinstance(part, Panel)])


def reading(figure: Figure) -> str:
    """Say how seeds are drawn in this figure."""
    shown = ((_parts(figure, kind), renderer) for kind, renderer in RENDERERS.items())
    return sentences(*(renderer.reading(tuple(parts.values())) for parts, renderer in shown))


def _parts(figure: Figure, kind: type[Part]) -> dict[int, Part]:
    """Return the parts of a kind, each by its place in the figure."""
    return {place: part for place, part in enumerate(figure.panels) if isinstance(part, kind)}
