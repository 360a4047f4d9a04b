"""`fairlead`: run it, its parts, its checks and its administration."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import click

from controlplane.apart import run_turn
from controlplane.cli.admin import audit, keys, tenant
from controlplane.cli.baseline import baseline
from controlplane.cli.billing import billing
from controlplane.cli.doctor import doctor
from controlplane.cli.people import password_link
from controlplane.cli.setup import SETUP
from controlplane.demo.command import demo
from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.paths import default_root
from controlplane.embedded.supervise import PULSE_VARIABLE
from controlplane.jobs import build_jobs
from controlplane.migrate import migrate_schema, prepare_roles
from controlplane.processes import run_relay, run_web, run_worker
from controlplane.stack import Stack, default_static, free_port
from foundation.lanes.ring import SHARED_POOL, Turns
from foundation.settings import Settings, SettingsInvalid, read_settings
from foundation.telemetry.pulse import Pulse


def settings_from_environment(*, vault_needed: bool = True) -> Settings:
    try:
        return read_settings(os.environ, vault_needed=vault_needed)
    except SettingsInvalid as error:
        raise click.ClickException(f"{error}\nRun `fairlead doctor` to see what else is missing.") from error


_PULSE = click.option("--pulse-file", envvar=PULSE_VARIABLE, hidden=True, type=click.Path(path_type=Path))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="fairlead")
def main() -> None:
    """A white-label control plane with which managed-service providers run governed commerce for their clients.

    \b
    Try it:            fairlead demo
    Run it here:       fairlead up
    Run it for real:   fairlead migrate, then web, worker and relay as separate processes
    Something wrong?   fairlead doctor
    """  # noqa: D301 - click's mark "leave these lines as they are" is the control character itself


@main.command()
@click.option("--port", default=8000, show_default=True, help="Where the web listens, on loopback.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the embedded servers' data.")
def up(port: int, data: Path | None) -> None:
    """Run everything on this machine until Ctrl-C.

    Without DATABASE_URL and REDIS_URL, PostgreSQL and Valkey are started too, and end with it.
    """
    with Stack(data or default_root() / "up", environment=os.environ) as stack:
        chosen = free_port(port)
        stack.run_product(port=chosen)
        click.echo(f"Serving on http://127.0.0.1:{chosen}. Hosts are brands: `fairlead tenant create-msp` makes one.")
        click.echo(f"Logs: {stack.root / 'logs'}. Ctrl-C ends it.")
        wait_for_signal()


@main.command()
@click.option("--revision", default="head", show_default=True, help="head, or an earlier revision to go back to.")
def migrate(revision: str) -> None:
    """Create the database roles and bring the schema to REVISION. Needs DATABASE_URL of the owner."""
    settings = settings_from_environment(vault_needed=False)
    asyncio.run(prepare_roles(settings.owner_url, settings.role_passwords))
    migrate_schema(settings.owner_url, revision)
    click.echo(f"The schema is at {revision}.")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--static", type=click.Path(path_type=Path), help="Folder of the built browser assets.")
@click.option("--metrics-port", type=int, help="Serve Prometheus metrics on this port.")
@_PULSE
def web(*, host: str, port: int, static: Path | None, metrics_port: int | None, pulse_file: Path | None) -> None:
    """Serve the pages, the API and the webhooks."""
    settings = settings_from_environment()
    pulse, files = Pulse(pulse_file), static or default_static()
    run_web(settings, host=host, port=port, static=files, metrics_port=metrics_port, pulse=pulse)


@main.command()
@click.option("--pool", default=SHARED_POOL, show_default=True, help="The pool of lanes to work on.")
@click.option("--tenant", "tenant_id", help="Work only on the tenant pinned to its own pool (see `tenant pin`).")
@click.option(
    "--turns",
    type=click.Choice([turns.value for turns in Turns]),
    default=Turns.ALL.value,
    show_default=True,
    help="Prompt turns, bulk turns (lanes with a backlog), or both. Whoever runs one must run the other too.",
)
@click.option("--slots", default=8, show_default=True, help="Lanes at work at once.")
@click.option("--metrics-port", type=int)
@click.option("--turn", type=int, hidden=True, help="Do the one turn told on standard input; its begin is told here.")
@_PULSE
def worker(  # noqa: PLR0913 - one per option
    *,
    pool: str,
    tenant_id: str | None,
    turns: str,
    slots: int,
    metrics_port: int | None,
    turn: int | None,
    pulse_file: Path | None,
) -> None:
    """Do the work of a pool, or of one pinned tenant."""
    if turn is not None:
        sys.exit(run_turn(settings_from_environment(), telling=turn, jobs=build_jobs))
    chosen = f"tenant-{tenant_id}" if tenant_id else pool
    pulse = Pulse(pulse_file)
    run_worker(
        settings_from_environment(),
        pool=chosen,
        turns=Turns(turns),
        slots=slots,
        metrics_port=metrics_port,
        pulse=pulse,
    )


@main.command()
@click.option("--metrics-port", type=int)
@_PULSE
def relay(metrics_port: int | None, pulse_file: Path | None) -> None:
    """Ring lanes whose time has come or whose worker died. Run one or more."""
    run_relay(settings_from_environment(vault_needed=False), metrics_port=metrics_port, pulse=Pulse(pulse_file))


def wait_for_signal() -> None:
    stop = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    while not stop:
        signal.pause()


for command in (baseline, password_link, *SETUP):
    tenant.add_command(command)
for command in (demo, doctor, tenant, billing, audit, keys):
    main.add_command(command)


def run() -> None:
    try:
        main()
    except EmbeddedServerFailed as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
