"""`batchctl demo`: a newcomer sees a batch live, and sums that add up."""

from tests.cli.conftest import Shell


def test_demo_adds_up(shell: Shell) -> None:
    """The demonstration ends well: 9 of 12 tasks charged, the rest given back, one event after a retry."""
    ran = shell.run("demo")

    assert (ran.code, ran.err) == (0, "")
    assert "7 migrations applied" in ran.out
    assert "1 batch settled (90 credits charged, 30 given back)" in ran.out
    assert "sent, 2 tries" in ran.out
    assert "2 requests, 1 event, every signature verified" in ran.out
    assert "sums       add up" in ran.out
