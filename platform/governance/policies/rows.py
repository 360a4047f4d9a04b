"""Row structs of drafts and replays."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from canonical.keys import Keyed
from canonical.values import Value
from foundation.i18n.messages import StoredMessage
from policy.edits import hash_edits
from policy.rules import PolicyRule


class Draft(msgspec.Struct, frozen=True):
    """The open draft. `edits` are in their order; None removes the rule."""

    id: UUID
    revision: int
    editors: Sequence[str]
    editor_names: Sequence[str]
    opened_at: datetime
    changed_at: datetime
    restores: int | None
    edits: Mapping[str, PolicyRule | None] = msgspec.field(default_factory=dict)


class ScheduledDraft(msgspec.Struct, frozen=True):
    """A draft that comes into force at `publish_at`, or whose publication failed (`failure`)."""

    id: UUID
    revision: int
    state: str
    publish_at: datetime
    editors: Sequence[str]
    editor_names: Sequence[str]
    scheduled_by: str
    scheduled_by_name: str
    restores: int | None
    failure: dict[str, Any] | None
    edits: Mapping[str, PolicyRule | None] = msgspec.field(default_factory=dict)


class PolicyReplayRow(msgspec.Struct, frozen=True):
    """`content_hash` is of the draft's edits; None for a replay that is older than the column."""

    id: UUID
    draft_id: UUID
    revision: int
    policy_version: int
    state: str
    days: int
    since: datetime
    until: datetime
    total: int
    replayed: int
    differing: int
    after_id: UUID | None
    counts: dict[str, Any]
    money: dict[str, Any]
    started_at: datetime
    started_by_name: str
    ended_at: datetime | None
    content_hash: str | None


def is_of_content(replay: PolicyReplayRow, draft: Draft | ScheduledDraft) -> bool:
    """Whether the replay was made with the draft's present content."""
    if replay.draft_id != draft.id or replay.content_hash is None:
        return (replay.draft_id, replay.revision) == (draft.id, draft.revision)
    return replay.content_hash == hash_edits(draft.edits)


class RecordedChange(Keyed, gc=False):
    """Recorded inputs of a policy decision about a change. `outcome` is the recorded one."""

    id: UUID
    old_value: Value | None
    new_value: Value
    cost_value: Value | None
    origin: str
    targets: list[UUID] | None
    outcome: str
    policy_version: int
    proposed_at: datetime
    author_roles: list[str] = msgspec.field(default_factory=list)


class Difference(msgspec.Struct, frozen=True):
    """A change that the draft decides differently."""

    change: RecordedChange
    before: str
    after: str
    rule_id: str
    reason: StoredMessage
