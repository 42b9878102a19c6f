"""The long run itself: every kind has a name of its own, and a failure is told so that it can be repeated."""

from importlib import import_module

import pytest

from tests.faults.ground import Ground
from tests.faults.torture import MODULES, Tally, all_kinds, run, table


def test_every_kind_has_a_name_of_its_own() -> None:
    """No module's kind hides another one's."""
    offered = [kind for name in MODULES for kind in import_module(f"tests.faults.{name}").KINDS]
    assert sorted(offered) == sorted(all_kinds())


def test_failed_trial_is_told_with_its_seed(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    """The others go on; the table counts and names the seed, and the line above it repeats the trial."""

    def fail_at_one(_: Ground, seed: int) -> int:
        assert seed != 1
        return 5

    tally = Tally()
    for seed in range(3):
        run(ground, "a kind", fail_at_one, seed, tally)

    assert (tally.trials, tally.blows, tally.failed) == (3, 10, [1])
    assert table({"a kind": tally}).splitlines()[1].split() == ["a", "kind", "3", "10", "1", "0", "1"]
    assert 'python -m tests.faults.torture --only "a kind" --seed 1\n' in capsys.readouterr().err
