"""Parts of this room."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import connectors.models
import connectors.translation.models
from connectors.audit_actions import ConnectionAction
from connectors.commands import COMMANDS
from connectors.connections import SEALED
from connectors.edi.commands import EDI_COMMANDS
from connectors.events import EVENTS
from connectors.features import CONNECTION_FEATURE
from connectors.poll_job import POLL, poll_handler, repair_polls
from connectors.registry import build_registry
from connectors.retention import RETAINED
from connectors.routes import hooks_handler
from connectors.runtime import ConnectorRuntime
from connectors.translation.job_type import TRANSLATE
from connectors.translation.subscriptions import build_router
from connectors.translation.translate_job import translate_handler
from connectors.webhooks.directory import HookDirectory
from connectors.webhooks.receive import HookReceiver
from connectors.webhooks.writer import IntakeWriter
from foundation.jobs.registry import JobHandler
from foundation.rooms import AppServices, Room, WebPart


def _services(services: AppServices) -> Sequence[object]:
    return (ConnectorRuntime(build_registry(), services.vault, services.outbound),)


def _jobs(services: AppServices) -> Sequence[JobHandler[Any]]:
    runtime = services.get(ConnectorRuntime)
    return (
        JobHandler(POLL, poll_handler(runtime, services.clock, services.new_id)),
        JobHandler(TRANSLATE, translate_handler(runtime.registry, build_router(services))),
    )


def _web(services: AppServices) -> WebPart:
    """The webhooks: beside the guarded handlers, because they are frequent and need neither guard nor compression."""
    url = services.settings.intake_url
    directory = HookDirectory(url, services.vault)
    writer = IntakeWriter(url, job_type=TRANSLATE, wake_lanes=services.ready_queue.hint)
    receiver = HookReceiver(directory, writer, services.get(ConnectorRuntime).registry, services.new_id)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        writer.start()
        try:
            yield
        finally:
            await writer.stop()
            await directory.close()

    return WebPart(mounts=(hooks_handler(receiver, services.clock),), lifespan=lifespan)


ROOM: Final = Room(
    name="connectors",
    audit_actions=(ConnectionAction,),
    models=(connectors.models, connectors.translation.models),
    services=_services,
    web=_web,
    job_types=(POLL, TRANSLATE),
    jobs=_jobs,
    events=EVENTS,
    repairs=(repair_polls,),
    sealed_columns=(SEALED,),
    retained=RETAINED,
    features=(CONNECTION_FEATURE,),
    commands=(*COMMANDS, *EDI_COMMANDS),
)
