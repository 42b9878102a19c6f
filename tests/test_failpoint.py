"""Failpoints: what arms them, what they do, and that none of them is dead."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from batchctl import failpoint
from batchctl.cli.signals import InterruptedBySignal, graceful_stop
from batchctl.domain.problem import ConfigProblem
from batchctl.failpoint import VARIABLE, Failpoint, FailpointError, arm, reach, still_armed
from tests.faults.scene import prepare
from tests.scenario import Company

POINT = Failpoint.SETTLE_BEFORE_COMMIT


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    """Leave nothing armed."""
    yield
    arm("")


def test_unarmed_point_does_nothing() -> None:
    """No point does anything while another one is armed."""
    arm(f"{Failpoint.CLAIM_BEFORE_COMMIT}:1:raise")

    for point in {*Failpoint} - {Failpoint.CLAIM_BEFORE_COMMIT}:
        reach(point)

    assert still_armed() == {Failpoint.CLAIM_BEFORE_COMMIT}


def test_point_acts_at_the_reach_that_was_asked_for() -> None:
    """`name:3:raise` acts the third time, and never again."""
    arm(f"{POINT}:3:raise,{Failpoint.CLAIM_BEFORE_COMMIT}:1:sleep=0")
    reach(POINT)
    reach(POINT)
    assert still_armed() == {POINT, Failpoint.CLAIM_BEFORE_COMMIT}

    with pytest.raises(FailpointError, match=POINT):
        reach(POINT)

    reach(POINT)
    assert still_armed() == {Failpoint.CLAIM_BEFORE_COMMIT}


def test_cut_ends_both_directions() -> None:
    """What is written after `cut` does not arrive, and the other side sees the end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        arm(f"{POINT}:1:cut")
        reach(POINT, ours)
        with pytest.raises(BrokenPipeError):
            ours.sendall(b"commit")
        assert theirs.recv(10) == b""


def test_cut_reply_ends_what_comes_back() -> None:
    """What is written after `cut=reply` arrives; what is answered does not."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        arm(f"{POINT}:1:cut=reply")
        reach(POINT, ours)
        ours.sendall(b"commit")
        assert theirs.recv(10) == b"commit"
        with pytest.raises(BrokenPipeError):
            theirs.sendall(b"done")
        assert ours.recv(10) == b""


def test_cut_needs_a_connection() -> None:
    """A trial that means to cut where nothing is connected fails instead of passing for nothing."""
    arm(f"{POINT}:1:cut")
    with pytest.raises(FailpointError, match="no connection is in use"):
        reach(POINT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("settle.befor_commit:1:kill", "there is no point 'settle.befor_commit'"),
        ("nonsense", "there is no point 'nonsense'"),
        (f"{POINT}", "'settle.before_commit' is not NAME:NTH:ACTION"),
        (f"{POINT}:0:kill", "is not NAME:NTH:ACTION"),
        (f"{POINT}:one:kill", "is not NAME:NTH:ACTION"),
        (f"{POINT}:1:explode", "is not NAME:NTH:ACTION"),
        (f"{POINT}:1:sleep=soon", "is not NAME:NTH:ACTION"),
        (f"{POINT}:1:kill:", "is not NAME:NTH:ACTION"),
    ],
)
def test_misspelt_arming_is_refused(text: str, said: str) -> None:
    """Whatever cannot be read is told as a wrong setting; what was armed before stays."""
    arm(f"{POINT}:9:raise")
    with pytest.raises(ConfigProblem, match=said):
        arm(f"{Failpoint.CLAIM_BEFORE_COMMIT}:1:sleep=0,{text}")
    assert still_armed() == {POINT}


@pytest.mark.parametrize("command", [["run-once"], ["settle"], ["migrate"]])
def test_misspelt_arming_ends_a_command_before_it_begins(command: list[str]) -> None:
    """The line names the variable, the exit code is that of a wrong setting, and there is no traceback."""
    environment = {VARIABLE: "settle:1:kill", "BATCHCTL_DATABASE_URL": "host=127.0.0.1 port=1"}
    ran = subprocess.run(
        [sys.executable, "-m", "batchctl", *command], env=environment, capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout) == (78, "")
    assert ran.stderr == f"error: {VARIABLE}: there is no point 'settle' (batchctl/failpoint.py lists them)\n"


def _be_told_twice_to_stop() -> None:
    with graceful_stop():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)


def test_no_point_is_dead(company: Company) -> None:
    """A company's whole life, and the end of a worker that is told to stop, come by every point there is."""
    prepare(company, "run-once")
    company.world.db.close()
    arm(",".join(f"{point}:1:sleep=0" for point in Failpoint))

    company.run_until_quiet()
    with pytest.raises(InterruptedBySignal):
        _be_told_twice_to_stop()

    assert failpoint.still_armed() == set()
