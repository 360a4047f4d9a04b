"""Rules packaged with the product: the system roles, and the starter governance of a new tenant."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Final

from foundation.rooms import RoleGrant
from policy.rules import ANY_TENANT, Effect, PolicyRule, RuleKind

MSP_ROLES: Final = frozenset({
    "msp_admin", "msp_operator", "msp_finance", "msp_success", "msp_partner_manager", "msp_channel_manager",
    "msp_support", "msp_supervisor", "msp_approver", "msp_auditor", "msp_executive",
})  # fmt: skip
"""Roles that can be assigned in the MSP account only."""

CLIENT_ROLES: Final = frozenset({
    "client_admin", "client_approver", "client_viewer", "client_operations", "client_finance", "client_success",
    "client_partner_manager", "client_channel_manager", "client_support", "client_supervisor", "client_auditor",
    "client_executive", "partner", "machine",
})  # fmt: skip

SYSTEM_ROLES: Final = MSP_ROLES | CLIENT_ROLES


@cache
def system_rules() -> tuple[PolicyRule, ...]:
    """Permissions and inheritance of the system roles, in every tenant (domain `*`)."""
    return tuple(_read("roles.csv"))


def packaged_rules(grants: Iterable[RoleGrant]) -> tuple[PolicyRule, ...]:
    """The system roles' rules, with the permissions that rooms grant them."""
    more = (
        PolicyRule(
            id=f"{grant.role}:{grant.permission}",
            ptype=RuleKind.PERMISSION,
            sub=grant.role,
            dom=ANY_TENANT,
            obj=grant.permission.partition(":")[0],
            act=grant.permission.partition(":")[2],
            description=grant.permission.label,
        )
        for grant in grants
    )
    return (*system_rules(), *more)


def starter_rules(tenant_id: str) -> list[PolicyRule]:
    """Starter rules: small price changes pass, larger ones need approval, below cost is refused; stock passes unless
    negative.

    The facts these rules use are those of `policy.facts`.
    """
    return [replace(rule, dom=tenant_id) for rule in _read("starter.csv")]


def _read(name: str) -> Iterable[PolicyRule]:
    text = (files("policy") / "rules" / name).read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield PolicyRule(
            id=row["id"],
            ptype=RuleKind(row["ptype"]),
            sub=row["sub"],
            dom=row["dom"],
            obj=row["obj"],
            act=row["act"],
            condition=row["condition"],
            effect=Effect(row["effect"]),
            description=row["description"],
        )
