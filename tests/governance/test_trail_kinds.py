"""Every audited action is listed under the kind that its room or slice declares, and under no other."""

from controlplane.rooms import ROOMS
from foundation.audit.actions import AuditKind

DECLARED = ROOMS.every(lambda room: room.audit_actions)


def test_every_audited_action_is_under_its_kind_alone() -> None:
    assert len(DECLARED) > 10
    for actions in DECLARED:
        for action in actions:
            noun = action.partition(".")[0]
            assert [kind for kind in AuditKind if noun in ROOMS.audit_nouns[kind]] == [actions.kind], action


def test_every_kind_has_actions() -> None:
    assert {actions.kind for actions in DECLARED} == set(AuditKind)
