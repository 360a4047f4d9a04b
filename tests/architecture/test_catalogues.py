"""Codes are declared once, with their labels: permissions, exception types, meters."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from connectors.audit_actions import ConnectionAction
from connectors.states import ConnectionState
from controlplane.rooms import ROOMS
from foundation.audit.own_actions import DeadLetterAction
from foundation.jobs.states import DeadLetterState
from governance.audit_actions import ExceptionAction, GovernanceAction
from governance.changes.states import ChangeState
from governance.exception_types import ExceptionType
from governance.exceptions.states import ExceptionState
from policy.audit_actions import PolicyAction
from policy.packaged import packaged_rules
from policy.rules import RuleKind
from policy.states import ApprovalState
from tests.architecture.test_layout import ROOT, modules

DECLARED = [permission for each in ROOMS.every(lambda room: room.permissions) for permission in each]
PERMISSIONS = {permission: permission.label for permission in DECLARED}


def test_each_permission_is_declared_with_one_label() -> None:
    assert len(DECLARED) > 30
    assert len(PERMISSIONS) == len(DECLARED)
    assert all(label[:1].isupper() and " " in label for label in PERMISSIONS.values())
    assert len(set(PERMISSIONS.values())) == len(PERMISSIONS)


def test_packaged_roles_have_declared_permissions_under_their_labels() -> None:
    rules = [rule for rule in packaged_rules(ROOMS.grants) if rule.ptype is RuleKind.PERMISSION]
    assert {f"{rule.obj}:{rule.act}": rule.description for rule in rules} == PERMISSIONS


def test_menu_entries_require_declared_permissions() -> None:
    entries = ROOMS.every(lambda room: room.navigation)
    assert {entry.permission for entry in entries} <= PERMISSIONS.keys()
    assert {entry.badge_permission for entry in entries if entry.badge} <= PERMISSIONS.keys()


def strings(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def spelled(codes: set[str], *, declared_in: tuple[str, ...]) -> list[str]:
    """Lines that contain a code as a literal, in Python or in embedded SQL, apart from its declaration."""
    inside = re.compile("'(" + "|".join(map(re.escape, sorted(codes))) + ")'")
    return [
        f"{path.relative_to(ROOT)}:{line} {value[:60]!r}"
        for path in modules()
        if not str(path.relative_to(ROOT)).endswith(declared_in)
        for line, value in strings(path)
        if value in codes or inside.search(value)
    ]


def test_permissions_are_spelled_where_they_are_declared_only() -> None:
    assert spelled({str(one) for one in PERMISSIONS}, declared_in=("permissions.py",)) == []


def test_exception_codes_are_spelled_where_they_are_declared_only() -> None:
    """Messages, events and audited actions of the same name have their own declarations and are excluded."""
    declarations = (
        "exception_types.py",
        "messages/exceptions.py",
        "connectors/events.py",
        "audit_actions.py",
        "webhook_events.py",
        "webhooks/event_types.py",
    )
    assert spelled({str(one) for one in ExceptionType}, declared_in=declarations) == []
    assert all(one.label and one.why and sum(one.weights) for one in ExceptionType)
    assert len({one.label for one in ExceptionType}) == len(ExceptionType)


def test_meters_are_spelled_where_they_are_declared_only() -> None:
    names = {meter.name for meter in ROOMS.meters}
    assert names
    assert spelled(names, declared_in=("meters.py",)) == []
    assert all(meter.unit and meter.label and meter.permission in PERMISSIONS for meter in ROOMS.meters)


def test_audited_actions_are_members_of_their_rooms_declarations() -> None:
    """Messages and exception types of the same name have their own declarations and are excluded."""
    declared = [action for each in ROOMS.every(lambda room: room.audit_actions) for action in each]
    assert len(declared) > 50
    assert len(ROOMS.audit_labels) == len(declared)
    assert all("." in action and action.label[:1].isupper() for action in declared)
    names = {each.__name__ for each in ROOMS.every(lambda room: room.audit_actions)}
    loose = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "append_audit"
        for word in node.keywords
        if word.arg == "action" and not any(name in ast.unparse(word.value) for name in (*names, "action"))
    ]
    assert loose == []


def test_every_state_that_is_audited_has_its_action() -> None:
    for states, action in (
        (ApprovalState, PolicyAction),
        (set(ConnectionState) - {ConnectionState.DRAFT}, ConnectionAction),
        (set(ExceptionState) - {ExceptionState.OPEN}, ExceptionAction),
        (set(DeadLetterState) - {DeadLetterState.OPEN}, DeadLetterAction),
    ):
        noun = {PolicyAction: "approval", ConnectionAction: "connection", ExceptionAction: "exception"}
        assert all(action.of(f"{noun.get(action, 'dead_letter')}.{state.value}") for state in states)
    assert all(GovernanceAction.of(f"change.{state.value}") for state in ChangeState)
