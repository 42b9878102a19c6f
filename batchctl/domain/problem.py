"""Errors that an operator can act on, each with the exit code of the command line."""


class Problem(Exception):
    """Something an operator must know; the message says what is wrong and what to do."""

    exit_code = 1

    def __init__(self, what: str, *, then: str | None = None) -> None:
        """Take what is wrong, and what the next pass does about it, if it does."""
        super().__init__(what)
        self.what = what
        self.then = then

    def __str__(self) -> str:
        """Say it to somebody for whom no pass does it again."""
        return self.what if self.then is None else f"{self.what}: try again"

    @property
    def in_a_pass(self) -> str:
        """Say it in a pass, after which comes another one."""
        return self.what if self.then is None else f"{self.what}; the next pass {self.then}"


class UsageProblem(Problem):
    """The command was called wrongly."""

    exit_code = 2


class UnreachableProblem(Problem):
    """The database, or the provider for every request of a pass, cannot be reached."""

    exit_code = 69


class ConfigProblem(Problem):
    """A setting is missing or invalid, or the schema is not migrated."""

    exit_code = 78


class RowsRejectedError(Exception):
    """The database refused what a transaction wrote, for the sake of some row in it: nothing was written."""


class UnreadableProblem(Problem, RowsRejectedError):
    """The database could not read rows for what is in them."""

    def __init__(self, said: str) -> None:
        """Take what PostgreSQL said."""
        advice = "another program wrote a value beyond measure: find it and put it right by SQL, or ask for less"
        super().__init__(f"the database could not read its rows ({said}): {advice}")


class BusyProblem(Problem):
    """Others held what was needed for too long; nothing was written."""

    def __init__(self, said: str) -> None:
        """Take what PostgreSQL said."""
        super().__init__(f"the database is too busy ({said})", then="tries again")
        self.said = said


class ShortageProblem(Problem):
    """The database lacked something: time, memory, disk, a free connection; nothing was written."""


class SchemaProblem(ConfigProblem):
    """A table, column or function is missing: the schema is not that of this version."""

    def __init__(self, said: str) -> None:
        """Take what PostgreSQL said."""
        super().__init__(f"the schema is not migrated ({said}): run `batchctl migrate`")
        self.said = said
