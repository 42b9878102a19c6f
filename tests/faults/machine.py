"""A company to which anything happens, in any order; Hypothesis chooses, and shortens what leads to a wrong book.

Everything runs in one thread and in a fixed order, so that the same steps come to the same end: requests are carried
one after another, a second worker's pass takes place while a request of the first one is away, and a worker dies by an
exception that nothing catches, whereupon its connections are closed.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
)

from batchctl import failpoint
from batchctl.db import Database
from batchctl.domain.limits import OrphanPolicy
from batchctl.failpoint import Failpoint
from batchctl.service.resend import resend
from batchctl.service.world import World
from batchctl.simulator.faults import fault_named, http_status
from batchctl.simulator.receiver import ANY_PATH
from batchctl.simulator.server import Request
from tests.faults.databases import Databases
from tests.faults.endings import end_quietly, heal, pass_of
from tests.faults.judge import judge
from tests.faults.money import Bought, Customer
from tests.faults.serial import SerialHttp
from tests.faults.shop import Shop
from tests.scenario import Company, at_work

PLACES = 3
"""Requests in flight at once: so many tasks are in doubt when a worker dies."""
SCRIPTS = {
    "fine": "",
    "slow": "polls=3",
    "fails": "fail=error",
    "busy": "submit=503 submit_times=1",
    "limited": "submit=429 submit_times=1 retry_after=100",
    "lost": "submit=reset accepted submit_times=1",
    "lost twice": "submit=reset accepted submit_times=2",
    "unread": "submit=reset submit_times=1",
    "strange": "poll=html poll_times=2",
    "linkless": "urlless=1",
    "refused": "submit=400",
}
"""How the provider may treat a task."""
GOOD = {"fine", "slow", "busy", "limited", "strange", "linkless"}
"""Scripts of tasks that end in a video unless something else befalls them."""
PROVIDER = ("well", "well", "away", "resets", "503", "429", "401", "html", "drained")
"""How the provider may be."""
RECEIVERS = ("well", "well", "500", "410", "302", "reset", "away")
"""How all receivers may be."""
OFTEN = ("db.before_commit", "db.after_commit", "http.before_connect", "http.after_send", "http.answer_begun")
"""Points to which a pass comes often."""
SELDOM = [str(point) for point in Failpoint if not point.startswith(("db.", "http.", "signal.", "adopt."))]
"""Points to which it comes once or twice."""


class Killed(BaseException):
    """A worker's death: nothing catches it, as nothing catches SIGKILL."""


@contextmanager
def _dying(at: str, nth: int) -> Iterator[None]:
    """Have whoever comes to a point for the n-th time die there."""
    with patch.object(failpoint, "FailpointError", Killed):
        failpoint.arm(f"{at}:{nth}:raise")
        try:
            yield
        finally:
            failpoint.arm("")


_SCRIPTS = st.lists(st.sampled_from(list(SCRIPTS)), min_size=1, max_size=5)
_PLAIN_SCRIPTS = st.lists(st.sampled_from(["fine", "slow"]), min_size=2, max_size=4)
_PRICES = st.sampled_from([10, 10, 10, 10, 10, 3, 0, None, -1])
_WAITS_S = st.sampled_from([0, 5, 5, 5, 16, 31, 61, 301, 601, 3600, 7201])
_DEATHS = st.tuples(st.sampled_from(OFTEN), st.integers(1, 8)) | st.tuples(st.sampled_from(SELDOM), st.just(1))


