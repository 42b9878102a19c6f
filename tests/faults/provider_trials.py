"""Trials of a provider that does wrong: each lets tasks meet faults, heals the provider, and judges how they ended."""

import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from batchctl.gateways.http import ThreadedHttp
from batchctl.simulator.faults import fault_named, http_status
from batchctl.simulator.provider import SimulatedProvider
from batchctl.simulator.server import Request
from tests.faults.endings import LATE, LOST, OK, End, Expected, end_quietly, failed, heal, judge, pass_of
from tests.faults.ground import Ground
from tests.faults.network import (
    ELSEWHERE_PEM,
    EXPIRED_PEM,
    HOST,
    LOOPBACK,
    NO_SUCH_NAME,
    STRANGER_PEM,
    Names,
    client,
    port_of,
    showing,
)
from tests.faults.provider_faults import ACCOUNT, FAMILIES, PROVIDER_FAULTS, SLOW
from tests.faults.trial import Kinds
from tests.gateways.scripted import TRUSTED_PEM
from tests.scenario import PLACES, Company

SLOW_TIMEOUT_MS = 1200
"""Of a request to the provider that may hang; far longer than an answer on loopback takes."""
MAX_POLL_COUNT = 6
BYSTANDER_S = 16
"""When tasks beside a fault have ended: at their first poll, after 5 s, or on a busy machine at the next one."""


def fault_trial(company: Company, *names: str) -> None:
    """Let tasks meet faults, each of a customer of its own, while others' go on; heal, end, and judge."""
    expected = _ready(company, 5000 if {*names}.isdisjoint(FAMILIES[SLOW]) else SLOW_TIMEOUT_MS)
    for name in names:
        victim = company.customer(permanent=100)
        for directive, end in PROVIDER_FAULTS[name].directives():
            beside = expected.prompt("beside", "", OK)
            company.enqueue(victim, [expected.prompt(name, directive, end), beside])
    other = company.enqueue(company.customer(bonus=100), [expected.prompt("bystander", "", OK) for _ in range(2)])
    began = company.clock.now

    end_quietly(company)

    judge(company, expected)
    if {*names}.isdisjoint(FAMILIES[ACCOUNT]):  # Then the provider is not asked for a while (contract §4).
        assert company.batch(other).completed_at - began <= timedelta(seconds=BYSTANDER_S)
    sent = Counter(one.prompt for one in company.provider.journal.submissions)
    again = [prompt for prompt, end in expected.ends.items() if end in {LATE, LOST} and sent[prompt] > 1]
    assert again == [], "sent again, though nobody knows whether it was accepted"


def _ready(company: Company, timeout_ms: int) -> Expected:
    """Set a company's limits for a trial."""
    fault_named("gzip_bomb")  # It is made once, which takes longer than an answer may.
    company.talk_to_provider(timeout_ms=timeout_ms)
    company.limit(max_poll_count=MAX_POLL_COUNT, max_start_per_batch=20, max_claim=200, max_poll=200, max_settle=200)
    return Expected()


FAULTY = 0.65
"""So many submissions meet a fault, and so many results: one in ten for each of ten kinds."""
ALONE = {"id a number", "code -22, old", "code -22, young", "code -1, balance", *FAMILIES[ACCOUNT]}
"""Not for several customers at once: two tasks must not get one id, and the others then speak of the provider."""


def mixed_trial(company: Company, random: Random, task_count: int) -> None:
    """Let most tasks meet faults of any kind, and the whole provider be ill now and then; heal, end, and judge."""
    expected = _ready(company, SLOW_TIMEOUT_MS)
    directives = [pair for name, fault in PROVIDER_FAULTS.items() if name not in ALONE for pair in fault.directives()]
    for user_id in (company.customer(permanent=10 * task_count) for _ in range(5)):
        left = task_count // 5
        while left:
            size = min(random.randint(1, 25), left)
            company.enqueue(user_id, [_mixed_prompt(random, directives, expected) for _ in range(size)])
            left -= size
    for _ in range(8):
        _fall_ill(company, random)
        company.run_pass()
        company.clock.advance(random.choice([0, 1, 5, 16, 70]))
    heal(company)
    with company.other_worker() as other:
        end_quietly(company, other, step_s=45)
    judge(company, expected)


