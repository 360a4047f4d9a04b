"""Navigation entries per role, with badge counts. Not an access check: every page checks its own permission."""

from collections.abc import Callable

from branding.shell import NavGroup, NavItem
from governance.nav import Waiting
from tenants.models import Client

May = Callable[[str], bool]


def msp_nav(may: May) -> tuple[NavGroup, ...]:
    return (
        NavGroup(
            items=(
                NavItem(label="Clients", href="/fleet", icon="fleet"),
                NavItem(label="Invoices", href="/invoices", icon="invoice"),
                *_people("", may),
            )
        ),
    )


def client_nav(client: Client, may: May, waiting: Waiting | None) -> tuple[NavGroup, ...]:
    root = f"/clients/{client.slug}"
    approvals, exceptions = (waiting.approvals, waiting.exceptions) if waiting else (None, None)
    audit = (NavItem(label="Audit", href=f"{root}/audit", icon="archive"),) if may("audit:read") else ()
    retention = (NavItem(label="Retention", href=f"{root}/retention", icon="clock"),) if may("retention:read") else ()
    return (
        NavGroup(
            items=(
                NavItem(label="Overview", href=f"{root}/overview", icon="home"),
                NavItem(label="Changes", href=f"{root}/changes", icon="activity"),
                NavItem(label="Approvals", href=f"{root}/approvals", icon="approve", count=approvals),
                NavItem(label="Exceptions", href=f"{root}/exceptions", icon="exception", count=exceptions),
            )
        ),
        NavGroup(
            label="Account",
            items=(
                NavItem(label="Connections", href=f"{root}/connections", icon="link"),
                NavItem(label="Invoices", href=f"{root}/invoices", icon="invoice"),
                *_people(root, may),
                *audit,
                *retention,
            ),
        ),
    )


def partner_nav(client: Client | None) -> tuple[NavGroup, ...]:
    if client is None:
        return ()
    return (NavGroup(items=(NavItem(label="Your channel", href=f"/clients/{client.slug}/channel", icon="channel"),)),)


def _people(root: str, may: May) -> tuple[NavItem, ...]:
    return (NavItem(label="People", href=f"{root}/people", icon="people"),) if may("member:read") else ()
