"""The parts of a figure by their kind: the only place that tells curves and heat maps apart."""

from __future__ import annotations

from dataclasses import dataclass

from tic.document.evidence import Figure, HeatMap, Panel


@dataclass(frozen=True)
class Parts:
    """Panels and heat maps, each by its place in the figure."""

    panels: dict[int, Panel]
    heat_maps: dict[int, HeatMap]

    @property
    def size(self) -> int:
        """Return how many values the figure shows."""
        curves = (v for p in self.panels.values() for series in p.series for v in series.values)
        rows = (row for one in self.heat_maps.values() for row in one.values)
        return sum(map(len, curves)) + sum(map(len, rows))


def parts(figure: Figure) -> Parts:
    """Sort the parts of a figure by their kind."""
    placed = tuple(enumerate(figure.panels))
    return Parts(
        panels={place: one for place, one in placed if isinstance(one, Panel)},
        heat_maps={place: one for place, one in placed if isinstance(one, HeatMap)},
    )