def _mixed_prompt(random: Random, directives: Sequence[tuple[str, End]], expected: Expected) -> str:
    """Return a prompt that meets, by chance, a fault of submissions and one of results; the first failure counts."""
    of_submissions = [pair for pair in directives if pair[0].startswith("submit=")]
    of_results = [pair for pair in directives if pair not in of_submissions]
    chosen = [random.choice(group) for group in (of_submissions, of_results) if random.random() < FAULTY]
    if all("code " in words for words, _ in chosen):  # A directive has one code and one msg.
        chosen = chosen[:1]
    end = next((end for _, end in chosen if end != OK), OK)
    return expected.prompt("mixed", " ".join(words for words, _ in chosen), end)


ILLNESSES = (http_status(429, retry_after="3"), http_status(425), http_status(408))
"""What every request may meet for a while; none of these fails a task, however often."""


def _fall_ill(company: Company, random: Random) -> None:
    """Begin or end an outage of the whole provider."""
    heal(company)
    match random.randrange(10):
        case 0:
            company.provider.stop()
        case 1:
            company.provider.account = "insufficient credits"
        case 2 | 3:
            company.provider.status = random.choice(ILLNESSES)
        case _:
            pass


@dataclass(slots=True, kw_only=True)
class Uplink:
    """The way to a provider that speaks HTTPS under a name of its own."""

    provider: SimulatedProvider
    names: Names
    tls: ssl.SSLContext

    def lose_name(self) -> None:
        """Have look-ups of the name fail."""
        self.names.answer = NO_SUCH_NAME

    def hang_name(self) -> None:
        """Have look-ups of the name take too long."""
        self.names.answer = TimeoutError()

    def heal(self) -> None:
        """Have everything as it should be."""
        self.names.answer = (LOOPBACK,)
        self.tls.load_cert_chain(TRUSTED_PEM)
        self.provider.down = False
        self.provider.stop()
        self.provider.start()


OUTAGES: dict[str, Callable[[Uplink], object]] = {
    "nobody listens": lambda uplink: uplink.provider.stop(),
    "the name is lost": Uplink.lose_name,
    "the name server hangs": Uplink.hang_name,
    "the certificate has expired": lambda uplink: uplink.tls.load_cert_chain(EXPIRED_PEM),
    "the certificate is a stranger's": lambda uplink: uplink.tls.load_cert_chain(STRANGER_PEM),
    "the certificate is another's": lambda uplink: uplink.tls.load_cert_chain(ELSEWHERE_PEM),
    "requests are reset": lambda uplink: setattr(uplink.provider, "down", True),
}
"""What may keep all requests from an answer."""


def outage_trial(company: Company, name: str) -> None:
    """Let an outage begin when some tasks are sent and others are not, and last for an hour; heal, end, and judge."""
    tls, names = showing(TRUSTED_PEM), Names(LOOPBACK)
    with SimulatedProvider(api_key="sk-test", tls=tls) as company.provider, ExitStack() as stack:
        uplink = Uplink(provider=company.provider, names=names, tls=tls)
        company.talk_to_provider(host=f"https://{HOST}:{port_of(company.provider.base_url)}")
        _start_anew(company, stack, names)
        expected = Expected()
        customers = [company.customer(permanent=30) for _ in range(2)]
        company.enqueue(customers[0], [expected.prompt("sent before", "", OK) for _ in range(3)])
        company.run_pass()
        OUTAGES[name](uplink)
        _start_anew(company, stack, names)
        is_sent = name == "requests are reset"
        company.enqueue(customers[1], [expected.prompt("enqueued then", "", LOST if is_sent else OK) for _ in range(3)])
        for _ in range(12):
            company.clock.advance(301)
            found = {finding.exit_code for finding in company.run_pass().findings}
            assert found == (set() if is_sent else {69}), "an unreachable provider is said, and only that"
        assert company.wallet(customers[0]) == (0, 0), "refunded, though nothing is lost"
        assert {row.n for row in company.sql("select submit_errors + poll_count as n from video_tasks")} == {0}
        uplink.heal()
        end_quietly(company)
        judge(company, expected)


