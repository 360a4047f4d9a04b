"""Registry of every room's job handlers, with the delivery of events and the repair of timers."""

from foundation.events import deliver_handler
from foundation.jobs.registry import JobRegistry
from foundation.jobs.repair import repair_handler
from foundation.rooms import AppServices


def build_jobs(services: AppServices) -> JobRegistry:
    rooms = services.rooms
    handlers = rooms.built(lambda room: room.jobs, services)
    events, subscriptions = rooms.every(lambda room: room.events), rooms.every(lambda room: room.subscriptions)
    return JobRegistry([
        *handlers,
        repair_handler(rooms.every(lambda room: room.repairs), services.clock),
        deliver_handler(events, subscriptions, [handler.job_type for handler in handlers]),
    ])  # fmt: skip
