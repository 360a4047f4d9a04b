"""Structs of assignments and comments, for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec

from foundation.web.lists import LONGEST_TEXT
from foundation.web.requests import RequestBody

ME: Final = "me"


class AssigneeInput(RequestBody, frozen=True):
    """`assignee`: the id of one of the `candidates`, `me` for the caller, or null for nobody."""

    assignee: Annotated[str, msgspec.Meta(max_length=40)] | None


class AssignedMember(msgspec.Struct, frozen=True):
    """The member to whom an item is assigned, and the name of the actor who assigned it."""

    member_id: UUID
    name: str
    assigned_at: datetime
    assigned_by: str


class Candidate(msgspec.Struct, frozen=True):
    """A member who may see the item. `is_staff`: a member of the service provider."""

    id: UUID
    name: str
    is_staff: bool


class AssignmentView(msgspec.Struct, frozen=True):
    """The assignee of an item, null without one. `candidates`: the members to whom it can be assigned."""

    assignment: AssignedMember | None
    candidates: Sequence[Candidate]


class CommentInput(RequestBody, frozen=True):
    """A comment: plain text, at most 2,000 characters."""

    text: Annotated[str, msgspec.Meta(max_length=2 * LONGEST_TEXT)]


class CommentView(msgspec.Struct, frozen=True):
    """A comment. `author` is the name at that time, `author_id` the member's or API key's."""

    id: UUID
    author_id: str
    author: str
    text: str
    written_at: datetime