def _start_anew(company: Company, stack: ExitStack, names: Names) -> None:
    """Have the worker open new connections, as one does that cron starts."""
    company.world = replace(company.world, provider_http=stack.enter_context(client(PLACES, names)))


def overlap_trial(company: Company, *, fails_first: bool) -> None:
    """Let two workers ask about one task, of which one hears success and the other failure; the first to write wins."""
    end = failed("unknown", "broken") if fails_first else OK
    expected = Expected()
    directive = "flips fail=error error=broken" if fails_first else "flips"
    batch_id = company.enqueue(company.customer(permanent=10), [expected.prompt("flips", directive, end)])
    company.run_pass()
    company.clock.advance(5)
    with company.other_worker() as other:

        def overtake(_: Request) -> None:
            company.when_asked = lambda _: None
            company.clock.advance(3601)
            pass_of(company, other)

        company.when_asked = overtake
        company.run_pass()
    assert company.batch(batch_id).status == ("failed" if fails_first else "completed")
    assert [polled.ended for polled in company.provider.journal.polls] == [True, False]
    end_quietly(company)
    judge(company, expected)


def same_id_trial(company: Company) -> None:
    """Let the provider give two tasks one id: one has it, the other is shown to an operator, who gives it back."""
    expected = Expected()
    directive = "remote_id=one-for-two"
    prompts = [expected.prompt("first", directive, OK), expected.prompt("second", directive, LATE)]
    with closing(ThreadedHttp(1)) as one_place:  # So that the first is the first.
        company.world = replace(company.world, provider_http=one_place)
        batch_id = company.enqueue(company.customer(permanent=20), prompts)
        (finding,) = company.run_pass().findings
        held = company.tasks(batch_id)[1]
        assert str(held.id) in finding.message
        assert "one-for-two" in held.hold_reason
        company.sql("update video_tasks set hold_reason = null where id = %s", held.id)
        end_quietly(company)
        judge(company, expected)


def late_trial(company: Company) -> None:
    """Let results come after the limit of polls: they are kept, and neither charge nor change anything."""
    company.limit(max_poll_count=3)
    error = "MAX_POLL_COUNT_REACHED:3"
    expected = Expected()
    prompt = expected.prompt("late", "polls=4", failed("timeout", error))
    customer = company.customer(permanent=20)
    company.enqueue(customer, [prompt, expected.prompt("in time", "polls=3", OK)])
    end_quietly(company)
    assert company.wallet(customer) == (10, 0)
    company.clock.advance(601)
    assert company.run_pass().poll.late_results == 1
    (sent,) = (one for one in company.provider.journal.accepted if one.prompt == prompt)
    (kept,) = company.sql("select grsai_task_id, video_url from late_results")
    assert sent.remote_id == kept.grsai_task_id
    assert company.provider.journal.delivered()[kept.grsai_task_id] == kept.video_url
    judge(company, expected)


def _alone(ground: Ground, seed: int) -> None:
    with ground.company() as company:
        fault_trial(company, [*PROVIDER_FAULTS][seed % len(PROVIDER_FAULTS)])


def _mixed(ground: Ground, seed: int, task_count: int) -> int:
    with ground.company() as company:
        mixed_trial(company, Random(seed), task_count)
        return len(company.provider.journal.entries)


def _outage(ground: Ground, seed: int) -> None:
    with ground.company() as company:
        outage_trial(company, [*OUTAGES][seed % len(OUTAGES)])


def _verdict(ground: Ground, seed: int) -> None:
    trials: tuple[Callable[[Company], None], ...] = (
        lambda company: overlap_trial(company, fails_first=True),
        lambda company: overlap_trial(company, fails_first=False),
        same_id_trial,
        late_trial,
    )
    with ground.company() as company:
        trials[seed % len(trials)](company)


KINDS: Kinds = {
    "provider fault": _alone,
    "provider faults mixed": lambda ground, seed: _mixed(ground, seed, 1000 if seed % 20 == 0 else 120),
    "provider outage": _outage,
    "provider verdicts": _verdict,
}
