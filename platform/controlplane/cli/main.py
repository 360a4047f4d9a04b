"""`fairlead`: the root command."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import click

from controlplane.cli.audit import audit
from controlplane.cli.backup import backup, restore
from controlplane.cli.client import client
from controlplane.cli.doctor import doctor
from controlplane.cli.failures import PlainGroup
from controlplane.cli.files import FolderPath
from controlplane.cli.host import add_room_commands, build_host
from controlplane.cli.member import member
from controlplane.cli.msp import msp
from controlplane.cli.valkey import valkey
from controlplane.cli.vault import vault
from controlplane.demo.command import demo
from controlplane.embedded.supervise import HEARTBEAT_VARIABLE
from controlplane.installation import DATA_VARIABLE, data_root, find_installation, find_settings, names_servers
from controlplane.isolated_batch import run_batch
from controlplane.jobs import build_jobs
from controlplane.migrate import migrate_schema, prepare_roles
from controlplane.ports import held_port
from controlplane.preflight import check_settings
from controlplane.processes import run_relay, run_web, run_worker
from controlplane.rooms import ROOMS
from controlplane.stack import Stack, default_static
from foundation.commands import JSON, CommandResult, print_result
from foundation.heartbeat import Heartbeat
from foundation.jobs.ready_queue import SHARED_POOL, LaneClass
from foundation.settings import Settings
from foundation.terminal import print_text


def settings_from_environment(*, vault_needed: bool = True) -> Settings:
    return find_settings(os.environ, vault_needed=vault_needed)


_PORT = click.IntRange(1, 65535)
_HEARTBEAT = click.option(
    "--heartbeat-file",
    envvar=HEARTBEAT_VARIABLE,
    type=click.Path(path_type=Path),
    help="File whose modification time is updated while the process makes progress, for a supervisor.",
)


_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110, "obj": build_host()}


@click.group(cls=PlainGroup, context_settings=_CONTEXT)
@click.version_option(package_name="fairlead")
def main() -> None:
    """White-label software for managed-service providers that run commerce for their clients.

    \b
    Try it:             fairlead demo
    Run it here:        fairlead up
    Run in production:  fairlead migrate, then web, worker and relay as separate processes
    Find a problem:     fairlead doctor
    """  # noqa: D301 - click's mark "leave these lines as they are" is the control character itself


@main.command()
@click.option("--port", default=8000, show_default=True, type=_PORT, help="Port of the web process, on loopback.")
@click.option(
    "--data",
    envvar=DATA_VARIABLE,
    type=FolderPath(),
    help=f"Folder of the embedded servers' data; can also be set in {DATA_VARIABLE}.",
)
def up(port: int, data: Path | None) -> None:
    """Run everything on this machine until Ctrl-C. Other commands find this installation.

    Without DATABASE_URL and REDIS_URL, it also starts PostgreSQL and Valkey, and stops them at the end.
    """
    root = data.absolute() if data is not None else data_root(os.environ)
    with held_port(port), Stack(root, environment=os.environ) as stack:
        stack.run_product(port=port)
        stack.run_daily("retention", "retention", "run")
        print_text(f"Serving on http://127.0.0.1:{port}. Create a brand with `fairlead msp create`.")
        print_text(f"Logs: {stack.root / 'logs'}. Stop with Ctrl-C.")
        wait_for_signal(stack.tend)


@main.command()
@JSON
@click.option("--revision", default="head", show_default=True, help="head, or a revision newer than the current one.")
def migrate(revision: str) -> None:
    """Create the database roles and update the schema. Needs DATABASE_URL of the owner.

    The schema cannot go back, because an older one cannot store newer data. Restore a backup instead.
    """
    settings = settings_from_environment(vault_needed=False)
    check_settings(settings, "migrate")
    found = None if names_servers(os.environ) else find_installation(os.environ)
    admin_url = found.admin_url if found is not None else settings.owner_url
    asyncio.run(prepare_roles(admin_url, settings.role_passwords))
    reached = migrate_schema(settings.owner_url, revision)
    print_result(CommandResult(f"The schema is at {reached}.", {"revision": reached}))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=_PORT, help="Port to listen on.")
@click.option("--static", type=click.Path(path_type=Path), help="Folder of the built browser assets.")
@click.option("--metrics-port", type=_PORT, help="Serve Prometheus metrics on this port.")
@click.option(
    "--local-hosts",
    type=click.Path(path_type=Path),
    help="File of the brands' host names, which `fairlead up` writes: unknown hosts on this machine are shown them.",
)
@_HEARTBEAT
def web(  # noqa: PLR0913 - one per option
    *,
    host: str,
    port: int,
    static: Path | None,
    metrics_port: int | None,
    local_hosts: Path | None,
    heartbeat_file: Path | None,
) -> None:
    """Serve the pages, the API and the webhooks."""
    settings = settings_from_environment()
    heartbeat, files = Heartbeat(heartbeat_file), static or default_static()
    run_web(
        settings,
        host=host,
        port=port,
        static=files,
        metrics_port=metrics_port,
        heartbeat=heartbeat,
        local_hosts=local_hosts,
    )


@main.command()
@click.option("--pool", default=SHARED_POOL, show_default=True, help="Pool of lanes to process.")
@click.option("--client", "tenant_id", help="Process only this client, which has its own pool (see `client pin`).")
@click.option(
    "--lanes",
    "lane_class",
    type=click.Choice([one.value for one in LaneClass]),
    default=LaneClass.ALL.value,
    show_default=True,
    help="Prompt lanes, bulk lanes (those with a backlog), or all. Run workers for both.",
)
@click.option(
    "--slots", default=8, show_default=True, type=click.IntRange(1, 256), help="Lanes processed at the same time."
)
@click.option("--metrics-port", type=_PORT, help="Serve Prometheus metrics on this port.")
@click.option(
    "--batch",
    "turn",
    type=int,
    hidden=True,
    help="Run one batch from standard input, and report to this file descriptor.",
)
@_HEARTBEAT
def worker(  # noqa: PLR0913 - one per option
    *,
    pool: str,
    tenant_id: str | None,
    lane_class: str,
    slots: int,
    metrics_port: int | None,
    turn: int | None,
    heartbeat_file: Path | None,
) -> None:
    """Process the jobs of a pool, or of one pinned client."""
    if turn is not None:
        sys.exit(run_batch(settings_from_environment().as_component("worker"), report_fd=turn, jobs=build_jobs))
    chosen = f"tenant-{tenant_id}" if tenant_id else pool
    heartbeat = Heartbeat(heartbeat_file)
    run_worker(
        settings_from_environment(),
        pool=chosen,
        lane_class=LaneClass(lane_class),
        slots=slots,
        metrics_port=metrics_port,
        heartbeat=heartbeat,
    )


@main.command()
@click.option("--metrics-port", type=_PORT, help="Serve Prometheus metrics on this port.")
@_HEARTBEAT
def relay(metrics_port: int | None, heartbeat_file: Path | None) -> None:
    """Dispatch due jobs and recover the jobs of failed workers. Run one or more."""
    run_relay(
        settings_from_environment(vault_needed=False), metrics_port=metrics_port, heartbeat=Heartbeat(heartbeat_file)
    )


def wait_for_signal(meanwhile: Callable[[], None]) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1.0):
        meanwhile()


for command in (demo, doctor, backup, restore, msp, client, member, audit, vault, valkey):
    main.add_command(command)
add_room_commands(main, ROOMS)
