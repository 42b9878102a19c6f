"""The work that every contestant does, and what must be true when it is done.

B batches of M tasks. A task is one submission and two polls: the first says that it runs, the second how it ended.
Prompts are numbered within their batch; the ones that end in 9 fail, so one task in ten does, in every batch.
"""

import json
from dataclasses import asdict, dataclass

API_KEY = "sk-bench-0000000000"
WEBHOOK_SECRET = "bench-secret"
PRICE = 10
"""Credits of a task."""
CUSTOMERS = 5
"""Batches are dealt to so many customers in turn."""
POLLS_PER_TASK = 2
FAILING = "9"
"""The last character of a prompt whose task fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How much there is to do, and how much of it at once."""

    batches: int = 20
    tasks: int = 100
    """Tasks of each batch."""
    places: int = 50
    """Requests in flight at the provider at most."""
    latency_ms: int = 0
    """How long the provider takes for each answer."""

    @property
    def total(self) -> int:
        """The number of all tasks."""
        return self.batches * self.tasks

    @property
    def failing(self) -> int:
        """How many tasks of each batch fail."""
        return sum(self.prompt(index).endswith(FAILING) for index in range(self.tasks))

    @staticmethod
    def prompt(index: int) -> str:
        """Return the prompt of a task by its place in its batch."""
        return f"a paper boat on a quiet lake, take {index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a contestant's process is told: the work, the client to use, and where everything is."""

    work: Work
    client: str
    """The HTTP client, by the name of its package."""
    in_one_job: bool
    """Whether a peer's job stays with its task to the end; else each step is a job that is scheduled anew."""
    dsn: str
    """The contestant's own database; empty for those that need none."""
    provider_url: str

    def dump(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, line: str) -> "Assignment":
        """Read what `dump` wrote."""
        document = json.loads(line)
        return cls(**document | {"work": Work(**document["work"])})
