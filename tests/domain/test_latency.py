"""Latency: the lines of the database put into their parts and bins."""

from batchctl.domain.latency import EDGES_S, LatencyLine, Part, tell_parts


def line(part: Part, number: int | None, count: int, open_count: int = 0) -> LatencyLine:
    """Make a line of the database."""
    return LatencyLine(
        part=part, bin=number, count=count, open_count=open_count, p50_s=1.0, p95_s=2.0, p99_s=3.0, longest_s=4.0
    )


def test_parts_stand_in_the_order_in_which_they_are_gone() -> None:
    """Each part is told, measured or not, and each of its bins, filled or not; its sum is the line without a bin."""
    lines = [line(Part.TELL, 2, 3), line(Part.TELL, None, 5, 7), line(Part.TELL, len(EDGES_S), 2)]
    *others, tell = tell_parts(lines)
    assert [one.part for one in others] == [Part.START, Part.FINISH, Part.SETTLE]
    assert {(one.count, one.p50_s, sum(each.count for each in one.histogram)) for one in others} == {(0, None, 0)}
    assert (tell.count, tell.open_count, tell.p50_s, tell.p95_s, tell.p99_s, tell.longest_s) == (5, 7, 1, 2, 3, 4)
    assert [one.count for one in tell.histogram] == [0, 0, 3, *[0] * (len(EDGES_S) - 3), 2]
    assert [one.below_s for one in tell.histogram] == [*EDGES_S, None]
