"""One task at the simulated provider: what a question about it is answered, question by question."""

from dataclasses import dataclass
from typing import Any

from batchctl.simulator.faults import Fault
from batchctl.simulator.script import End, Script


@dataclass(slots=True, kw_only=True)
class Task:
    """An accepted task. Not safe to use from several threads; the provider holds its lock."""

    remote_id: str
    script: Script
    is_veo: bool
    """Veo gives its link as `url`, Sora as `results[0].url` (contract §4)."""
    asked: int = 0
    """Questions so far, those that met a fault included."""
    answered: int = 0
    """Questions that got the task's own answer."""

    def meet(self) -> Fault | None:
        """Count one more question and return the fault that it meets, if any."""
        self.asked += 1
        return within(self.script.poll_fault, self.asked, self.script.poll_times)

    def report(self) -> dict[str, Any]:
        """Return the `data` of the next answer, without counting it as given."""
        number, script = self.answered + 1, self.script
        if script.end is End.NEVER or number < script.polls:
            return self._data(script.running_status, self._running_progress(number))
        if self._fails(number):
            return self._data(script.status or "failed", 100, failure_reason=script.failure_reason, error=script.error)
        link = f"https://simulator.example/{self.remote_id}.mp4" if script.video_url is None else script.video_url
        if number < script.polls + script.urlless_polls:
            link = ""
        return self._data(script.status or "succeeded", 100, link=link)

    def tell(self, data: dict[str, Any]) -> tuple[bool, str | None]:
        """Count a report as given; return whether it is the first one of the end, and the link it has."""
        self.answered += 1
        ended = self.script.end is not End.NEVER and self.answered == max(self.script.polls, 1)
        return ended, _link_in(data)

    def _fails(self, number: int) -> bool:
        """Say whether the number-th answer tells a failure, as the script has it or the other way round."""
        is_other_end = self.script.flips and (number - max(self.script.polls, 1)) % 2 == 1
        return (self.script.end is End.FAIL) != is_other_end

    def _running_progress(self, number: int) -> int | float | str | None:
        """Return the progress of the number-th answer: as scripted, else rising towards, never reaching, 100."""
        if self.script.progress:
            return self.script.progress[min(number, len(self.script.progress)) - 1]
        return min(99, 100 * number // max(self.script.polls, number + 1))

    def _data(
        self,
        status: str | None,
        progress: float | str | None,
        *,
        link: str = "",
        failure_reason: str = "",
        error: str = "",
    ) -> dict[str, Any]:
        video: dict[str, Any] = {"url": link}
        if not self.is_veo:
            pid = f"s_{self.remote_id}"
            video = {"results": [{"url": link, "removeWatermark": True, "pid": pid}] if link else []}
        return {
            "id": self.remote_id,
            **video,
            "progress": progress,
            "status": status,
            "failure_reason": failure_reason,
            "error": error,
        }


def _link_in(data: dict[str, Any]) -> str | None:
    """Return the link of a report, None when it has none."""
    results = data.get("results") or [{"url": data.get("url")}]
    return results[0]["url"] or None


def within(fault: Fault | None, number: int, times: int | None) -> Fault | None:
    """Return the fault while the number-th request is one of the first `times`; None means all of them."""
    return fault if times is None or number <= times else None


def acceptance(remote_id: str, id_at: str) -> dict[str, Any]:
    """Return the answer to an accepted submission, the id where `id_at` says (contract §4); data.id if unknown."""
    match id_at:
        case "id" | "task_id":
            return {"code": 0, "msg": "success", id_at: remote_id}
        case "data.task_id":
            return {"code": 0, "msg": "success", "data": {"task_id": remote_id}}
        case _:
            return {"code": 0, "msg": "success", "data": {"id": remote_id}}
