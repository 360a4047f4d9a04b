"""Row structs of changes and proposals."""

from datetime import datetime
from uuid import UUID

import msgspec

from canonical.keys import Keyed
from canonical.values import Value
from foundation.i18n.messages import StoredMessage
from governance.changes.states import CHANGES, ChangeState


class Proposal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new value for a key, with author and cause. `on_behalf_of`: see `foundation.scope.Actor`. `note`: the author's
    reason. `author_roles`: those of the person who proposed it, empty for a system.
    """

    value: Value
    origin: str
    author: str
    committed_at: datetime
    source_event_id: UUID | None
    correlation: str
    targets: list[UUID] | None = None
    on_behalf_of: str = ""
    note: str = ""
    author_roles: list[str] = msgspec.field(default_factory=list)


class ChangeRow(Keyed, gc=False):
    id: UUID
    old_value: Value | None
    new_value: Value
    source_version: int
    version: int | None
    origin: str
    author: str
    state: str
    outcome: str
    rule_id: str
    reason: StoredMessage
    policy_version: int
    cost_value: Value | None
    targets: list[UUID] | None
    approval_id: UUID | None
    source_event_id: UUID | None
    committed_at: datetime
    proposed_at: datetime
    correlation: str
    on_behalf_of: str = ""
    decided_at: datetime | None = None
    note: str = ""
    author_roles: list[str] = msgspec.field(default_factory=list)

    def move_to(self, state: ChangeState) -> None:
        """Change the state. Raises `UndeclaredTransition`."""
        self.state = CHANGES.move(self.state, state)

    def again(self, targets: list[UUID] | None) -> Proposal:
        """A copy of the proposal for another decision, for `targets`."""
        return Proposal(
            value=self.new_value,
            origin=self.origin,
            author=self.author,
            committed_at=self.committed_at,
            source_event_id=self.source_event_id,
            correlation=self.correlation,
            targets=targets,
            on_behalf_of=self.on_behalf_of,
            note=self.note,
            author_roles=self.author_roles,
        )


class Awaiting(msgspec.Struct, frozen=True, gc=False):
    """A change pending approval. `content_hash` is that of its open approval, None without one.

    `answered`: the approval is granted, and the release job is about to run.
    """

    change: ChangeRow
    content_hash: bytes | None
    answered: bool = False
