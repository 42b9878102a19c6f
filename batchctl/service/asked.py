"""Writes that an operator asked for: what is said when one could not be made."""

from collections.abc import Iterator
from contextlib import contextmanager

from batchctl.db import BusyProblem, RowsRejectedError, ShortageProblem
from batchctl.domain.problem import Problem, UnreachableProblem


@contextmanager
def asked_for(what: str, *, look: str) -> Iterator[None]:
    """Say of a transaction that failed that nothing was written, or that nobody knows and where to `look`.

    Raises Problem when the database refused a row, was busy or short of something, UnreachableProblem when it was lost.
    """
    try:
        yield
    except RowsRejectedError as error:
        message = f"the database refused {what}, and nothing was written: {error}"
        raise Problem(message) from error
    except (BusyProblem, ShortageProblem) as problem:
        said = str(problem.__cause__).partition("\n")[0]
        message = f"the database could not write {what}, and nothing was written ({said}): try again"
        raise Problem(message) from problem
    except UnreachableProblem as problem:
        message = f"{problem}; whether {what} was written is not known: {look}"
        raise UnreachableProblem(message) from problem
