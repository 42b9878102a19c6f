"""Errors that an operator can act on, each with the exit code of the command line."""


class Problem(Exception):
    """Something an operator must know; the message says what is wrong and what to do."""

    exit_code = 1


class UsageProblem(Problem):
    """The command was called wrongly."""

    exit_code = 2


class UnreachableProblem(Problem):
    """The database, or the provider for every request of a pass, cannot be reached."""

    exit_code = 69


class ConfigProblem(Problem):
    """A setting is missing or invalid, or the schema is not migrated."""

    exit_code = 78
