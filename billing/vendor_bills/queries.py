"""Lists of bills, their rows, files and mappings. In the MSP account, or in a fleet scope."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from billing.vendor_bills.mapped import MAPPED_LINES
from billing.vendor_bills.schemas import (
    MappingKind,
    MappingState,
    MappingView,
    VendorBillLineView,
    VendorBillView,
    VendorUploadView,
)
from foundation.database.engine import scope_of
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page

_COLUMNS: Final = {"status": "mapping"}
"""Columns of filters with another name."""
_BILLS: Final = f"""(
    SELECT b.tenant_id, b.id, b.month, b.vendor, b.number, b.created_at, b.created_by, b.withdrawn_at, b.withdrawn_by,
           coalesce(l.lines, 0) AS lines, coalesce(l.unmapped, 0) AS unmapped,
           CASE WHEN l.currencies = 1 THEN l.amount END AS amount,
           CASE WHEN l.currencies = 1 THEN l.currency ELSE '' END AS currency
      FROM vendor_bill b
      LEFT JOIN (SELECT tenant_id, bill_id, count(*) AS lines, count(*) FILTER (WHERE mapping = 'unmapped') AS unmapped,
                        sum(amount) AS amount, count(DISTINCT currency) AS currencies, max(currency) AS currency
                   FROM {MAPPED_LINES} m GROUP BY tenant_id, bill_id) l
             ON l.tenant_id = b.tenant_id AND l.bill_id = b.id)"""
_MAPPINGS: Final = """(
    SELECT s.tenant_id, s.kind, s.vendor, s.key, s.label, s.lines, s.last_month, m.client_id, m.meter,
           coalesce(m.factor, 1) AS factor, m.set_at, m.set_by,
           CASE WHEN m.is_ignored THEN 'ignored' WHEN m.is_ignored IS NULL THEN 'unmapped' ELSE 'mapped' END AS mapping
      FROM (SELECT l.tenant_id, k.kind, l.vendor, k.key, max(k.label) AS label, count(*) AS lines,
                   max(b.month) AS last_month
              FROM vendor_bill b
              JOIN vendor_bill_line l ON l.tenant_id = b.tenant_id AND l.bill_id = b.id
             CROSS JOIN LATERAL (VALUES ('client', l.client_key, l.client_name),
                                        ('product', l.product_code, l.description)) AS k (kind, key, label)
             WHERE b.withdrawn_at IS NULL GROUP BY l.tenant_id, k.kind, l.vendor, k.key) s
      LEFT JOIN vendor_mapping m ON m.tenant_id = s.tenant_id AND m.kind = s.kind AND m.vendor = s.vendor
                                AND m.key = s.key)"""


async def list_bills(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[VendorBillView]:
    """One page of bills; withdrawn ones only on request."""
    source = _source(session, query, _BILLS, VendorBillView.__struct_fields__, ("month", "vendor"))
    condition = "b.withdrawn_at IS NOT NULL" if query["show"] == "withdrawn" else "b.withdrawn_at IS NULL"
    return await _read(session, query, _with(source, condition), _bill)


async def list_bill_lines(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[VendorBillLineView]:
    """One page of rows of bills that are not withdrawn."""
    names = ("month", "vendor", "number", "client_key", "product_code", "status")
    fields = VendorBillLineView.__struct_fields__
    return await _read(session, query, _source(session, query, MAPPED_LINES, fields, names), _line)


async def list_uploads(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[VendorUploadView]:
    """One page of files, newest first."""
    source = _source(session, query, "vendor_upload", VendorUploadView.__struct_fields__, ("month",))
    if query["show"] == "wrong":
        source = _with(source, "b.wrong > 0")
    return await _read(session, query, source, _upload)


async def list_vendor_clients(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[MappingView]:
    """One page of the vendors' clients."""
    return await _mappings(session, query, "b.kind = 'client'")


async def list_vendor_products(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[MappingView]:
    """One page of the vendors' products."""
    return await _mappings(session, query, "b.kind = 'product'")


async def _mappings(session: AsyncSession, query: ListQuery, condition: str) -> ResultPage[MappingView]:
    source = _source(session, query, _MAPPINGS, MappingView.__struct_fields__, ("status", "vendor", "key"))
    return await _read(session, query, _with(source, condition), _mapping)


def _source(
    session: AsyncSession, query: ListQuery, relation: str, fields: Sequence[str], names: Sequence[str]
) -> ListSource:
    chosen = {name: query[name] for name in names if query[name]}
    return ListSource(
        columns=", ".join(f"b.{name}" for name in fields),
        tables=f"{relation} b",
        where=" AND ".join(["b.tenant_id = :msp", *(f"b.{_COLUMNS.get(name, name)} = :{name}" for name in chosen)]),
        binds={"msp": scope_of(session).msp_id, **chosen},
    )


def _with(source: ListSource, condition: str) -> ListSource:
    return ListSource(
        columns=source.columns, tables=source.tables, where=f"{source.where} AND {condition}", binds=source.binds
    )


async def _read(session: AsyncSession, query: ListQuery, source: ListSource, convert: Any) -> ResultPage[Any]:
    return (await read_page(session, source, query)).map(convert)


def _bill(row: Row[Any]) -> VendorBillView:
    return VendorBillView(**{name: getattr(row, name) for name in VendorBillView.__struct_fields__})


def _line(row: Row[Any]) -> VendorBillLineView:
    values = {name: getattr(row, name) for name in VendorBillLineView.__struct_fields__}
    return VendorBillLineView(**{**values, "mapping": MappingState.of(row.mapping)})


def _upload(row: Row[Any]) -> VendorUploadView:
    return VendorUploadView(**{name: getattr(row, name) for name in VendorUploadView.__struct_fields__})


def _mapping(row: Row[Any]) -> MappingView:
    values = {name: getattr(row, name) for name in MappingView.__struct_fields__}
    return MappingView(**{**values, "kind": MappingKind.of(row.kind), "mapping": MappingState.of(row.mapping)})
