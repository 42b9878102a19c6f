"""What is drawn in a cell: percentages, bars, courses over time, changes; all of fixed width, none of it ever cut."""

from collections.abc import Sequence

BAR_CELLS = 8
TREND_CELLS = 20
"""With these a page fits on 80 columns."""
HOURLY_CELLS = 24
NONE = "–"  # noqa: RUF001 - a dash as wide as a digit
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_VISIBLE = 0.0005
"""Half of the last digit that a percentage shows."""


class Drawn:
    """A cell that is neither folded nor cut where a terminal is narrow: a percentage, a bar."""

    def __init__(self, text: str) -> None:
        """Take it as it is to be shown."""
        self._text = text

    def __str__(self) -> str:
        """Return it as it is shown."""
        return self._text


def percent(ratio: float | None) -> Drawn:
    """Write a ratio; what is not quite nothing, or not quite all, does not look so."""
    if ratio is None:
        return Drawn(NONE)
    if 0 < ratio < _VISIBLE:
        return Drawn("<0.1%")
    return Drawn(">99.9%" if 1 - _VISIBLE <= ratio < 1 else f"{ratio:.1%}")


def change(ratio: float | None, before: float | None) -> Drawn:
    """Write how a ratio moved since before, in points of its percentage: ↑ 4.6, ↓ 0.3, or = where nothing is seen."""
    if ratio is None or before is None:
        return Drawn(NONE)
    moved = ratio - before
    if abs(moved) < _VISIBLE:
        return Drawn("=")
    return Drawn(f"{'↑' if moved > 0 else '↓'} {abs(moved) * 100:.1f}")


def bar(part: int, longest: int) -> Drawn:
    """Draw a bar in eighths of a cell; whatever is more than nothing is seen."""
    eighths = max(1, round(part / longest * BAR_CELLS * 8)) if part else 0
    whole, rest = divmod(eighths, 8)
    return Drawn("█" * whole + (_EIGHTHS[rest] if rest else ""))


def sparkline(values: Sequence[float], cells: int = TREND_CELLS) -> str:
    """Draw values side by side, the highest one full; of more than fit, neighbours are drawn as their mean."""
    cells = min(len(values), cells)
    means = [_mean(values[cell * len(values) // cells : (cell + 1) * len(values) // cells]) for cell in range(cells)]
    highest = max(means, default=0.0)
    return "".join(_LEVELS[1 + min(6, int(mean / highest * 7))] if mean else _LEVELS[0] for mean in means)


def level(ratio: float | None) -> str:
    """Draw a ratio as a block; a place without one stays empty."""
    return " " if ratio is None else _LEVELS[min(7, int(ratio * 8))]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
