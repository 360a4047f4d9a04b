"""Packaged roles and the rooms' permissions use the same names."""

import importlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from controlplane.rooms import ROOMS as PRODUCT
from policy.index import compile_rules, may
from policy.packaged import CLIENT_ROLES, MSP_ROLES, SYSTEM_ROLES, packaged_rules, starter_rules, system_rules
from policy.rules import ANY_TENANT, RuleKind

ROOT = Path(__file__).parents[2]
ROOMS = [*(ROOT / "platform").iterdir(), *(ROOT / name for name in ("tenants", "connectors", "branding", "billing"))]


def declared_permissions() -> Iterator[str]:
    for room in ROOMS:
        for path in room.rglob("permissions.py"):
            module = importlib.import_module(".".join(path.relative_to(room.parent).with_suffix("").parts))
            for value in vars(module).values():
                if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum:
                    yield from (permission.value for permission in value)


def test_every_permission_a_room_demands_is_held_by_a_packaged_role() -> None:
    declared = set(declared_permissions())
    packaged = packaged_rules(PRODUCT.grants)
    held = {f"{rule.obj}:{rule.act}" for rule in packaged if rule.ptype is RuleKind.PERMISSION}
    assert "approval:decide" in declared
    assert declared <= held


def test_system_rules_name_only_system_roles_and_hold_in_every_tenant() -> None:
    rules = system_rules()
    assert {rule.sub for rule in rules} == SYSTEM_ROLES
    assert {rule.dom for rule in rules} == {ANY_TENANT}
    assert len({rule.id for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    "permission",
    ["tenant:create", "invoice:issue", "price_book:read", "fleet:read", "dead_letter:discard", "member:impersonate"],
)
def test_no_client_role_has_an_msps_permission(permission: str) -> None:
    index = compile_rules(system_rules(), tenant_id="t1", version=0)
    obj, act = permission.split(":")
    assert not any(may(index, role, obj, act).allowed for role in CLIENT_ROLES)
    assert any(may(index, role, obj, act).allowed for role in MSP_ROLES)


@pytest.mark.parametrize("role", sorted(CLIENT_ROLES - {"client_approver"}))
def test_administrators_of_an_msp_have_every_permission_that_they_grant(role: str) -> None:
    """Nobody assigns a role with a permission that they lack."""
    index = compile_rules(packaged_rules(PRODUCT.grants), tenant_id="t1", version=0)
    lacking = [
        permission
        for permission in declared_permissions()
        for obj, act in [permission.split(":")]
        if may(index, role, obj, act).allowed and not may(index, "msp_admin", obj, act).allowed
    ]
    assert lacking == []


@pytest.mark.parametrize("role", ["partner", "machine", "client_viewer", "msp_operator"])
def test_few_may_approve(role: str) -> None:
    index = compile_rules(system_rules(), tenant_id="t1", version=0)
    assert not may(index, role, "approval", "decide").allowed


def test_starter_rules_have_a_reason() -> None:
    for rule in starter_rules("t1"):
        assert rule.description.endswith(".")
        assert rule.dom == "t1"
