"""Imports of clients from CSV files: malformed files, the preview, the job, and its repetition."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.jobs import build_jobs
from foundation.errors import InvalidInput
from foundation.jobs.worker import LaneWorker
from governance.onboarding.imports.job_types import IMPORT_LANE
from governance.onboarding.imports.parse import MOST_ROWS, parse_clients
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

HEAD = "name,slug,currency,language,time_zone,region,environment\n"
GOOD = HEAD + "Oak,oak,EUR,de,Europe/Berlin,DE,live\nPine,pine,usd,,,,\n"
API = "/api/v1/client-import"


async def run_jobs(env: ClientEnv) -> None:
    """Run the jobs of the MSP's account."""
    worker = LaneWorker(
        env.services.db, env.services.ready_queue, build_jobs(env.services), pool="shared",
        metrics=env.services.lane_metrics, lease=60,
    )  # fmt: skip
    for _ in range(50):
        await worker.run_lane(env.msp_account.msp_id, env.msp_account.tenant_id, IMPORT_LANE)
        async with env.services.db.transaction(env.msp_account) as session:
            connection = await session.connection()
            left = await connection.exec_driver_sql("SELECT count(*) FROM client_import_row WHERE state = 'waiting'")
            if not left.scalar():
                return


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"), ("\n\n", "empty"), ("name,slug\nA,a\n", "“currency” is missing"),
        ("name,slug,currency,colour\n", "“colour” is unknown"), ("name,name,slug,currency\n", "there twice"),
        ('name,slug,currency\n"A,a,EUR\n', "not CSV"), ("name,slug,currency\nA\x00,a,EUR\n", "cannot be stored"),
        ("name,slug,currency\n" + "".join(f"A,a{i},EUR\n" for i in range(MOST_ROWS + 1)), "at most 500"),
    ],
)  # fmt: skip
def test_an_invalid_file_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_clients(text)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("A,a,XXX,,,,", "ISO 4217"), ("A,Not A Slug,EUR,,,,", "short name"), ("A,a,EUR,xx,,,", "no such language"),
        ("A,a,EUR,,Mars,,", "no such time zone"), ("A,a,EUR,,,Germany,", "ISO 3166"), ("A,a,EUR,,,,test", "sandbox"),
        (",a,EUR,,,,", ""), ("A,a,EUR", "3 fields"), ("A,a,EUR,,,,,,", "9 fields"), ("A" * 501 + ",a,EUR,,,,", "500"),
        ("=HYPERLINK(1),a,E=1,,,,", "ISO 4217"),
    ],
)  # fmt: skip
def test_a_wrong_row_has_its_error_and_stops_no_other(row: str, says: str) -> None:
    first, second = parse_clients(f"{HEAD}{row}\nOak,oak,EUR,,,,\n")
    assert first.error is not None
    assert says in first.error.detail
    assert (first.line, second.line, second.client is not None) == (2, 3, True)


def test_separators_a_mark_and_repeated_short_names() -> None:
    [one, two] = parse_clients("\ufeffName;Slug;Currency\r\nOak;oak;EUR\r\nOther;oak;EUR\r\n")
    assert one.client is not None
    assert two.error is not None
    assert "Line 2" in two.error.detail


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    for head in ("", HEAD):
        with suppress(InvalidInput):
            parse_clients(head + text)


@pytest.mark.asyncio(loop_scope="module")
async def test_clients_are_previewed_created_by_a_job_and_created_once(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    wrong = (await admin.api("POST", f"{API}/preview", {"csv": GOOD + "Bad,bad,XXX,,,,\n"})).json()
    assert (wrong["new"], wrong["wrong"], wrong["rows"][2]["result"]) == (2, 1, "wrong")
    refused = await admin.api("POST", API, {"csv": GOOD + "Bad,bad,XXX,,,,\n"})
    assert (refused.status_code, refused.json()["field"]) == (422, "csv")
    assert "Line 4" in refused.json()["detail"]
    started = await admin.api("POST", API, {"csv": GOOD})
    assert (started.status_code, started.json()["state"], started.json()["done"]) == (202, "running", 0)
    second = await admin.api("POST", API, {"csv": GOOD})
    assert second.status_code == 409
    await run_jobs(env)
    body = (await admin.api("GET", API)).json()
    assert (body["state"], body["done"], [row["state"] for row in body["rows"]]) == ("done", 2, ["created", "created"])
    oak = (await admin.api("GET", "/api/v1/clients/oak")).json()
    assert (oak["name"], oak["currency"], oak["language"], oak["region"]) == ("Oak", "EUR", "de", "DE")
    repeated = (await admin.api("POST", f"{API}/preview", {"csv": GOOD})).json()
    assert (repeated["new"], repeated["existing"]) == (0, 2)
    await admin.api("POST", API, {"csv": GOOD + "Fir,fir,EUR,,,,\n"})
    await run_jobs(env)
    body = (await admin.api("GET", API)).json()
    assert [row["state"] for row in body["rows"]] == ["existing", "existing", "created"]
    page = await admin.get("/client-import")
    assert 'href="/clients/fir/onboarding"' in page.text


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_previews_and_starts(admin: Visit, env: ClientEnv) -> None:
    await admin.get("/client-import")
    previewed = await admin.post("/client-import", {"csv": GOOD, "action": "preview"})
    assert previewed.status_code == 200
    assert "Create 2 clients" in previewed.text
    wrong = await admin.post("/client-import", {"csv": "nonsense", "action": "preview"})
    assert wrong.status_code == 422
    assert 'id="f-csv-error"' in wrong.text
    assert (await admin.post("/client-import", {"csv": GOOD, "action": "create"})).status_code == 303
    assert "0 of 2" in (await admin.get("/client-import")).text


@pytest.mark.asyncio(loop_scope="module")
async def test_another_msp_has_imports_of_its_own(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    assert (await admin.api("POST", API, {"csv": GOOD})).status_code == 202
    assert (await foreign.api("GET", API)).status_code == 404
    await run_jobs(env)
    same: Any = (await foreign.api("POST", f"{API}/preview", {"csv": GOOD})).json()
    assert (same["new"], same["existing"]) == (2, 0)
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get("/client-import")).status_code in (403, 404)
