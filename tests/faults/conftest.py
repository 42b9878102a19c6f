"""Gives trials their ground, on the server of this run."""

from collections.abc import Iterator

import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.conftest import Conn
from tests.faults.ground import Ground
from tests.faults.workers import Nursery


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Give the process off which this run's worker processes are forked."""
    with Nursery(tmp_path_factory.mktemp("workers")) as nursery:
        yield nursery


@pytest.fixture(scope="session")
def ground(pg_admin: Conn, pg_template: NoopExecutor, nursery: Nursery) -> Iterator[Ground]:
    """Give the ground of this run's trials."""
    ground = Ground.on(pg_admin, pg_template.template_dbname, nursery)
    yield ground
    ground.clear()
