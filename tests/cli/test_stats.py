"""`batchctl stats failures`: its options, its pages, its document, its exit codes."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.cli.conftest import Shell
from tests.scenario import Company

TYPES = ["model_error", "param_error", "timeout", "network", "unknown"]
COMPARED = "FAILED\tSHARE\tRATE\tBEFORE\tWAS\tCHANGE\tREFUNDED\tBAR"
HEADINGS = f"TYPE\t{COMPARED}\tTREND"


@pytest.fixture
def until(company: Company) -> str:
    """Have one batch of three end, refuse another, and say when that is over: this clock is ahead of the real one."""
    company.enqueue(
        company.customer(permanent=100), ["fine", "[sim: submit=400]", "[sim: fail=output_moderation error=bad]"]
    )
    company.enqueue(uuid4(), 2)
    company.run_until_quiet()
    return (company.clock.now + timedelta(seconds=1)).isoformat()


def test_page_for_a_pipe(office: Shell, until: str) -> None:
    """Without a terminal the usual page is tables parted by tabs, on stdout alone."""
    ran = office.run("stats", "failures", "--until", until)
    assert (ran.code, ran.err) == (0, "")
    headline, types, reasons, samples, refused, because = ran.out.rstrip("\n").split("\n\n")
    assert headline.split("\n")[1] == "3 tasks finished, 2 failed (66.7%), 20 credits given back"
    assert types.split("\n")[0] == HEADINGS
    assert types.split("\n")[1].startswith("model_error\t1\t50.0%\t33.3%\t0\t–\t–\t10\t████████\t▁")  # noqa: RUF001 - a dash as wide as a digit
    assert [line.split("\t")[0] for line in types.split("\n")[1:]] == TYPES
    assert reasons.split("\n")[0].startswith("PROVIDER'S REASON\tFAILED")
    assert "\tbad" in samples
    assert refused == "2 tasks of refused or cancelled batches were not started: they are in no rate"
    assert because.split("\n")[1] == "2\tWALLET_NOT_FOUND"


@pytest.mark.parametrize(
    ("view", "heading"),
    [
        ("type", HEADINGS),
        ("model", f"MODEL\tFINISHED\t{COMPARED}"),
        ("reason", f"PROVIDER'S REASON\t{COMPARED}"),
        ("customer", f"CUSTOMER\tFINISHED\t{COMPARED}"),
        ("hour", "HOUR\tFAILED\tRATE\tMODEL\tPARAM\tTIMEOUT\tNETWORK\tUNKNOWN"),
        ("day", "DAY\tFAILED\tRATE\tMODEL\tPARAM\tTIMEOUT\tNETWORK\tUNKNOWN"),
    ],
)
def test_one_view(office: Shell, until: str, view: str, heading: str) -> None:
    """With --by there is one table, and what stands apart."""
    ran = office.run("stats", "failures", "--until", until, "--by", view)
    assert ran.code == 0
    _, table, *apart = ran.out.rstrip("\n").split("\n\n")
    assert table.split("\n")[0] == heading
    assert len(apart) == 2


def test_document_has_all_that_the_pages_show(office: Shell, until: str) -> None:
    """--json is one document with every number, whatever view is asked for; --by day divides its trend into days."""
    ran = office.run("stats", "failures", "--until", until, "--json")
    assert (ran.code, ran.err) == (0, "")
    document = ran.document
    assert next(iter(document.items())) == ("schema", "batchctl/stats.failures/1")
    assert set(document) == {
        *("schema", "since", "until", "batch_ids", "finished", "succeeded", "failed", "rate", "credits_refunded"),
        *("user_id", "model", "before"),
        *("by_type", "by_model", "by_reason", "by_customer", "bucket_seconds", "trend", "samples"),
        *("not_started", "not_started_by_reason", "left_out", "late_results"),
    }
    assert (document["succeeded"], document["failed"], document["rate"]) == (1, 2, 2 / 3)
    assert [one["key"] for one in document["by_type"]] == TYPES
    assert document["by_model"] == [
        {"key": "sora-2", "failed": 2, "finished": 3, "share": 1.0, "rate": 2 / 3, "credits_refunded": 20}
        | {"failed_before": 0, "finished_before": 0, "rate_before": None}
    ]
    assert {one["key"]: one["failed"] for one in document["by_reason"]} == {None: 1, "output_moderation": 1}
    assert document["not_started_by_reason"] == [{"reason": "WALLET_NOT_FOUND", "count": 2}]
    assert (document["not_started"], document["late_results"], document["bucket_seconds"]) == (2, 0, 3600)
    assert set(document["left_out"]) == {"model", "reason", "customer", "error", "not started"}
    assert len(document["trend"]) in {24, 25}
    assert sum(bucket["failed"] for bucket in document["trend"]) == 2
    assert all(bucket["start"].endswith(":00:00Z") for bucket in document["trend"])
    assert document["trend"][0]["by_type"]["timeout"] == 0
    assert {one["error"]: one["count"] for one in document["samples"]}["bad"] == 1
    days = office.run("stats", "failures", "--until", until, "--by", "day", "--json").document
    assert (days["bucket_seconds"], days["by_type"]) == (86400, document["by_type"])
    assert {day["start"][10:] for day in days["trend"]} == {"T00:00:00Z"}


def test_batches_are_named_by_their_beginnings(office: Shell, company: Company, until: str) -> None:
    """--batch may be repeated, and takes as much of an id as tells it from the others."""
    ids = [str(row.id) for row in company.sql("select id from batch_jobs order by total_count desc")]
    one = office.run("stats", "failures", "--until", until, "--batch", ids[0][:8], "--json").document
    assert (one["batch_ids"], one["failed"], one["not_started"]) == ([ids[0]], 2, 0)
    both = office.run("stats", "failures", "--until", until, "--batch", ids[0], "--batch", ids[1], "--json").document
    assert (both["batch_ids"], both["failed"], both["not_started"]) == (ids, 2, 2)


def test_empty_window_is_said_in_words(office: Shell, until: str) -> None:
    """Where nothing finished that is said, and is no error."""
    del until
    window = ("--since", "2020-01-01T00:00+00:00", "--until", "2020-01-02T00:00+00:00")
    ran = office.run("stats", "failures", *window)
    assert (ran.code, ran.err, ran.out.count("\n")) == (0, "", 2)
    assert ran.out.endswith("no task finished\n")
    document = office.run("stats", "failures", *window, "--json").document
    assert (document["finished"], document["rate"], document["samples"], len(document["trend"])) == (0, None, [], 24)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "1h", "--until", "2h"], "the window must end after it begins"),
        (["--since", "soon"], "'soon' is no time"),
        (["--batch", "zz"], "'zz' is no batch"),
        (["--by", "colour"], "'colour'"),
        (["--model", "sora\0"], "--model must be text"),
        (["--model", "\udcff"], "--model must be text"),
    ],
)
def test_wrong_usage_is_two(office: Shell, options: list[str], said: str) -> None:
    """What means nothing ends with 2 and a line on stderr, and no data (contract §6)."""
    ran = office.run("stats", "failures", *options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_hostile_texts_do_nothing(office: Shell, company: Company, until: str) -> None:
    """Escape sequences in a model, a reason and an error reach neither the page nor the document as such."""
    hostile = "[red]\x1b]0;owned\x07\u202e模型\n🎬" + "x" * 1_000_000
    company.sql(
        "update video_tasks set model = %s, failure_reason = %s, error_message = %s where status = 'failed'",
        *[hostile] * 3,
    )
    for options in (["--json"], [], ["--by", "model"]):
        ran = office.run("stats", "failures", "--until", until, *options)
        assert ran.code == 0
        assert "\x1b" not in ran.out
        assert "\u202e" not in ran.out
        assert len(ran.out) < 20_000
    company.sql(
        "update video_tasks as t set error_message = coalesce(b.last_error, 'x') from batch_jobs as b"
        " where t.batch_job_id = b.id and t.status = 'failed'"
    )


def test_schema_that_is_not_migrated_is_seventy_eight(shell: Shell, empty_dsn: str) -> None:
    """Before `migrate` there is nothing to count, and that is said."""
    ran = shell.run("stats", "failures", BATCHCTL_DATABASE_URL=empty_dsn)
    assert (ran.code, ran.out) == (78, "")
    assert "run `batchctl migrate`" in ran.err


def test_cuts_name_a_customer_and_a_model(office: Shell, company: Company, until: str) -> None:
    """--user and --model leave out all others, and the page says so."""
    ((user_id,),) = company.sql("select user_id from batch_jobs where total_count = 3")
    page = office.run("stats", "failures", "--until", until, "--user", str(user_id), "--model", "sora-2")
    assert page.out.split("\n")[0].endswith(f", customer {user_id}, model sora-2")
    cut = ("--until", until, "--user", str(user_id))
    document = office.run("stats", "failures", *cut, "--json").document
    assert (document["user_id"], document["failed"], document["not_started"]) == (str(user_id), 2, 0)
    assert office.run("stats", "failures", *cut, "--model", "veo", "--json").document["finished"] == 0
    for which, count in (("sora-2", 3), ("veo", 0)):
        parts = office.run("stats", "latency", *cut, "--model", which, "--json").document["parts"]
        assert parts[0]["count"] == count


@pytest.mark.parametrize(
    ("view", "first", "rows"),
    [
        (["--csv"], "TYPE,FINISHED,FAILED,SHARE,RATE,REFUNDED,FINISHED_BEFORE,FAILED_BEFORE,RATE_BEFORE", 5),
        (["-o", "csv", "--by", "model"], "MODEL,FINISHED,FAILED,", 1),
        (["--csv", "--by", "reason"], "REASON,FINISHED,FAILED,", 2),
        (["-o", "csv", "--by", "customer"], "CUSTOMER,FINISHED,FAILED,", 1),
        (["-o", "csv", "--by", "day"], "DAY,FINISHED,FAILED,RATE,MODEL_ERROR,", 2),
    ],
)
def test_csv_is_the_view_that_is_asked_for(office: Shell, until: str, view: list[str], first: str, rows: int) -> None:
    """A spreadsheet gets one table: that of --by, by type without it."""
    ran = office.run("stats", "failures", "--until", until, *view)
    heading, *lines = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert heading.startswith(first)
    assert len(lines) == rows
    assert {line.count(",") for line in lines} == {heading.count(",")}


@pytest.mark.parametrize("form", [["--json"], ["-o", "plain"], ["-o", "table"], ["-o", "jsonl"]])
def test_csv_is_one_form_of_several(office: Shell, form: list[str]) -> None:
    """--csv beside another form means nothing."""
    ran = office.run("stats", "failures", "--csv", *form)
    assert (ran.code, ran.out) == (2, "")
    assert "excludes other forms" in ran.err


@pytest.mark.parametrize(("limit", "code"), [("66%", 1), ("66.7%", 0), ("5", 1), ("0%", 1), ("100 %", 0)])
def test_rate_over_a_limit_is_one(office: Shell, until: str, limit: str, code: int) -> None:
    """--fail-over ends with 1, and a line on stderr, when more of the tasks that were sent failed; the page stays."""
    ran = office.run("stats", "failures", "--until", until, "--fail-over", limit)
    assert ran.code == code
    assert "3 tasks finished, 2 failed (66.7%)" in ran.out
    assert ran.err.count("\n") == code
    assert (f"over the {limit} of --fail-over" in ran.err) == bool(code)


def test_nothing_finished_is_over_no_limit(office: Shell, until: str) -> None:
    """A window without a task, or with tasks that were never sent only, alarms nobody."""
    del until
    window = ("--since", "2020-01-01T00:00+00:00", "--until", "2020-01-02T00:00+00:00")
    assert office.run("stats", "failures", *window, "--fail-over", "0%").code == 0


@pytest.mark.parametrize("limit", ["five", "101%", "-1", "1e1", "%", "5%%"])
def test_limit_that_is_none_is_two(office: Shell, limit: str) -> None:
    """What is no percentage is said before anything is counted."""
    ran = office.run("stats", "failures", f"--fail-over={limit}")
    assert (ran.code, ran.out) == (2, "")
    assert "is no percentage" in ran.err


@pytest.mark.parametrize("page", ["overview", "latency"])
def test_other_pages_have_every_form(office: Shell, until: str, page: str) -> None:
    """An overview and latencies are a page, a document, a line, or a table of numbers."""
    del until
    document = office.run("stats", page, "--json")
    assert (document.code, document.err) == (0, "")
    assert document.document["schema"] == f"batchctl/stats.{page}/1"
    assert office.run("stats", page, "-o", "jsonl").out.count("\n") == {"overview": 1, "latency": 4}[page]
    plain = office.run("stats", page)
    assert (plain.code, plain.err) == (0, "")
    assert ("OPEN\tNUMBER\tOLDEST FOR" in plain.out) == (page == "overview")
    heading, *rows = office.run("stats", page, "-o", "csv").out.splitlines()
    assert heading == {"overview": "FIGURE,VALUE", "latency": "PART,COUNT,OPEN,P50_S,P95_S,P99_S,LONGEST_S"}[page]
    assert {row.count(",") for row in rows} == {heading.count(",")}
    on_screen = office.on_terminal(80, "stats", page)
    assert on_screen.code == 0
    assert max(map(len, on_screen.out.splitlines())) <= 90
