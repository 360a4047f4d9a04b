"""Each process runs with the arguments and credentials of its container only, and passes the chart's probes."""

import base64
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from branding.assets import build_assets
from controlplane.embedded.servers import EmbeddedServers
from controlplane.embedded.supervise import Program, Supervisor
from controlplane.ports import held_port
from foundation.settings import with_role
from foundation.valkey_users import RULES
from tests.helm.rendering import Object, containers, rendered

ROOT = Path(__file__).parents[2]
CONTAINERS = {name.removeprefix("prod-fairlead-"): container for name, container in containers(rendered("scheduled"))}


class Machine:
    """Replaces the cluster: the secrets that the values name, the image's files, one free port per listening socket."""

    def __init__(self, folder: Path, servers: EmbeddedServers) -> None:
        servers.create_database("fairlead", owner="fairlead_owner")
        owner = servers.database_url(dbname="fairlead", role="fairlead_owner")
        self.secrets = {
            "fairlead-database/owner-url": owner,
            "fairlead-database/app-url": with_role(owner, "fairlead_app", "app password"),
            "fairlead-database/intake-url": with_role(owner, "fairlead_intake", "intake password"),
            "fairlead-database/relay-url": with_role(owner, "fairlead_relay", "relay password"),
            **{f"fairlead-redis/{component}-url": servers.redis_url_of(component) for component in RULES},
            "fairlead-backup/backup-url": with_role(owner, "fairlead_backup", "backup password"),
            "fairlead-witness/secret": "whsec_" + base64.b64encode(os.urandom(32)).decode(),
            "fairlead-session/key": secrets.token_hex(32),
        }
        self.keys = folder / "keys"
        self.keys.write_text("k1:" + base64.b64encode(os.urandom(32)).decode())
        self.static = folder / "static"
        build_assets(ROOT, self.static)

    def environment(self, container: Object) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        variables = {
            variable["name"]: variable.get("value")
            or self.secrets["{name}/{key}".format(**variable["valueFrom"]["secretKeyRef"])]
            for variable in container["env"]
        }
        # The vault's keys are a file where the chart mounts them.
        if any(mount["name"] == "vault" for mount in container["volumeMounts"]):
            variables["FAIRLEAD_VAULT_KEYS_FILE"] = str(self.keys)
        return inherited | variables

    def program(self, name: str, ports: dict[str, int]) -> Program:
        container = CONTAINERS[name]
        places = {"0.0.0.0": "127.0.0.1", "/app/static": str(self.static)}  # noqa: S104 - the value to replace
        places |= {"8000": str(ports["http"]), "9100": str(ports["metrics"])}
        arguments = [places.get(argument, argument) for argument in container["args"]]
        # `env -i`: the test's own environment must not have an effect.
        settings = [f"{key}={value}" for key, value in self.environment(container).items()]
        argv = ["/usr/bin/env", "-i", *settings, sys.executable, "-m", "controlplane", *arguments]
        return Program(name=name, argv=argv, restart=False)


def with_users(servers: EmbeddedServers) -> EmbeddedServers:
    servers.create_valkey_users()
    return servers


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    with held_port() as one, held_port() as two:
        yield {"http": one, "metrics": two}


def answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Outside pytest's folder, which a concurrent pytest would make inaccessible to the database's user."""
    with (
        TemporaryDirectory(prefix="fairlead-chart-") as name,
        with_users(EmbeddedServers(Path(name) / "servers", durable=False)) as servers,
    ):
        machine = Machine(Path(name), servers)
        migration = machine.program("migrate", {"http": 0, "metrics": 0})
        for _twice in range(2):  # an upgrade runs it again
            subprocess.run(migration.argv, check=True, capture_output=True, timeout=120)
        yield machine


@pytest.mark.parametrize("name", ["web", "worker-shared", "relay"])
def test_the_container_passes_its_probes_and_stops_on_sigterm(
    machine: Machine, tmp_path: Path, ports: dict[str, int], name: str
) -> None:
    container = CONTAINERS[name]
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(machine.program(name, ports))
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            question = container[probe]["httpGet"]
            supervisor.wait_until(name, lambda q=question: answers(ports[q["port"]], q["path"]), seconds=120)  # type: ignore[misc]
        supervisor.wait_until(name, lambda: answers(ports["metrics"], "/metrics"), seconds=120)
        pid = supervisor.pid(name)
        assert pid
        os.kill(pid, signal.SIGTERM)
        until(lambda: supervisor.exit_code(name) is not None)
        assert supervisor.exit_code(name) in {0, -signal.SIGTERM}
    log = supervisor.log(name).read_text()
    assert "Traceback" not in log, log[-3000:]


def test_only_the_migration_and_scheduled_jobs_may_change_the_schema(machine: Machine) -> None:
    for name, container in CONTAINERS.items():
        assert ("DATABASE_URL" in machine.environment(container)) == (name in {"migrate", "retention"})


@pytest.mark.parametrize("name", ["retention", "backup"])
def test_scheduled_commands_succeed_with_their_containers_settings(machine: Machine, tmp_path: Path, name: str) -> None:
    public = X25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "recipient.pem").write_bytes(public)
    program = machine.program(name, {"http": 0, "metrics": 0})
    places = {"/backups": str(tmp_path), "/run/fairlead/recipient/recipient.pem": str(tmp_path / "recipient.pem")}
    done = subprocess.run(
        [places.get(argument, argument) for argument in program.argv],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert bool(list(tmp_path.glob("fairlead-*/manifest.json"))) == (name == "backup")
