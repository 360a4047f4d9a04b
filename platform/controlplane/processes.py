"""The long-running processes: web, worker, relay. Each shuts down cleanly on a signal."""

import asyncio
import contextlib
import faulthandler
import gc
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import dramatiq
import structlog
import uvicorn
import uvloop
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import AsyncIO
from prometheus_client import CollectorRegistry

from controlplane.app import create_app
from controlplane.isolated_batch import OWN_TURN, isolated_runner
from controlplane.jobs import build_jobs
from controlplane.preflight import check_database, check_revision, check_settings, check_valkey, wait_for_schema
from controlplane.services import Services, build_services
from controlplane.web.dispatch import dispatch_requests
from foundation.database.engine import KEYED_LOOKUPS, Database
from foundation.database.partition_job import keep_partitions
from foundation.heartbeat import SILENT_SECONDS, TICK_SECONDS, Heartbeat, Readiness, serve_metrics
from foundation.jobs.broker import RUN_LANE, LaneBroker
from foundation.jobs.isolation import IsolatedRunner
from foundation.jobs.ready_queue import SHARED_POOL, LaneClass, ReadyQueue
from foundation.jobs.registry import JobRegistry
from foundation.jobs.relay import Relay
from foundation.jobs.worker import LaneWorker
from foundation.settings import Settings
from foundation.telemetry.access_log import AccessLog
from foundation.telemetry.asgi import ObservedApp
from foundation.telemetry.logging import configure_logging
from foundation.telemetry.metrics import LaneMetrics
from foundation.valkey import blocking_valkey_client, valkey_client
from foundation.web.boundary import Boundary
from foundation.web.client_address import subscriber_of
from foundation.web.connections import ConnectionTable, Limits, bound_receive_buffer, raise_file_limit
from foundation.web.listener import bounded_protocol

PAGE_PATIENCE_SECONDS = 15.0
RELAY_PATIENCE_SECONDS = 10.0
WORK_PATIENCE_SECONDS = 20.0
"""Limit for the set-based statements of one batch; the full batch is bounded by its job type."""
_log = structlog.get_logger(__name__)
YOUNG_OBJECTS = 10_000
BULK_NICENESS = 10
"""On a shared machine, a worker of bulk batches yields to one of prompt batches."""


