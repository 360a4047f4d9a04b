"""Labels and descriptions of the packaged roles; roles of an account's own have names instead."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.i18n.localizer import translate
from foundation.marks import N_
from policy.packaged import SYSTEM_ROLES
from policy.role_repository import role_names

_LABELS: Final = {
    "operations": N_("Operations"),
    "finance": N_("Finance"),
    "success": N_("Customer success"),
    "partner_manager": N_("Partner manager"),
    "channel_manager": N_("Channel manager"),
    "support": N_("Support"),
    "supervisor": N_("Supervisor"),
    "approver": N_("Approver"),
    "auditor": N_("Auditor"),
    "executive": N_("Executive"),
}
"""Roles that MSPs and clients both have, each with permissions of their own: `msp_finance`, `client_finance`."""
_SINGLE: Final = {
    "msp_admin": N_("MSP admin"),
    "msp_operator": N_("MSP operator"),
    "client_admin": N_("Client admin"),
    "client_approver": N_("Client approver"),
    "client_viewer": N_("Client viewer"),
    "partner": N_("Partner"),
    "machine": N_("Machine"),
}
_ABOUT: Final = {
    "msp_admin": N_("All rights of operators; manages clients, members, keys, prices and approvals."),
    "msp_operator": N_("Sees all clients, manages connections and exceptions, and rolls back changes."),
    "client_admin": N_("All rights of approvers; manages members, keys, baselines and policy."),
    "client_approver": N_("All rights of viewers; decides approvals, closes exceptions and proposes values."),
    "client_viewer": N_("Sees changes, channels, exceptions and invoices. Cannot change anything."),
    "partner": N_("Sees only its own channel in this account."),
    "client_operations": N_("All rights of viewers; proposes values, closes exceptions and rolls back changes."),
    "client_finance": N_("Decides approvals and sees prices, the policy and invoices."),
    "client_success": N_("Sees deliveries and connections, and closes exceptions."),
    "client_partner_manager": N_("Sees channels and their deliveries, and invites members of partners."),
    "client_channel_manager": N_("Sees channels, proposes values, closes exceptions and rolls back changes."),
    "client_support": N_("Sees deliveries, connections and failed jobs, and closes exceptions."),
    "client_supervisor": N_("All rights of viewers; decides approvals, rolls back changes and reads the audit trail."),
    "client_auditor": N_("Sees everything, with the audit trail, members and keys. Cannot change anything."),
    "client_executive": N_("Sees the overview, changes, exceptions and invoices. Cannot change anything."),
    "msp_finance": N_("Sees all clients, manages prices and closes invoices."),
    "msp_success": N_("Sees all clients and their members, and closes exceptions."),
    "msp_partner_manager": N_("Sees all clients and their channels, and invites members of partners."),
    "msp_channel_manager": N_("Sees all clients, manages channels and exceptions, and proposes values."),
    "msp_support": N_("Sees all clients, closes exceptions and replays failed jobs."),
    "msp_supervisor": N_("All rights of operators; decides approvals and proposes values."),
    "msp_approver": N_("Sees all clients and decides approvals."),
    "msp_auditor": N_("Sees all clients with the audit trail, members, keys and prices. Cannot change anything."),
    "msp_executive": N_("Sees the overview, exceptions, invoices and prices of all clients. Cannot change anything."),
}


def role_label(role: str, names: Mapping[str, str] | None = None) -> str:
    """Label of a role: `msp_admin` as "MSP admin". A role of the account's own has its name in `names`, else its id as
    words.
    """
    if role in _SINGLE:
        return translate(_SINGLE[role])
    side, _, kind = role.partition("_")
    if side in {"msp", "client"} and kind in _LABELS:
        return translate(_LABELS[kind])
    if names and role in names:
        return names[role]
    words = role.replace("_", " ")
    return words[:1].upper() + words[1:]


def about_role(role: str) -> str:
    """Description of a packaged role; empty for others."""
    return translate(_ABOUT[role]) if role in _ABOUT else ""


async def names_among(session: AsyncSession, roles: Iterable[str]) -> Mapping[str, str]:
    """Names of the account's own roles, by id; read only if one of `roles` is not packaged."""
    return {} if SYSTEM_ROLES.issuperset(roles) else await role_names(session)


async def write_roles(session: AsyncSession, roles: Iterable[str]) -> str:
    """Labels of roles as a list, such as “Finance, Pricing team”."""
    wanted = list(dict.fromkeys(roles))
    names = await names_among(session, wanted)
    return ", ".join(role_label(role, names) for role in wanted)
