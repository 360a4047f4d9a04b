"""A failed start ends all processes that it had started, and reports the reason."""

import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.processes import processes_in
from controlplane.embedded.servers import EmbeddedServers
from controlplane.embedded.supervise import Program
from controlplane.migrate import MigrationRefused
from controlplane.ports import PortTaken, held_port
from controlplane.stack import Stack
from tests.conftest import VAULT_KEYS


@pytest.fixture
def root() -> Iterator[Path]:
    """Outside pytest's folder, which each of its sessions makes private: the servers run as another user."""
    with TemporaryDirectory(prefix="fairlead-test-stack-") as folder:
        yield Path(folder)


def expect_nothing_left(root: Path) -> None:
    """Check that no server runs and that the lock is free."""
    servers = EmbeddedServers(root / "servers")
    assert processes_in(servers.paths.postgres_data, "postgres") == []
    assert processes_in(servers.paths.valkey_data, "valkey-server") == []
    with servers:
        assert servers.is_owner


def test_a_reserved_port_is_used_by_its_server() -> None:
    with held_port() as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with pytest.raises(PortTaken, match=f"Port {port} is taken"), held_port(port, seconds=0.2):
            pass
        with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port), timeout=60):
            pass


def test_an_unknown_schema_stops_the_servers(root: Path) -> None:
    with EmbeddedServers(root / "servers") as servers:
        servers.create_database("fairlead", owner="fairlead_owner")
        with psycopg.connect(servers.database_url(dbname="fairlead", role="fairlead_owner")) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS public")
            connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
            connection.execute("INSERT INTO alembic_version VALUES ('of-a-later-day')")
    for name in ("vault.keys", "secret.key"):
        (root / name).touch(mode=0o600)
        (root / name).write_text({"vault.keys": VAULT_KEYS}.get(name, "s" * 64))
    with pytest.raises(MigrationRefused, match="of-a-later-day"), Stack(root, environment={}):
        pass
    expect_nothing_left(root)


def test_a_program_that_does_not_start_ends_all_with_the_block(root: Path) -> None:
    def start() -> None:
        with Stack(root, environment={}) as stack:
            stack.supervisor.start(Program(name="other", argv=["/bin/sleep", "600"], restart=False))
            pids.append(stack.supervisor.pid("other"))
            stack.run("web", "web", "--port", "not a port")
            stack.supervisor.wait_until("web", lambda: False, seconds=60)

    pids: list[int | None] = []
    with pytest.raises(EmbeddedServerFailed, match="not a port"):
        start()
    assert pids[0]
    assert not Path(f"/proc/{pids[0]}").exists()
    expect_nothing_left(root)
