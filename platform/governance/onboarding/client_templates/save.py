"""Use cases of an MSP's templates: a new one, and its next version. In the MSP account."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.names import clean_name
from governance.inputs import check_text
from governance.onboarding.audit_actions import OnboardingAction
from governance.onboarding.client_templates.content import TemplateContent, check_content, packaged_index
from governance.onboarding.client_templates.store import insert_version, load_version
from policy.publishing import load_index

LONGEST_NOTE: Final = 500


async def create_template(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, *, name: str, content: TemplateContent, note: str = "", now: datetime, new_id: NewId
) -> UUID:
    """Save a new template as its version 1.

    Raises:
        InvalidInput, InvalidRule: a part is malformed.
        Conflict: another template has the name.
    """
    scope, name, template_id = scope_of(session), clean_name(name), new_id()
    content, note = await _check(session, content), check_text(note, "note")[:LONGEST_NOTE]
    made = await session.scalar(
        text("""
            INSERT INTO client_template (tenant_id, msp_id, id, name, version, changed_at)
            VALUES (:t, :m, :id, :name, 1, :now) ON CONFLICT (tenant_id, name) DO NOTHING RETURNING id
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "id": template_id, "name": name, "now": now},
    )
    if made is None:
        raise Conflict(N_("Another template has this name. Choose another, or save a new version of that one."))
    await insert_version(session, template_id, 1, content, note=note, now=now)
    _record(session, template_id, name, 1, content, now=now)
    return template_id


async def save_version(
    session: AsyncSession, template_id: UUID, content: TemplateContent, *, note: str = "", now: datetime
) -> int:
    """Save the next version of a template, and return its number. Clients get it when they pull it.

    Raises:
        NotFound: no such template.
        InvalidInput, InvalidRule: a part is malformed.
        Conflict: the newest version has this content.
    """
    scope = scope_of(session)
    await session.execute(
        text("SELECT 1 FROM client_template WHERE tenant_id = :t AND id = :id FOR UPDATE"),
        {"t": scope.tenant_id, "id": template_id},
    )
    newest = await load_version(session, template_id)
    content, note = await _check(session, content), check_text(note, "note")[:LONGEST_NOTE]
    if msgspec.json.encode(content) == msgspec.json.encode(newest.content):
        raise Conflict(N_("Nothing differs from the newest version."))
    await insert_version(session, template_id, newest.latest + 1, content, note=note, now=now)
    changed = await session.scalar(
        text("""
            UPDATE client_template SET version = :version, changed_at = :now WHERE tenant_id = :t AND id = :id
            RETURNING id
        """),
        {"t": scope.tenant_id, "id": template_id, "version": newest.latest + 1, "now": now},
    )
    if changed is None:
        raise NotFound
    _record(session, template_id, newest.name, newest.latest + 1, content, now=now)
    return newest.latest + 1


async def _check(session: AsyncSession, content: TemplateContent) -> TemplateContent:
    """Raises: InvalidInput, InvalidRule, InvalidTheme, PriceNotAllowed."""
    own = packaged_index() if content.ladder is None else await load_index(session, scope_of(session))
    return check_content(content, own)


def _record(  # noqa: PLR0913 - the parts of one entry
    session: AsyncSession, template_id: UUID, name: str, version: int, content: TemplateContent, *, now: datetime
) -> None:
    data = {
        "name": name, "version": version, "connections": len(content.connections),
        "contracts": len(content.contracts), "rules": len(content.rules), "checks": len(content.waivers),
    }  # fmt: skip
    append_audit(
        session, action=OnboardingAction.TEMPLATE_SAVED, subject=f"client_template:{template_id}", data=data, at=now
    )
