"""How a contestant's process and the runner talk: one line each way on the standard streams."""

import asyncio
import sys

READY, GO, DONE, END = "ready", "go", "done", "end"


class Stage:
    """The contestant's side. Nothing before `go` and nothing after `done` is on the clock."""

    def ready(self) -> None:
        """Say that everything is imported, connected and enqueued, and wait for the signal."""
        self._say(READY, GO)

    def done(self) -> None:
        """Say that all work is done, and wait until the runner has looked at this process."""
        self._say(DONE, END)

    async def get_ready(self) -> None:
        """Do what `ready` does without holding up the event loop."""
        await asyncio.to_thread(self.ready)

    async def be_done(self) -> None:
        """Do what `done` does without holding up the event loop."""
        await asyncio.to_thread(self.done)

    @staticmethod
    def _say(word: str, answer: str) -> None:
        print(word, flush=True)
        if sys.stdin.readline().strip() != answer:
            sys.exit(f"the runner is gone: it should have said {answer!r}")
