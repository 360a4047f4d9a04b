"""`fairlead demo`: the product with two MSPs, their clients and active sandbox systems, on this machine only."""

import asyncio
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from controlplane.demo.business_day import play_business_day
from controlplane.demo.check import check
from controlplane.demo.installation import DemoInstallation
from controlplane.demo.onboarding import NAME as HALF
from controlplane.demo.plan import PASSWORD
from controlplane.demo.seed import SeededMsp
from controlplane.embedded.paths import default_root
from controlplane.embedded.processes import die_with_parent as ask_to_die_with_parent
from foundation.mail_settings import MAILBOX
from foundation.settings import without_secrets
from foundation.terminal import print_json, print_text

_PORT = 8080
_PAYER = "bo@birch.example"
_STAFF = {
    "msp_admin": "MSP administrator",
    "msp_operator": "MSP operator (connections, exceptions, failed jobs; decides nothing)",
}


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"Port of the web process; default: {_PORT}, or any free port with --check.",
)
@click.option("--check", "check_only", is_flag=True, help="Run the main job without a browser, then stop.")
@click.option("--json", "as_json", is_flag=True, help="With --check: print the report as JSON.")
@click.option("--quiet-erp", is_flag=True, help="Do not change prices and stock automatically.")
@click.option("--die-with-parent", is_flag=True, help="Stop when the parent process stops.")
def demo(*, port: int | None, check_only: bool, as_json: bool, quiet_erp: bool, die_with_parent: bool) -> None:
    """Run a demonstration until Ctrl-C, or with --check the main job once. Exits with 1 if a number does not reconcile.

    Each start begins with new data. It uses its own servers, not DATABASE_URL and REDIS_URL.
    """
    if as_json and not check_only:
        raise click.UsageError("--json needs --check.")
    if die_with_parent:
        ask_to_die_with_parent()  # SIGTERM when the parent (such as make) is killed
    started = time.monotonic()
    chosen = port or (0 if check_only else _PORT)
    with (
        _fresh_root() as root,
        DemoInstallation(root, environment={MAILBOX: "on", **without_secrets(os.environ)}, port=chosen) as demo,
    ):
        if check_only:
            report = asyncio.run(check(demo))
            print_json(report, lines=not as_json)
            sys.exit(1 if report.problems else 0)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        _announce(demo, time.monotonic() - started)  # prints that Ctrl-C ends everything, so this must come last
        if not quiet_erp:
            threading.Thread(target=play_business_day, args=(demo, stop), daemon=True).start()
        while not stop.wait(1.0):
            demo.stack.tend()
        print_text("Stopping …")


@contextmanager
def _fresh_root() -> Iterator[Path]:
    """A new folder for this run. Folders of killed runs are removed."""
    parent = default_root() / "demo"
    parent.mkdir(parents=True, exist_ok=True)
    for old in parent.iterdir():
        if old.name.isdigit() and not Path(f"/proc/{old.name}").exists():
            shutil.rmtree(old, ignore_errors=True)
    root = parent / str(os.getpid())
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _announce(demo: DemoInstallation, seconds: float) -> None:
    print_text(f"\nReady in {seconds:.1f} s: http://localhost:{demo.port}/. Everyone's password: {PASSWORD}\n")
    for msp in demo.msps:
        print_text("", mark=click.style(f"{msp.plan.name}  {demo.address(msp.plan.slug)}", bold=True))
        for email, what in _members(msp):
            print_text(f"  {email:32} {what}")
        print_text("")
    print_text(
        "The operator works with commands in another shell, e.g. `fairlead msp list` and `fairlead client list`."
    )
    first = demo.clients[0].plan.slug
    print_text(f"Change a price yourself: {demo.sandbox}/{first}-erp/?token={demo.token}")
    print_text(f"See it in the shop:      {demo.sandbox}/{first}-shop/")
    print_text(f"Pay last month's invoice as {_PAYER}: {demo.address(demo.msps[0].plan.slug)}/clients/{first}/invoices")
    print_text(f"Finish the onboarding of {HALF} in the browser: http://localhost:{demo.port}/ tells how.")
    print_text(f"Logs: {demo.stack.root / 'logs'}.  Stop everything with Ctrl-C.\n")


def _members(msp: SeededMsp) -> list[tuple[str, str]]:
    staff = [(member.email, f"{_STAFF[member.role]}, all clients") for member in msp.plan.staff]
    return staff + [
        (member.email, f"{member.role.replace('_', ' ')}, {client.partner if member.partner else client.name}")
        for client in msp.plan.clients
        for member in client.members
    ]
