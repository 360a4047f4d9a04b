"""Who is offered which pages. Offering is a courtesy; every page checks its own permission."""

from branding.shell import NavGroup, NavItem
from tenants.models import Client


def house_nav(*, people: bool) -> tuple[NavGroup, ...]:
    return (
        NavGroup(
            items=(
                NavItem(label="Clients", href="/fleet", icon="fleet"),
                NavItem(label="Invoices", href="/invoices", icon="invoice"),
                *_people("", offered=people),
            )
        ),
    )


def client_nav(client: Client, *, people: bool) -> tuple[NavGroup, ...]:
    root = f"/clients/{client.slug}"
    return (
        NavGroup(
            items=(
                NavItem(label="Overview", href=f"{root}/overview", icon="home"),
                NavItem(label="Changes", href=f"{root}/changes", icon="activity"),
                NavItem(label="Approvals", href=f"{root}/approvals", icon="approve"),
                NavItem(label="Exceptions", href=f"{root}/exceptions", icon="exception"),
            )
        ),
        NavGroup(
            label="Account",
            items=(
                NavItem(label="Connections", href=f"{root}/connections", icon="link"),
                NavItem(label="Invoices", href=f"{root}/invoices", icon="invoice"),
                *_people(root, offered=people),
            ),
        ),
    )


def partner_nav(client: Client | None) -> tuple[NavGroup, ...]:
    if client is None:
        return ()
    return (NavGroup(items=(NavItem(label="Your channel", href=f"/clients/{client.slug}/channel", icon="channel"),)),)


def _people(root: str, *, offered: bool) -> tuple[NavItem, ...]:
    return (NavItem(label="People", href=f"{root}/people", icon="people"),) if offered else ()
