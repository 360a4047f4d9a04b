"""Layouts of the packaged roles: tiles' codes, with `*` for wide ones. Tiles that a reader may not see are left out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from foundation.dashboard_tiles import TileArea
from governance.dashboards.schemas import TileChoice

_OPERATIONS: Final = "fleet.risk fleet.late fleet.approvals fleet.exceptions fleet.changes* fleet.worst* inbox.next*"
_MSP: Final[Mapping[str, str]] = {
    "admin": f"{_OPERATIONS} onboarding.stuck invoices.drafts",
    "operator": _OPERATIONS,
    "finance": "invoices.drafts fleet.risk invoices.newest* fleet.health* fleet.changes*",
    "success": "fleet.risk fleet.attention onboarding.stuck fleet.worst* onboarding.open* fleet.health*",
    "partner_manager": "fleet.late fleet.exceptions fleet.worst* fleet.changes*",
    "channel_manager": "fleet.late fleet.exceptions fleet.approvals fleet.attention fleet.changes* fleet.worst*",
    "support": "fleet.exceptions fleet.attention inbox.next* fleet.worst*",
    "supervisor": f"{_OPERATIONS} onboarding.stuck",
    "approver": "fleet.approvals fleet.exceptions inbox.next*",
    "auditor": "fleet.approvals fleet.exceptions fleet.health* fleet.changes* invoices.newest*",
    "executive": "fleet.risk fleet.late fleet.health* fleet.changes* invoices.newest* fleet.exceptions",
}
_FLOW: Final = "overview.changes overview.visible overview.approvals overview.publish_time"
_CLIENT: Final[Mapping[str, str]] = {
    "admin": f"{_FLOW} overview.decisions* overview.exceptions* exceptions.worst* overview.channels*",
    "viewer": f"{_FLOW} overview.decisions* overview.latest*",
    "operator": f"{_FLOW} exceptions.worst* overview.channels* dead_letters.open",
    "operations": f"{_FLOW} exceptions.worst* overview.channels* dead_letters.open overview.decisions*",
    "finance": "overview.approvals overview.decide_time invoices.newest* overview.decisions* overview.latest*",
    "success": "overview.visible overview.publish_time exceptions.worst* overview.channels* overview.times*",
    "partner_manager": "overview.visible overview.publish_time overview.channels* overview.times*",
    "channel_manager": "overview.visible overview.publish_time overview.channels* overview.times* exceptions.worst*",
    "support": "dead_letters.open overview.publish_time exceptions.worst* overview.channels* overview.latest*",
    "supervisor": f"{_FLOW} overview.decide_time exceptions.worst* overview.decisions*",
    "approver": "overview.approvals overview.decide_time exceptions.worst* overview.latest* overview.decisions*",
    "auditor": f"{_FLOW} overview.exceptions* overview.decisions* overview.latest* invoices.newest*",
    "executive": "overview.visible overview.publish_time overview.decisions* overview.times* invoices.newest*",
}
_LAYOUTS: Final = {TileArea.MSP: _MSP, TileArea.CLIENT: _CLIENT}
_USUAL: Final = {TileArea.MSP: "operator", TileArea.CLIENT: "viewer"}


def role_layout(area: TileArea, roles: Iterable[str]) -> Sequence[TileChoice]:
    """The layout of the first of `roles` that has one; for others, such as an account's own, a general one."""
    layouts = _LAYOUTS[area]
    kinds = (role.partition("_")[2] for role in roles)
    text = next((layouts[kind] for kind in kinds if kind in layouts), layouts[_USUAL[area]])
    return [TileChoice(code.rstrip("*"), "wide" if code.endswith("*") else "small") for code in text.split()]
