"""What is drawn in cells: percentages, bars, courses and changes say neither more nor less than is there."""

import pytest

from batchctl.render.drawn import NONE, TREND_CELLS, bar, change, level, percent, sparkline


@pytest.mark.parametrize(
    ("part", "longest", "drawn"),
    [(0, 0, ""), (0, 9, ""), (1, 10**9, "▏"), (1, 2, "████"), (9, 16, "████▌"), (7, 7, "████████")],
)
def test_bar_is_drawn_in_eighths(part: int, longest: int, drawn: str) -> None:
    """A bar has eighths of a cell, is full for the longest, and is seen for whatever is more than nothing."""
    assert str(bar(part, longest)) == drawn


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([0, 0], "▁▁"),
        ([0, 1, 1000, 1000], "▁▂██"),
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▃▄▅▆▇██"),
        ([1] * 25, "█" * TREND_CELLS),
        ([0] * 20 + [4] * 20, "▁" * 10 + "█" * 10),
    ],
)
def test_trend_is_drawn_by_its_own_highest(values: list[int], drawn: str) -> None:
    """Nothing is the lowest block, anything more is higher; of more than fit, neighbours are drawn as their mean."""
    assert sparkline(values) == drawn


@pytest.mark.parametrize(
    ("ratio", "written"),
    [(None, NONE), (0.0, "0.0%"), (0.0004, "<0.1%"), (0.109, "10.9%"), (0.99951, ">99.9%"), (1.0, "100.0%")],
)
def test_ratio_is_not_rounded_to_what_it_is_not(ratio: float | None, written: str) -> None:
    """What is not quite nothing or not quite all is not written as nothing or all."""
    assert str(percent(ratio)) == written


@pytest.mark.parametrize(
    ("now", "before", "written"),
    [
        (None, 0.1, NONE),
        (0.1, None, NONE),
        (0.1, 0.1004, "="),
        (0.146, 0.1, "↑ 4.6"),
        (0.0, 1.0, "↓ 100.0"),
    ],
)
def test_change_says_its_direction(now: float | None, before: float | None, written: str) -> None:
    """A rate that moved says which way and by how many points; what cannot be seen has not moved."""
    assert str(change(now, before)) == written


def test_level_is_a_block_of_its_own() -> None:
    """A ratio is drawn by itself: none of all the lowest, all the highest, and nothing where there is none."""
    assert "".join(map(level, (None, 0.0, 0.5, 0.99, 1.0))) == " ▁▅██"