def run_web(  # noqa: PLR0913 - what a web is started with
    settings: Settings,
    *,
    host: str,
    port: int,
    static: Path,
    metrics_port: int | None = None,
    heartbeat: Heartbeat | None = None,
    local_hosts: Path | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; open requests are completed."""
    heartbeat = _shown(heartbeat)
    configure_logging(json=settings.log_json)
    settings = settings.as_component("web")
    check_settings(settings, "web")
    check_valkey(settings.redis_url)
    for url in (settings.app_url, settings.intake_url):
        check_database(url)
    check_revision("")  # loads the migrations once, before the first request
    services = build_services(settings, name="fairlead web", round_trip_timeout=PAGE_PATIENCE_SECONDS)
    proxies = settings.proxies
    inner = Boundary(
        dispatch_requests(create_app(services, static=static, local_hosts=local_hosts)),
        proxies=proxies,
        public_port=settings.public_port,
    )
    access_log = AccessLog(json=settings.log_json)
    app = ObservedApp(inner, registry=services.metrics, access_log=access_log, tracing=services.tracing)
    if metrics_port is not None:
        serve_metrics(metrics_port, services.metrics, heartbeat)

    async def beat() -> None:
        heartbeat.tick()

    raise_file_limit()
    table = ConnectionTable(Limits(), is_exempt=proxies.trusts, peer_of=subscriber_of, note_refusal=app.note_refusal)
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, loop="uvloop", http=bounded_protocol(table),
        ws="none", proxy_headers=False, server_header=False, timeout_graceful_shutdown=10, backlog=4096,
        callback_notify=beat, timeout_notify=0,
    )  # fmt: skip
    freeze_collector()
    listening = config.bind_socket()
    bound_receive_buffer(listening)
    uvicorn.Server(config).run(sockets=[listening])


def _shown(heartbeat: Heartbeat | None) -> Heartbeat:
    """The heartbeat, or one without a file. Enables the log of every thread's stack on SIGABRT, which the supervisor
    sends when the heartbeat stops.
    """
    faulthandler.enable()
    return heartbeat or Heartbeat()


def run_relay(settings: Settings, *, metrics_port: int | None = None, heartbeat: Heartbeat | None = None) -> None:
    """Run the relay. Needs only its own database role and Valkey: no vault, no other role."""
    heartbeat = _shown(heartbeat)
    configure_logging(json=settings.log_json)
    settings = settings.as_component("relay")
    check_settings(settings, "relay")
    check_valkey(settings.redis_url)
    metrics = CollectorRegistry()
    readiness = Readiness()
    if metrics_port is not None:
        serve_metrics(metrics_port, metrics, heartbeat, readiness)
    stop = _stop_on_signal()
    if _ready_to_work(settings.relay_url, stop, heartbeat, readiness):
        uvloop.run(_relay(settings, metrics, heartbeat, stop))


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _ready_to_work(url: str, stop: threading.Event, heartbeat: Heartbeat, readiness: Readiness) -> bool:
    return wait_for_schema(url, stop, tick=heartbeat.tick, on_problem=readiness.set)


async def _relay(
    settings: Settings, metrics: CollectorRegistry, heartbeat: Heartbeat, stopped: threading.Event
) -> None:
    valkey = valkey_client(settings.redis_url)
    database = Database(
        settings.relay_url, pool_size=2, application_name="fairlead relay", round_trip_timeout=RELAY_PATIENCE_SECONDS
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if stopped.is_set():  # signalled before this loop installed its handlers
        stop.set()
    freeze_collector()
    partitions = asyncio.create_task(keep_partitions(settings.relay_url, stop))
    await Relay(database, ReadyQueue(valkey), metrics=LaneMetrics(metrics)).run(stop, tick=heartbeat.tick)
    partitions.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await partitions
    await database.close()
    await valkey.aclose()


def run_worker(  # noqa: PLR0913 - what a worker is started with
    settings: Settings,
    *,
    pool: str = SHARED_POOL,
    lane_class: LaneClass = LaneClass.ALL,
    slots: int = 8,
    metrics_port: int | None = None,
    jobs: Callable[[Services], JobRegistry] = build_jobs,
    own_turn: Sequence[str] = OWN_TURN,
    heartbeat: Heartbeat | None = None,
) -> None:
    """Work on one pool's lanes until SIGTERM or SIGINT; batches in progress are completed."""
    heartbeat = _shown(heartbeat)
    configure_logging(json=settings.log_json)
    settings = settings.as_component("worker")
    check_settings(settings, "worker")
    check_valkey(settings.redis_url)
    metrics = CollectorRegistry()
    readiness = Readiness()
    if metrics_port is not None:  # from the start: an idle worker is probed, too
        serve_metrics(metrics_port, metrics, heartbeat, readiness)
    stop = _stop_on_signal()
    if not _ready_to_work(settings.app_url, stop, heartbeat, readiness):
        return
    if lane_class is LaneClass.BULK:
        os.nice(BULK_NICENESS)
    client = blocking_valkey_client(settings.redis_url)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    broker = LaneBroker(client, slots=slots, middleware=[AsyncIO()], lane_class=lane_class)
    dramatiq.set_broker(broker)
    apart = isolated_runner(own_turn)
    lanes = _LaneActor(
        settings, pool=pool, lane_class=lane_class, slots=slots, metrics=metrics, jobs=jobs, run_isolated=apart
    )
    dramatiq.actor(actor_name=RUN_LANE, queue_name=pool, broker=broker)(lanes.run_lane)
    worker = dramatiq.Worker(broker, queues={pool}, worker_threads=slots, worker_timeout=1000)
    worker.start()
    freeze_collector()
    _log.info("worker.started", pool=pool, lanes=lane_class.value, slots=slots)
    heartbeat.tick()  # started: from now on the shorter liveness limit applies
    while not stop.wait(TICK_SECONDS):
        _beat(broker, heartbeat)
    worker.stop(timeout=15_000)


def _beat(broker: LaneBroker, heartbeat: Heartbeat) -> None:
    """Tick the heartbeat only while the consumer polls for jobs, from the same event loop."""
    thread = get_event_loop_thread()
    if thread is not None and broker.silent_seconds < SILENT_SECONDS:
        thread.loop.call_soon_threadsafe(heartbeat.tick)


class _LaneActor:
    """Consumer actor that builds its services on its own event loop, at the first message."""

    def __init__(  # noqa: PLR0913 - what a worker is started with
        self,
        settings: Settings,
        *,
        pool: str,
        lane_class: LaneClass,
        slots: int,
        metrics: CollectorRegistry,
        jobs: Callable[[Services], JobRegistry],
        run_isolated: IsolatedRunner,
    ) -> None:
        self._do_apart = run_isolated
        self._settings = settings
        self._pool = pool
        self._lane_class = lane_class
        self._slots = slots
        self._metrics = metrics
        self._jobs = jobs
        self._worker: LaneWorker | None = None
        self._services: Services | None = None

    async def run_lane(self, msp_id: str, tenant_id: str, lane: str, bulk: bool) -> None:  # noqa: FBT001 - a message
        await self._lanes().run_lane(UUID(msp_id), UUID(tenant_id), lane, bulk=bulk)

    def _lanes(self) -> LaneWorker:
        if self._worker is None:
            name = f"fairlead worker {self._pool} {self._lane_class}"
            services = build_services(
                self._settings,
                pool_size=self._slots + 4,
                name=name,
                metrics=self._metrics,
                planning=KEYED_LOOKUPS,
                round_trip_timeout=WORK_PATIENCE_SECONDS,
            )
            self._services = services
            self._worker = LaneWorker(
                services.db,
                services.ready_queue,
                self._jobs(services),
                pool=self._pool,
                metrics=services.lane_metrics,
                tracing=services.tracing,
                run_isolated=self._do_apart,
            )
        return self._worker


def freeze_collector() -> None:
    """Exclude all imported objects from garbage collection: a fourth of the tail latency under load.

    The rest is searched for cycles per 10,000 new objects, not per 700: a batch of 250 changes makes more than that
    without any cycle, and was searched repeatedly during its life.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
