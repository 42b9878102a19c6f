"""Runs histories that Hypothesis chooses by a seed."""

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.databases import Databases
from tests.faults.ground import Ground
from tests.faults.machine import Machine
from tests.faults.trial import Kinds


def run_histories(databases: Databases, number: int, chosen_by: int, steps: int = 25) -> None:
    """Run so many histories, chosen by a seed; the failure of one is shown as the shortest one that fails alike."""

    @seed(chosen_by)
    class History(Machine):
        """A machine in these databases."""

        def __init__(self) -> None:
            super().__init__(databases)

    limits = settings(
        max_examples=number,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(History, settings=limits)


def _histories(ground: Ground, seed_: int) -> int:
    with Databases(ground.admin, ground.template) as databases:
        run_histories(databases, 20, seed_)
    return 20


KINDS: Kinds = {"any history": _histories}
