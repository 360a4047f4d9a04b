"""Registry of every room's job types, with the delivery of events and the repair of timers."""

from foundation.events import deliver_job
from foundation.jobs.repair import repair_job
from foundation.jobs.types import JobTypes
from foundation.rooms import AppServices


def build_jobs(services: AppServices) -> JobTypes:
    rooms = services.rooms
    job_types = rooms.built(lambda room: room.jobs, services)
    events, subscriptions = rooms.every(lambda room: room.events), rooms.every(lambda room: room.subscriptions)
    return JobTypes([
        *job_types,
        repair_job(rooms.every(lambda room: room.repairs), services.clock),
        deliver_job(events, subscriptions, job_types),
    ])  # fmt: skip
