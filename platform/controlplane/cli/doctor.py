"""`fairlead doctor`: diagnosis of an installation, with a remedy for each problem."""

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping

import click
import psycopg
import redis.asyncio

from branding.assets import read_manifest
from branding.errors import MissingAsset
from controlplane.cli.backup_checks import backup_role, last_backup
from controlplane.cli.checks import Finding, embedded_data, partitions_are_ready, vault_opens, work_is_done
from controlplane.installation import data_root, find_installation, names_servers
from controlplane.migrate import current_revision, latest_revision
from controlplane.preflight import check_settings
from controlplane.stack import default_static, project_root
from foundation.database.roles import APP, INTAKE, RELAY
from foundation.database.settings import with_settings
from foundation.settings import Settings, SettingsInvalid, read_settings
from foundation.terminal import print_json, print_text

Check = Callable[[Settings], Awaitable[Finding | list[Finding]]]
LEAST_FREE = 512 * 1024 * 1024


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def doctor(as_json: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """Check this machine, the settings, the database, Valkey and the assets. Exits with 1 if there is a problem."""
    findings = asyncio.run(examine(os.environ))
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            print_text(f"{finding.what}: {finding.state}", mark=_mark(finding))
            if finding.mend:
                print_text(f"     → {finding.mend}")
    sys.exit(1 if any(finding.mend and not finding.warning for finding in findings) else 0)


def _mark(finding: Finding) -> str:
    if not finding.mend:
        return click.style("ok  ", fg="green")
    return click.style("warn ", fg="yellow") if finding.warning else click.style("bad ", fg="red")


async def examine(environment: Mapping[str, str]) -> list[Finding]:
    findings = [_python(), *_disk(environment), _assets()]
    try:
        found = None if names_servers(environment) else find_installation(environment)
        if found is not None:
            findings.append(Finding("Servers", f"those of the installation in {found.root}"))
            if found.running.embedded:
                findings += embedded_data(found.root, found.environment())
            settings = found.settings()
        elif names_servers(environment):
            settings = read_settings(environment)
        else:
            root = data_root(environment)
            findings.append(Finding("Servers", "embedded, not running: `fairlead up` starts them"))
            return [*findings, *embedded_data(root, environment)]
        check_settings(settings)
    except SettingsInvalid as error:
        return [*findings, Finding("Settings", "cannot be used", str(error))]
    findings.append(Finding("Vault keys", "readable"))
    checks: tuple[Check, ...] = (_app_role, _intake_role, _relay_role, backup_role, _schema, _valkey)
    for examine_one in checks:
        findings += await _guarded(examine_one, settings)
    if any(finding.mend for finding in findings):
        return findings  # an unreachable server or a missing setup needs no second finding
    checks = (vault_opens, work_is_done, partitions_are_ready, last_backup)
    for examine_one in checks:
        findings += await _guarded(examine_one, settings)
    return findings


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    return Finding("Python", version, "" if good else "Install Python 3.11 or newer.")


def _disk(environment: Mapping[str, str]) -> list[Finding]:
    try:
        root = data_root(environment)
    except SettingsInvalid:  # reported by a later check
        return []
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    state = f"{free // 1024**2} MiB free in {existing}"
    mend = "" if free >= LEAST_FREE else "Free some space, or choose another folder with --data."
    return [Finding("Disk", state, mend)]


def _assets() -> Finding:
    try:
        count = len(read_manifest(default_static()))
    except MissingAsset:
        if (project_root() / "node_modules/htmx.org/dist/htmx.min.js").exists():
            return Finding("Browser assets", "not built yet; `fairlead up` and `fairlead demo` build them")
        return Finding("Browser assets", "missing", "Run `npm ci` in the checkout; `fairlead up` builds them from it.")
    return Finding("Browser assets", f"{count} files")


async def _guarded(examine_one: Check, settings: Settings) -> list[Finding]:
    name = examine_one.__name__.strip("_").replace("_", " ")
    try:
        found = await asyncio.wait_for(examine_one(settings), timeout=10)
    except (psycopg.Error, redis.RedisError, OSError, TimeoutError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        mend = "Check that the server runs, and that URL and password are right. `fairlead migrate` creates the roles."
        return [Finding(name, reason, mend)]
    return found if isinstance(found, list) else [found]


async def _role(url: str, expected: str) -> Finding:
    async with await psycopg.AsyncConnection.connect(with_settings(url), connect_timeout=5) as connection:
        cursor = await connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls,"
            " EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid AND c.relkind = 'r')"
            " FROM pg_roles r WHERE rolname = current_user"
        )
        row = await cursor.fetchone()
    if row is None or row[1] or row[2] or row[3]:
        mend = "This role can bypass isolation. Connect as a role that owns nothing and has no BYPASSRLS."
        return Finding(f"role {expected}", "too powerful", mend)
    return Finding(f"role {expected}", "connects, owns nothing, subject to row-level security")


async def _app_role(settings: Settings) -> Finding:
    return await _role(settings.app_url, APP)


async def _intake_role(settings: Settings) -> Finding:
    return await _role(settings.intake_url, INTAKE)


async def _relay_role(settings: Settings) -> Finding:
    return await _role(settings.relay_url, RELAY)


async def _schema(settings: Settings) -> Finding:
    if not settings.owner_url:
        return Finding("schema", "not checked: DATABASE_URL of the owner is not set")
    current = await asyncio.to_thread(current_revision, settings.owner_url)
    latest = latest_revision()
    return Finding("schema", f"at {current}, latest {latest}", "" if current == latest else "Run `fairlead migrate`.")


async def _valkey(settings: Settings) -> Finding:
    client = redis.asyncio.Redis.from_url(settings.redis_url, socket_connect_timeout=5)
    try:
        info = await client.info("server")
    finally:
        await client.aclose()
    return Finding("valkey", f"answers, version {info.get('valkey_version') or info.get('redis_version')}")
