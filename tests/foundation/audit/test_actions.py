"""Declarations of audited actions."""

import pytest

from foundation.audit.actions import AuditAction


def test_actions_without_a_kind_are_refused_where_they_are_declared() -> None:
    """The audit page could not show them under any kind."""
    with pytest.raises(TypeError, match="kind"):

        class KindlessAction(AuditAction):
            THING_DONE = "thing.done", "Thing done"
