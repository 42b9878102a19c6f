"""Whatever happens in whatever order, each video is paid for once, and each customer hears of each batch."""

import os

from pytest_postgresql.executors import NoopExecutor

from tests.conftest import Conn
from tests.faults.databases import Databases
from tests.faults.histories import run_histories

EXAMPLES = int(os.environ.get("BATCHCTL_MACHINE_EXAMPLES", "10"))
SEED = int(os.environ.get("BATCHCTL_MACHINE_SEED", "1"))


def test_any_history(pg_admin: Conn, pg_template: NoopExecutor) -> None:
    """Any sequence of orders, passes, deaths, outages and clock jumps ends with the books and the customers right.

    BATCHCTL_MACHINE_EXAMPLES asks for more of them, BATCHCTL_MACHINE_SEED for others.
    """
    with Databases(pg_admin, pg_template.template_dbname) as databases:
        run_histories(databases, EXAMPLES, SEED)