class Machine(RuleBasedStateMachine):
    """The company, its customers, and what may befall them."""

    customers: Bundle[Customer] = Bundle("customers")
    batches: Bundle[Bought] = Bundle("batches")
    unfinished: Bundle[Bought] = Bundle("unfinished")

    def __init__(self, databases: Databases) -> None:
        """Open the company."""
        super().__init__()
        self._databases = databases
        self._dsn = databases.take()
        self._stack = ExitStack()
        self.company: Company = self._stack.enter_context(at_work(self._dsn))
        self.company.limit(max_start_per_batch=4, webhook_quick_retries=1)
        number = next(databases.numbers)
        # Ids come from it, too, and must not be those of an earlier history.
        self.company.world = replace(self.company.world, random=Random(number))
        self.company.world = self._worker()
        self._other = self._worker()
        self.shop = Shop(self.company, number, SCRIPTS, GOOD)
        self._receivers_were_ill = False
        self._is_calm = True
        """Whether neither the provider nor a worker has failed so far."""

    def _worker(self) -> World:
        """Start a worker that does all in this thread."""
        return replace(
            self.company.world,
            db=self._stack.enter_context(closing(Database(self._dsn, self.company.clock.sleep))),
            provider_http=self._stack.enter_context(closing(SerialHttp(PLACES))),
            webhook_http=self._stack.enter_context(closing(SerialHttp(PLACES))),
        )

    @initialize(
        target=customers,
        policy=st.sampled_from(["fail", "resubmit"]),
        permanent=st.sampled_from([25, 100, 300]),
        bonus=st.sampled_from([15, 60]),
    )
    def open_shop(self, policy: str, permanent: int, bonus: int) -> MultipleResults[Customer]:
        """Choose what becomes of submissions of unknown fate, and give two customers credits."""
        self.company.limit(orphan_policy=OrphanPolicy(policy))
        self._other = replace(self._other, limits=self.company.world.limits)
        return multiple(self.shop.open_wallet(permanent, bonus, 1), self.shop.open_wallet(permanent, 0, 48))

    # What customers and other programs do

    @rule(target=batches, customer=customers, scripts=_SCRIPTS, price=_PRICES, veo_pro=st.integers(0, 2))
    def enqueue(self, customer: Customer, scripts: list[str], price: int | None, veo_pro: int) -> Bought:
        """Enqueue a batch; the first `veo_pro` tasks are not for bonus credits."""
        return self.shop.enqueue(customer, scripts, price=price, veo_pro=veo_pro)

    @rule(target=batches, customer=customers, scripts=_SCRIPTS)
    def enqueue_and_go_away(self, customer: Customer, scripts: list[str]) -> Bought:
        """Enqueue a batch of which nobody wants to hear."""
        return self.shop.enqueue(customer, scripts, told=False)

    @rule(target=batches, customer=customers, scripts=_PLAIN_SCRIPTS)
    def enqueue_one_too_many(self, customer: Customer, scripts: list[str]) -> Bought:
        """Enqueue a batch that has a task more than it says."""
        return self.shop.enqueue(customer, scripts, total=len(scripts) - 1)

    @rule(target=unfinished, customer=customers, scripts=_PLAIN_SCRIPTS)
    def enqueue_in_part(self, customer: Customer, scripts: list[str]) -> Bought:
        """Insert a batch and its first task, as applications do that use several transactions."""
        return self.shop.enqueue(customer, scripts, tasks=1)

    @rule(target=batches, batch=consumes(unfinished))
    def enqueue_the_rest(self, batch: Bought) -> Bought:
        """Insert the tasks that were missing."""
        self.shop.complete(batch)
        return batch

    @rule(customer=customers, amount=st.sampled_from([50, -5]))
    def sell_or_charge(self, customer: Customer, amount: int) -> None:
        """Let another program sell credits to a customer, or charge him for something else."""
        if amount > 0:
            self.shop.sell(customer, amount)
        else:
            self.shop.charge(customer, -amount)

    @rule(batch=batches)
    def touch(self, batch: Bought) -> None:
        """Let another program write to our rows."""
        self.shop.touch(batch)

    # What workers and operators do

    @rule(after_s=_WAITS_S)
    def run_pass(self, after_s: int) -> None:
        """Run a pass."""
        self.company.clock.advance(after_s)
        pass_of(self.company, self.company.world)

    @rule(after_s=_WAITS_S)
    def run_pass_of_another(self, after_s: int) -> None:
        """Run a pass of another worker."""
        self.company.clock.advance(after_s)
        pass_of(self.company, self._other)

    @rule(after_s=_WAITS_S, death=_DEATHS)
    def run_pass_and_die(self, after_s: int, death: tuple[str, int]) -> None:
        """Let a worker die in its pass, when it comes to a point for the n-th time."""
        self.company.clock.advance(after_s)
        with _dying(*death):
            try:
                pass_of(self.company, self.company.world)
            except Killed:
                self._is_calm = False
                self.company.world.db.close()
                self.company.world = self._worker()

    @rule(
        after_s=_WAITS_S,
        side=st.sampled_from(["provider", "receiver"]),
        nth=st.integers(1, 4),
        stall_s=st.sampled_from([0, 0, 400, 3700]),
    )
    def run_pass_and_be_overtaken(self, after_s: int, side: str, nth: int, stall_s: int) -> None:
        """Let another worker run a whole pass while the n-th request of this one is away, for how long that may be."""
        self.company.clock.advance(after_s)
        requests, errors = count(1), list[BaseException]()

        def overtake(_: Request) -> None:
            if next(requests) == nth:
                self._listen_no_more()
                self._is_calm &= not stall_s
                self.company.clock.advance(stall_s)
                try:
                    pass_of(self.company, self._other)
                except BaseException as error:  # noqa: BLE001 - raised again in the machine's own thread
                    errors.append(error)

        if side == "provider":
            self.company.when_asked = overtake
        else:
            self.company.when_told = overtake
        pass_of(self.company, self.company.world)
        self._listen_no_more()
        if errors:
            raise errors[0]

    def _listen_no_more(self) -> None:
        self.company.when_asked = self.company.when_told = lambda _: None

    @rule(batch=batches)
    def send_again(self, batch: Bought) -> None:
        """Let an operator send an event once more."""
        resend(self.company.world, [batch.batch_id], lambda: False)

    # What befalls them

    @rule(seconds=st.sampled_from([2, 61]))
    def set_clock_back(self, seconds: int) -> None:
        """Let the database's clock jump back."""
        self.shop.distrust_expiry()
        self.company.clock.advance(-seconds)

    @rule(how=st.sampled_from(PROVIDER))
    def provider_is(self, how: str) -> None:
        """Let every request to the provider meet a fault from now on, or none."""
        provider = self.company.provider
        provider.down = how == "resets"
        self._is_calm &= how == "well"
        heal(self.company)
        match how:
            case "well" | "resets":
                pass
            case "away":
                provider.stop()
            case "drained":
                provider.account = "insufficient credits"
            case word:
                provider.status = fault_named(word) if word == "html" else http_status(int(word))

    @rule(how=st.sampled_from(RECEIVERS))
    def receivers_are(self, how: str) -> None:
        """Let every receiver meet a fault from now on, or none."""
        receiver = self.company.receiver
        receiver.stop()
        receiver.script(ANY_PATH)
        if how not in {"well", "away"}:
            receiver.script(ANY_PATH, then=fault_named(how))
        if how != "away":
            receiver.start()
        self._receivers_were_ill |= how != "well"

    # What must hold

    def check_invariants(self, settings: Any, output: Any, runtimes: Any) -> None:
        """After each step nobody has less than all that he enqueued would leave him, nor more than he was given.

        It is no `invariant`, for those are printed between the steps.
        """
        super().check_invariants(settings, output, runtimes)
        for customer in self.shop.customers:
            assert customer.least() <= sum(self.company.wallet(customer.user_id)) <= customer.given

    def teardown(self) -> None:
        """Heal everything, end quietly, and judge; after a step that failed only clear away."""
        if sys.exc_info()[1] is not None:
            self._stack.__exit__(*sys.exc_info())
            return
        with self._stack:
            self.provider_is("well")
            self.receivers_are("well")
            end_quietly(self.company, self._other, step_s=61)
            judge(self.company, self.shop, is_calm=self._is_calm, receivers_were_ill=self._receivers_were_ill)
        self._databases.give_back(self._dsn)
