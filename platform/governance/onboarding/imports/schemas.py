"""Structs of imports for pages, commands and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.i18n.messages import StoredMessage
from foundation.web.requests import RequestBody
from governance.onboarding.imports.states import ImportRowState, ImportState


class ImportInput(RequestBody, frozen=True):
    """`csv`: the file's text. Its first line names the columns: name, slug and currency; language, time_zone, region,
    environment and template (the name of one) if wanted.
    """

    csv: Annotated[str, msgspec.Meta(max_length=60_000)]


class PreviewRow(msgspec.Struct, frozen=True):
    """A row of a file: `new`, `existing` (a client has this short name: nothing is done) or `wrong`, with the
    reason.
    """

    line: int
    slug: str
    name: str
    result: str
    detail: str


class ImportPreview(msgspec.Struct, frozen=True):
    new: int
    existing: int
    wrong: int
    rows: Sequence[PreviewRow]


class ImportedRow(msgspec.Struct, frozen=True):
    line: int
    slug: str
    name: str
    state: ImportRowState
    problem: StoredMessage | None
    detail: str


class ImportView(msgspec.Struct, frozen=True):
    """The latest import. `done` counts rows that are no longer waiting."""

    id: UUID
    state: ImportState
    started_at: datetime
    ended_at: datetime | None
    started_by: str
    total: int
    done: int
    rows: Sequence[ImportedRow]
