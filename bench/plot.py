"""The plot: throughput of every contestant as bars with their ranges, in an SVG that needs no library."""

from collections.abc import Iterator, Sequence
from html import escape

from bench.contest import BARE, OURS
from bench.figures import Summary

_WIDTH, _LEFT, _BAR, _GAP, _TOP = 900, 220, 18, 10, 50
_COLOURS = {OURS: "#1f6feb", BARE: "#b0b7c0"}
_PEER_COLOUR = "#d08a2e"
_FONT = 'font-family="sans-serif" font-size="13"'
_TITLE = "Tasks per second (one submission and two polls each): median and range"
_LEGEND = "blue: batchctl; orange: job queues; grey: the same requests with no database"


def draw(summaries: Sequence[Summary]) -> str:
    """Return the picture."""
    height = _TOP + len(summaries) * (_BAR + _GAP) + 30
    most = max((one.figures["tasks_per_s"][2] for one in summaries), default=1.0)
    scale = (_WIDTH - _LEFT - 90) / most
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_FONT}>',
            f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
            f'<text x="10" y="24" font-size="16">{_TITLE}</text>',
            *(part for number, one in enumerate(summaries) for part in _bar(number, one, scale)),
            f'<text x="10" y="{height - 10}" fill="#555">{_LEGEND}</text>',
            "</svg>\n",
        )
    )


def _bar(number: int, one: Summary, scale: float) -> Iterator[str]:
    middle, low, high = one.figures["tasks_per_s"]
    y = _TOP + number * (_BAR + _GAP)
    centre = y + _BAR / 2
    colour = _COLOURS.get(one.name, _PEER_COLOUR)
    yield f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(one.title)}</text>'
    yield f'<rect x="{_LEFT}" y="{y}" width="{middle * scale:.1f}" height="{_BAR}" fill="{colour}"/>'
    left, right = _LEFT + low * scale, _LEFT + high * scale
    yield f'<path d="M{left:.1f} {centre}H{right:.1f}" stroke="black"/>'
    yield f'<text x="{right + 6:.1f}" y="{y + 14}">{middle:.0f}</text>'
