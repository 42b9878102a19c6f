"""Writes that an operator asked for: what is said when one could not be made."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from batchctl.domain.problem import BusyProblem, Problem, RowsRejectedError, ShortageProblem, UnreachableProblem


@contextmanager
def asked_for(what: str, *, look: str, find: Callable[[], str | None] | None = None) -> Iterator[None]:
    """Say of a transaction that failed that nothing was written, or that nobody knows and where to `look`.

    Raises Problem when the database refused a row, was busy or short of something, UnreachableProblem when it was lost.
    A person who interrupts gets the same answer, as a note on the KeyboardInterrupt: by then the transaction has ended
    either way, and `find` says by what name it can be found, None if it is not there.
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
        message = f"{problem.what}; whether {what} was written is not known: {look}"
        raise UnreachableProblem(message) from problem
    except KeyboardInterrupt as interruption:
        interruption.add_note(_fate(what, look, find))
        raise


def _fate(what: str, look: str, find: Callable[[], str | None] | None) -> str:
    try:
        if find is not None:
            found = find()
            return f"nothing of {what} was written" if found is None else f"but {found} was written: do not repeat it"
    except (Problem, RowsRejectedError):
        pass  # Then nobody knows.
    return f"whether {what} was written is not known: {look}"
