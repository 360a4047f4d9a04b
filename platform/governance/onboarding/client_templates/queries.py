"""Queries of templates: lists of an MSP, and the comparison of a client with its template."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.messages.writer import write_reason
from governance.onboarding.client_templates.client_state import read_state, read_states
from governance.onboarding.client_templates.compare import ClientState, ComparedItem, compare
from governance.onboarding.client_templates.content import TemplateContent
from governance.onboarding.client_templates.schemas import (
    TemplateClientRow,
    TemplateRow,
    TemplateUseView,
    TemplateVersionView,
)
from governance.onboarding.client_templates.states import DRIFTING, ItemState
from governance.onboarding.client_templates.store import BILLING_FAILED, StoredUse, StoredVersion
from governance.onboarding.client_templates.views import summarize, write_items
from governance.onboarding.job_types import SET_TEMPLATE_BILLING
from tenants.relations import CLIENTS

_DRIFT: Final = {"drifting": "u.tenant_id = ANY (:drifting)", "same": "u.tenant_id <> ALL (:drifting)"}
_BEHIND: Final = {"": "true", "behind": "u.version < t.version", "current": "u.version = t.version"}


async def list_templates(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[TemplateRow]:
    """One page of `client_templates.lists`; in the fleet's scope, because clients follow them."""
    source = ListSource(
        columns="""t.id, t.name, t.version, t.changed_at,
                   (SELECT count(*) FROM client_template_use u WHERE u.msp_id = t.msp_id AND u.template_id = t.id)
                       AS clients,
                   (SELECT count(*) FROM client_template_use u WHERE u.msp_id = t.msp_id AND u.template_id = t.id
                       AND u.version < t.version) AS behind""",
        tables="client_template t",
        where="t.tenant_id = :m",
        binds={"m": scope_of(session).msp_id},
    )
    return (await read_page(session, source, query)).map(
        lambda row: TemplateRow(**{name: getattr(row, name) for name in TemplateRow.__struct_fields__})
    )


async def list_template_clients(
    session: AsyncSession, query: ListQuery, now: datetime
) -> ResultPage[TemplateClientRow]:
    """One page of `client_templates.lists`: clients that follow a template, compared with the version they follow."""
    named, drift = query.values.get("template", ""), query.values.get("drift", "")
    drifting = await _list_drifting(session, now) if drift else ()
    source = ListSource(
        columns=f"""u.tenant_id, c.slug AS client, c.name AS client_name, u.template_id, t.name AS template, u.version,
                   t.version AS latest, u.applied_at, u.items AS content, u.own_items AS kept,
                   u.billing_due_at, {BILLING_FAILED} AS billing_failed""",
        tables=f"""client_template_use u JOIN client_template t ON t.tenant_id = u.msp_id AND t.id = u.template_id
                   JOIN {CLIENTS} c ON c.tenant_id = u.tenant_id""",
        where=" AND ".join([
            "u.msp_id = :m", _BEHIND[query.values.get("status", "")], *(["t.name = :template"] if named else []),
            *([_DRIFT[drift]] if drift else []),
        ]),
        binds={
            "m": scope_of(session).msp_id, "job": SET_TEMPLATE_BILLING.name, **({"template": named} if named else {}),
            **({"drifting": drifting} if drift else {}),
        },
    )  # fmt: skip
    page = await read_page(session, source, query)
    states = await read_states(session, [row.tenant_id for row in page.items], now=now)
    return page.map(lambda row: _client(row, states[row.tenant_id]))


async def _list_drifting(session: AsyncSession, now: datetime) -> list[UUID]:
    """All clients of the MSP with an item that differs from the version that they follow. Compared one by one, because
    a client's connections are matched with the template's by name and kind.
    """
    rows = await session.execute(
        text(
            f"SELECT tenant_id, items AS content, own_items AS kept, billing_due_at, {BILLING_FAILED} AS billing_failed"
            " FROM client_template_use u WHERE msp_id = :m"
        ),
        {"m": scope_of(session).msp_id, "job": SET_TEMPLATE_BILLING.name},
    )
    uses = rows.all()
    states = await read_states(session, [row.tenant_id for row in uses], now=now)
    return [
        row.tenant_id for row in uses if any(one.state in DRIFTING for one in _compared(row, states[row.tenant_id]))
    ]


def _compared(row: Row[Any], state: ClientState) -> list[ComparedItem]:
    """Without rules, which are not read across clients."""
    content = msgspec.convert(row.content, TemplateContent)
    billing = _billing_of(row.billing_due_at, is_failed=row.billing_failed)
    return compare(msgspec.structs.replace(content, rules=[]), state, row.kept, billing=billing)


def _billing_of(due_at: datetime | None, *, is_failed: bool) -> ItemState | None:
    """The state of plan and prices that are not set yet."""
    if due_at is None:
        return None
    return ItemState.FAILED if is_failed else ItemState.APPLYING


def _client(row: Row[Any], state: ClientState) -> TemplateClientRow:
    items = _compared(row, state)
    counts = {one: sum(each.state is one for each in items) for one in ItemState}
    fields = {
        name: getattr(row, name)
        for name in ("tenant_id", "client", "client_name", "template_id", "template", "version", "latest", "applied_at")
    }
    return TemplateClientRow(
        **fields, differing=counts[ItemState.DIFFERS], missing=counts[ItemState.MISSING],
        waiting=counts[ItemState.WAITING], kept=len(row.kept), summary=summarize(items, row.version),
    )  # fmt: skip


def version_view(stored: StoredVersion) -> TemplateVersionView:
    return TemplateVersionView(**{name: getattr(stored, name) for name in TemplateVersionView.__struct_fields__})


async def compare_use(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    used: StoredUse,
    *,
    client: str,
    latest: int,
    version: StoredVersion | None = None,
    now: datetime,
) -> TemplateUseView:
    """A client compared with the version that it follows, or with `version` of its template; in the client's scope."""
    content, number = (used.content, used.version) if version is None else (version.content, version.version)
    billing = _billing_of(used.billing_due_at, is_failed=used.billing_failed) if version is None else None
    items = await compare_content(session, content, used.kept, now=now, billing=billing)
    return TemplateUseView(
        client=client, template_id=used.template_id, name=used.template_name, version=used.version, latest=latest,
        compared=number, applied_at=used.applied_at, applied_by=used.applied_by, summary=summarize(items, number),
        items=await write_items(session, items), problem=_problem(used),
    )  # fmt: skip


def _problem(used: StoredUse) -> str:
    if used.billing_due_at is not None and used.billing_failed:
        return translate(N_("The job stopped after repeated attempts. Apply the template again."))
    return " ".join(write_reason(one) or "" for one in used.billing_problems)


async def compare_content(
    session: AsyncSession,
    content: TemplateContent,
    kept: Collection[str] = (),
    *,
    now: datetime,
    billing: ItemState | None = None,
) -> list[ComparedItem]:
    return compare(content, await read_state(session, now=now), kept, billing=billing)
