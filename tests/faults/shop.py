"""The other programs of a company: they sell credits, enqueue batches and write to their rows, as they always did."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from itertools import count
from uuid import UUID

from tests.faults.money import Bought, Customer
from tests.scenario import Company


class Shop:
    """Writes to one company's database, and notes for the model what it sold."""

    def __init__(self, company: Company, number: int, scripts: Mapping[str, str], good: AbstractSet[str]) -> None:
        """Make ids that begin with this number, so that those of several shops never meet.

        `scripts` are directives by name; tasks with the `good` ones succeed, if nothing else befalls them.
        """
        self._company = company
        self._scripts = scripts
        self._good = good
        self._ids = count(number << 64)
        self.customers: list[Customer] = []

    def open_wallet(self, permanent: int, bonus: int, bonus_hours: float) -> Customer:
        """Give a new customer credits; the bonus ones expire."""
        user_id = self._new_id()
        until = self._company.clock.now + timedelta(hours=bonus_hours)
        self._company.sql(
            "insert into credit_wallet (user_id, permanent_credits, bonus_credits, bonus_expires_at)"
            " values (%s, %s, %s, %s)",
            user_id,
            permanent,
            bonus,
            until,
        )
        for kind, amount in (("purchase", permanent), ("bonus_grant", bonus)):
            self._note(user_id, kind, amount)
        customer = Customer(user_id=user_id, permanent=permanent, given=permanent + bonus, bonus_until=until)
        self.customers.append(customer)
        return customer

    def sell(self, customer: Customer, amount_credits: int) -> None:
        """Sell a customer credits."""
        self._move(customer, "purchase", amount_credits)
        customer.given += amount_credits

    def charge(self, customer: Customer, amount_credits: int) -> None:
        """Charge a customer for something else, if he has so many permanent credits."""
        if self._company.wallet(customer.user_id)[0] >= amount_credits:
            self._move(customer, "spend", -amount_credits)
            customer.given -= amount_credits
            customer.taken += amount_credits

    def enqueue(
        self,
        customer: Customer,
        scripts: Sequence[str],
        *,
        price: int | None = 10,
        total: int | None = None,
        veo_pro: int = 0,
        told: bool = True,
        tasks: int | None = None,
    ) -> Bought:
        """Insert a batch, and its tasks or the first few of them; `veo_pro` of them are not for bonus credits."""
        batch_id, now = self._new_id(), self._company.clock.now
        prompts = [f"{batch_id} {number} [sim: {self._scripts[name]}]" for number, name in enumerate(scripts)]
        there = len(prompts) if tasks is None else tasks
        is_bonus_valid = customer.bonus_until > now
        bought = Bought(
            batch_id=batch_id,
            price=price,
            total=len(prompts) if total is None else total,
            prompts=prompts[:there],
            missing=prompts[there:],
            good={prompt for prompt, name in zip(prompts, scripts, strict=True) if name in self._good},
            bonus_limit=max(price or 0, 0) * max(len(prompts) - veo_pro, 0) if is_bonus_valid else 0,
            is_told=told,
        )
        customer.batches.append(bought)
        self._company.sql(
            "insert into batch_jobs (id, user_id, status, total_count, cost_per_video, webhook_url, created_at)"
            " values (%s, %s, 'queued', %s, %s, %s, %s)",
            batch_id,
            customer.user_id,
            bought.total,
            price,
            f"{self._company.receiver.base_url}/hook/{batch_id}" if told else None,
            now,
        )
        self._insert_tasks(customer, bought, bought.prompts, veo_pro=veo_pro)
        return bought

    def distrust_expiry(self) -> None:
        """Say that the clock was set back, so that bonus credits which had expired may be valid again."""
        for customer in self.customers:
            for bought in customer.batches:
                bought.bonus_limit = None

    def complete(self, bought: Bought) -> None:
        """Insert the tasks that are missing, unless the batch was given up meanwhile."""
        (row,) = self._company.sql("select status from batch_jobs where id = %s", bought.batch_id)
        if row.status == "queued":
            customer = next(one for one in self.customers if bought in one.batches)
            self._insert_tasks(customer, bought, bought.missing, first=len(bought.prompts))
            bought.prompts += bought.missing
        bought.missing = []

    def touch(self, bought: Bought) -> None:
        """Write to a batch and its tasks without a change that matters."""
        now = self._company.clock.now
        self._company.sql("update batch_jobs set updated_at = %s where id = %s", now, bought.batch_id)
        self._company.sql("update video_tasks set updated_at = %s where batch_job_id = %s", now, bought.batch_id)

    def _insert_tasks(
        self, customer: Customer, bought: Bought, prompts: Sequence[str], *, first: int = 0, veo_pro: int = 0
    ) -> None:
        for index, prompt in enumerate(prompts):
            self._company.sql(
                "insert into video_tasks (id, user_id, batch_job_id, batch_index, prompt, model, created_at)"
                " values (%s, %s, %s, %s, %s, %s, %s)",
                self._new_id(),
                customer.user_id,
                bought.batch_id,
                first + index,
                prompt,
                "veo-pro" if index < veo_pro else "sora-2",
                self._company.clock.now,
            )

    def _move(self, customer: Customer, kind: str, amount: int) -> None:
        with self._company.conn.transaction():
            self._company.sql(
                "update credit_wallet set permanent_credits = permanent_credits + %s where user_id = %s",
                amount,
                customer.user_id,
            )
            self._note(customer.user_id, kind, amount)

    def _note(self, user_id: UUID, kind: str, amount: int) -> None:
        if amount:
            self._company.sql(
                "insert into credit_ledger (user_id, type, credits_delta) values (%s, %s, %s)", user_id, kind, amount
            )

    def _new_id(self) -> UUID:
        return UUID(int=next(self._ids))
