"""The receiver's page does what it says: its code takes a real delivery, and refuses forged, foreign and old ones."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from batchctl.domain.backoff import WEBHOOK_SLOW_WAITS_S
from batchctl.domain.limits import Limits
from batchctl.service import endpoint
from batchctl.settings import Settings
from batchctl.simulator.journal import Received
from tests.scenario import SECRET, Company

PAGE = (Path(__file__).parents[1] / "docs/receiver.md").read_text("utf-8")
BLOCKS: dict[str, list[str]] = {
    language: re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for language in ("python", "js")
}
NEEDS_NODE = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here to run its examples with")


class Case(NamedTuple):
    """A request, the secret that its receiver knows, and what the two headers are worth."""

    secret: str
    headers: Mapping[str, str]
    body: bytes
    standard: bool
    by_hex: bool


def delivered(company: Company, *, age_s: int = 0) -> Received:
    """Return a real delivery as its receiver got it, so many seconds old."""
    real, then = company.clock.now, datetime.now(UTC) - timedelta(seconds=age_s)  # noqa: TID251 - the examples look at the real time
    batch_id = company.enqueue(uuid4(), 1)
    company.sql("update batch_jobs set created_at = created_at - interval '1 hour' where id = %s", batch_id)
    company.clock.now = then
    company.run_pass()
    company.clock.now = max(real, then)
    return company.receiver.journal.entries[-1]


@pytest.fixture
def cases(company: Company) -> list[Case]:
    """Give real deliveries, signed with the default secret and with two of a customer's own, and what forgers send."""
    default, old = delivered(company), delivered(company, age_s=400)
    user_id, url = uuid4(), f"{company.receiver.base_url}/own"
    first = endpoint.add(company.world, user_id, url, None)
    second = endpoint.rotate(company.world, first.endpoint.id, None, company.clock.now + timedelta(days=1))
    secrets = str(first.secret), str(second.secret)
    company.receiver.know("/own", *secrets)
    company.enqueue(user_id, 1, webhook=url)
    company.clock.now = datetime.now(UTC)  # noqa: TID251 - the examples look at the real time
    company.run_pass()
    own = company.receiver.journal.entries[-1]
    forged = default.body.replace(b'"failed_count":1', b'"failed_count":0')
    assert forged != default.body
    return [
        Case(SECRET, default.headers, default.body, standard=True, by_hex=True),
        Case(SECRET, old.headers, old.body, standard=False, by_hex=True),
        Case(SECRET, default.headers, forged, standard=False, by_hex=False),
        Case(SECRET, default.headers, default.body + b"\n", standard=False, by_hex=False),
        Case("another", default.headers, default.body, standard=False, by_hex=False),
        Case(SECRET, {**default.headers, "webhook-id": str(uuid4())}, default.body, standard=False, by_hex=True),
        Case(SECRET, dict.fromkeys(default.headers, "1"), default.body, standard=False, by_hex=False),
        Case(secrets[0], own.headers, own.body, standard=True, by_hex=True),
        Case(secrets[1], own.headers, own.body, standard=True, by_hex=False),
        Case(SECRET, own.headers, own.body, standard=False, by_hex=False),
    ]


def test_page_has_code_for_both_headers_in_both_languages() -> None:
    """Two blocks each, of six to ten lines."""
    assert {language: len(blocks) for language, blocks in BLOCKS.items()} == {"python": 2, "js": 2}
    for blocks in BLOCKS.values():
        assert all(len([line for line in block.splitlines() if line]) <= 10 for block in blocks)


def test_python(cases: list[Case]) -> None:
    """Each block by itself judges as it should."""
    judges: list[Any] = []
    for block in BLOCKS["python"]:
        names: dict[str, Any] = {}
        exec(block, names)  # noqa: S102 - the text of the page is what is tested
        judges.append(next(value for name, value in names.items() if name.startswith("is_genuine")))
    standard, by_hex = judges
    for case in cases:
        assert standard(case.secret, case.headers, case.body) is case.standard, case
        assert by_hex(case.secret, case.headers, case.body) is case.by_hex, case


@NEEDS_NODE
@pytest.mark.parametrize(("number", "name"), [(0, "isGenuine"), (1, "isGenuineByHex")])
def test_node(cases: list[Case], number: int, name: str) -> None:
    """And so does each in Node."""
    given = json.dumps([[case.secret, dict(case.headers), case.body.decode()] for case in cases])
    judge = f"console.log(JSON.stringify({given}.map(([s, h, b]) => {name}(s, h, Buffer.from(b)))))"
    judged = subprocess.run(
        ["node", "-e", f"{BLOCKS['js'][number]}\n{judge}"],  # noqa: S607 - whichever node is there
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert json.loads(judged) == [case.by_hex if number else case.standard for case in cases]


def test_page_tells_the_event_and_its_headers(company: Company) -> None:
    """The body's keys in their order, and every header that is ours to set."""
    entry = delivered(company)
    (example,) = re.findall(r"^```json\n(.*?)\n```$", PAGE, re.DOTALL | re.MULTILINE)
    assert list(json.loads(example)) == list(json.loads(entry.body))
    named = set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE))
    carriers = {"host", "accept", "accept-encoding", "connection", "content-length", "user-agent"}
    assert {name.lower() for name in entry.headers} - carriers == named


def test_page_tells_the_schedule() -> None:
    """The waits and the time-out are those of the settings' defaults."""
    minutes = [round(wait_s / 60) for wait_s in WEBHOOK_SLOW_WAITS_S]
    told = f"{minutes[0]} min, {minutes[1]} min, " + ", ".join(str(minute // 60) for minute in minutes[2:-1])
    flat = " ".join(PAGE.split())
    assert f"{told} and {minutes[-1] // 60} h after the try before" in flat
    assert Limits().webhook_quick_retries == 3
    assert "after 0.5, 1.5 and 3.5 s" in flat
    assert Settings.model_fields["webhook_timeout_ms"].default == 5000
    assert "longer than 5 s (ENTERPRISE_WEBHOOK_TIMEOUT_MS)" in flat
