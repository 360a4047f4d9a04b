"""Job: exports the heads of an MSP's audit chains to the log, and to a file and a webhook if configured."""

import asyncio
import os
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.webhooks.signatures import sign
from foundation.audit_heads import SignedHeads, read_heads, sign_heads
from foundation.database.engine import scope_of
from foundation.errors import DomainError
from foundation.ids import new_id
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import JobHandler
from foundation.jobs.repair import ensure_timer
from foundation.jobs.types import ENDLESS, JobType, NoPayload
from foundation.marks import N_
from foundation.outbound.errors import OutboundUnavailable
from foundation.outbound.messages import RECEIVER_ANSWERED
from foundation.rooms import AppServices

EXPORT: Final = JobType(
    "controlplane.export_audit_heads", N_("Export the heads of the audit chains"), NoPayload, batch=1, retry=ENDLESS
)
LANE: Final = "audit-export"
EVERY: Final = timedelta(hours=1)
AFTER_FAILURE: Final = timedelta(minutes=5)
_RATE, _BURST = 1.0, 5
_ACCEPTED = range(200, 300)
_log = structlog.get_logger(__name__)


def export_job(services: AppServices) -> JobHandler[NoPayload]:
    clock = services.clock

    async def export(batch: Batch[NoPayload]) -> None:
        now = clock()
        async with services.db.transaction(batch.scope.for_fleet()) as session:
            heads = await read_heads(session)
        signed = sign_heads(services.vault.key_ring, batch.scope.msp_id, heads, now=now)
        delivered = await deliver(services, signed, now=now)
        async with batch.commit() as session:
            await _schedule(session, now + (EVERY if delivered else AFTER_FAILURE))

    return JobHandler(EXPORT, export)


async def repair_export(session: AsyncSession, now: datetime) -> None:
    """Recreate a missing export timer of an MSP account, so that exports resume within one interval."""
    scope = scope_of(session)
    if scope.tenant_id == scope.msp_id:
        await ensure_timer(session, name=EXPORT.name, lane=LANE, job_type=EXPORT, due_at=now + EVERY)


async def _schedule(session: AsyncSession, due_at: datetime) -> None:
    await set_timer(session, name=EXPORT.name, lane=LANE, job_type=EXPORT, due_at=due_at)


async def deliver(services: AppServices, signed: SignedHeads, *, now: datetime) -> bool:
    """Deliver to all sinks. Returns False when the file or the webhook failed; the other sink and the log still got the
    heads.
    """
    settings, line = services.settings, signed.line()
    _log.info("audit.heads_exported", msp_id=str(signed.msp_id), chains=len(signed.heads), export=line.decode().strip())
    written = await _write(settings.audit_heads_file, line, signed.msp_id) if settings.audit_heads_file else True
    if not settings.audit_heads_url:
        return written
    try:
        await _post(services, signed.msp_id, line, now=now)
    except DomainError as error:
        _log.error("audit.heads_not_delivered", msp_id=str(signed.msp_id), reason=error.detail)
        return False
    return written


async def _write(path: str, line: bytes, msp_id: UUID) -> bool:
    try:
        await asyncio.to_thread(_append, path, line)
    except OSError as error:  # such as a full disk
        _log.error("audit.heads_not_written", msp_id=str(msp_id), reason=error.strerror)
        return False
    return True


async def _post(services: AppServices, msp_id: UUID, body: bytes, *, now: datetime) -> None:
    settings = services.settings
    caller = services.outbound.for_credential(msp_id, EXPORT.name, _RATE, _BURST)
    signature = sign(settings.audit_heads_secret.encode(), message_id=f"msg_{new_id().hex}", sent_at=now, body=body)
    headers = {**signature, "content-type": "application/json"}
    answer = await caller.request("POST", settings.audit_heads_url, headers=headers, content=body)
    if answer.status_code not in _ACCEPTED:
        raise OutboundUnavailable(RECEIVER_ANSWERED.write(status=str(answer.status_code)))


def _append(path: str, line: bytes) -> None:
    """A single write, so that lines of concurrent workers do not interleave."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
