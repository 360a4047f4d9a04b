"""Page of the accounting export, and its file."""

from typing import Any, Final

from litestar import Response, get
from litestar.params import FromQuery

from billing.audit_actions import BillingAction
from billing.exports.export import export_month
from billing.exports.files import write_file
from billing.exports.schemas import TARGET_LABELS, Export, ExportTotal, FileFormat, Target
from billing.periods import month_before
from billing.permissions import BillingPermission
from canonical.money import Money
from foundation.audit.chain import append_audit
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.csv_export import CSV_TYPE, content_disposition
from foundation.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_PATH: Final = "/invoices/accounting-export"
MEDIA_TYPES: Final = {
    FileFormat.CSV: CSV_TYPE,
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_OPT: Final = {"permission": BillingPermission.ISSUE_INVOICE, "fleet": True}


@get(_PATH, name="accounting_export", opt=_OPT, include_in_schema=False)
async def show_export_page(
    access: OpenAccess, month: FromQuery[str] = "", target: FromQuery[str] = ""
) -> Response[Any]:
    """The month's lines for one system, and the link to the file."""
    found, refusal = None, None
    try:
        found = await export_month(access.session, month=month or _last_month(access), target=_target(target))
    except DomainError as error:
        refusal = error
    context = {
        "root": f"{access.root}/invoices",
        "export": found,
        "month": month or _last_month(access),
        "target": target or Target.FLAT.value,
        "targets": [(each.value, translate(label)) for each, label in TARGET_LABELS.items()],
        "totals": [_money(total) for total in found.totals] if found else [],
        "errors": {str(refusal.extra.get("field", "")): refusal.detail} if refusal else {},
    }
    return render_page(
        access, "billing/accounting_export.html", translate("Accounting export"), context, refusal=refusal
    )


@get(f"{_PATH}.csv", opt=_OPT, include_in_schema=False)
async def download_csv(access: OpenAccess, month: FromQuery[str], target: FromQuery[str] = "") -> Response[bytes]:
    return await _download(access, month, target, FileFormat.CSV)


@get(f"{_PATH}.xlsx", opt=_OPT, include_in_schema=False)
async def download_xlsx(access: OpenAccess, month: FromQuery[str], target: FromQuery[str] = "") -> Response[bytes]:
    return await _download(access, month, target, FileFormat.XLSX)


async def _download(access: Access, month: str, target: str, file_format: FileFormat) -> Response[bytes]:
    found = await export_month(access.session, month=month, target=_target(target))
    await access.enter_home()  # a fleet scope only reads; the export is recorded in the member's own account
    data = {
        "month": found.month, "target": found.target.value, "lines": len(found.rows), "format": file_format.value,
    }  # fmt: skip
    append_audit(
        access.session, action=BillingAction.INVOICES_EXPORTED, subject=f"month:{found.month}", data=data, at=access.now
    )
    return await send_export(access, found, file_format)


async def send_export(access: Access, export: Export, file_format: FileFormat) -> Response[bytes]:
    name = f"{access.account.name} {export.month} {export.target}.{file_format}"
    headers = {"Content-Disposition": content_disposition(name), "Cache-Control": "no-store"}
    return Response(await write_file(export, file_format), media_type=MEDIA_TYPES[file_format], headers=headers)


def _money(total: ExportTotal) -> tuple[str, Money, Money, Money]:
    net, tax, gross = (Money.from_decimal(each, total.currency) for each in (total.net, total.tax, total.gross))
    return total.currency, net, tax, gross


def _target(text: str) -> Target:
    """Raises InvalidInput: no such system."""
    if text and text not in list(Target):
        raise InvalidInput(N_("Choose the system that reads the file."), field="target")
    return Target(text or Target.FLAT)


def _last_month(access: Access) -> str:
    """The month before the current one, which is usually the one to export."""
    return f"{month_before(access.now).start:%Y-%m}"


EXPORT_PAGES: Final[tuple[Any, ...]] = (show_export_page, download_csv, download_xlsx)
