"""Request of an event: a CloudEvents 1.0 document in structured mode, under Standard Webhooks signatures."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from connectors.webhooks.signatures import sign

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
USER_AGENT: Final = "webhooks/1"
"""Receivers must not learn the product's name."""


class CloudEvent(msgspec.Struct, frozen=True):
    """CloudEvents 1.0.2, JSON format. `source` is the account's address within its host."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: Any
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


def message_id_of(event_id: UUID) -> str:
    return f"msg_{event_id.hex}"


def cloud_event(row: Any) -> CloudEvent:
    """The document of a row of `webhook_delivery`; equal for every attempt and replay."""
    return CloudEvent(
        id=message_id_of(row.event_id), source=row.source, type=row.event_type, subject=row.subject,
        time=row.event_at.astimezone(UTC), data=row.data,
    )  # fmt: skip


def encode_body(event: CloudEvent) -> bytes:
    return msgspec.json.encode(event)


def write_headers(event: CloudEvent, body: bytes, secrets: bytes, *, now: datetime) -> Mapping[str, str]:
    return {
        **sign(secrets, message_id=event.id, sent_at=now, body=body),
        "content-type": CONTENT_TYPE,
        "user-agent": USER_AGENT,
    }
