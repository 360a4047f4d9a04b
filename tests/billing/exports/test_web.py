"""The export's page, file and API."""

import pytest

from tests.billing.exports.reading import read_csv, read_workbook
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGE, API = "/invoices/accounting-export", "/api/v1/invoice-lines"


async def test_members_of_the_msp_download_a_months_lines(
    admin: Visit, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
) -> None:
    assert "No invoice was issued" in (await admin.get(PAGE)).text
    assert (await admin.get(f"{PAGE}?month=2026-13")).status_code == 422
    assert (await admin.get(f"{PAGE}.csv?month=2026-03&target=sage")).status_code == 422
    file = await admin.get(f"{PAGE}.csv?month=2026-03&target=xero")
    assert (file.status_code, file.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert file.text.startswith("*ContactName,EmailAddress,*InvoiceNumber,")
    sheet = await admin.get(f"{PAGE}.xlsx?month=2026-03&target=xero")
    assert (sheet.headers["content-type"], sheet.headers["content-disposition"][-5:]) == (XLSX, ".xlsx")
    assert read_workbook(sheet.content) == read_csv(file.content)
    for file_format, kind in (("csv", "text/csv; charset=utf-8"), ("xlsx", XLSX)):
        same = await admin.api("GET", f"{API}?month=2026-03&target=xero&format={file_format}")
        assert (same.headers["content-type"], same.content) == (kind, {"csv": file, "xlsx": sheet}[file_format].content)
    assert (await admin.api("GET", f"{API}?month=2026-03&format=ods")).status_code == 400
    listed = (await admin.api("GET", f"{API}?month=2026-03")).json()
    assert (listed["rows"], listed["columns"][0]) == ([], "line_id")
    async with env.services.db.transaction(env.msp_account) as session:
        noted = await session.connection()
        found = await noted.exec_driver_sql("SELECT count(*) FROM audit_entry WHERE action = 'invoice.exported'")
        assert found.scalar() == 2
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    for path in (PAGE, f"{PAGE}.csv?month=2026-03", f"{PAGE}.xlsx?month=2026-03"):
        assert (await approver.get(path)).status_code in {403, 404}
    assert (await approver.api("GET", f"{API}?month=2026-03")).status_code in {403, 404}
