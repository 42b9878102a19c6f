"""How the address of the database is told."""

from batchctl.address import describe
from batchctl.domain.problem import ConfigProblem
from batchctl.embedded import embedded_directory


def database(address: str) -> str | None:
    """Say which database an address means and as whom, without its password; None when it cannot be read."""
    try:
        return address if embedded_directory(address) is not None else describe(address)
    except ConfigProblem:
        return None
