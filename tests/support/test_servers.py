import psycopg
import pytest
import redis

from tests.support.servers import Servers, running_servers


def current(url: str, what: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"select {what}").fetchone()
    assert row is not None
    return row[0]


class TestServersNamedByTheEnvironment:
    """`DATABASE_URL` and `REDIS_URL` replace the embedded servers; here they name this run's own."""

    @pytest.fixture
    def environment(self, servers: Servers) -> dict[str, str]:
        return {"DATABASE_URL": servers.admin_url, "REDIS_URL": servers.redis_url, "PYTEST_XDIST_WORKER": "gw7"}

    def test_nothing_is_started(self, environment: dict[str, str]) -> None:
        with running_servers(environment) as named:
            assert named.embedded is None

    def test_each_worker_has_a_fresh_database_beside_the_named_one(self, environment: dict[str, str]) -> None:
        for _again in range(2):
            with running_servers(environment) as named:
                assert current(named.owner_url, "current_database()") == "fairlead_test_gw7"
                with psycopg.connect(named.owner_url, autocommit=True) as connection:
                    connection.execute("create table left_over (n int)")

    def test_each_worker_has_its_own_number_in_valkey(self, environment: dict[str, str], servers: Servers) -> None:
        with (
            running_servers(environment) as named,
            redis.Redis.from_url(named.redis_url) as theirs,
            redis.Redis.from_url(servers.redis_url) as ours,
        ):
            theirs.set("of worker seven", "1")
            assert ours.get("of worker seven") is None
            theirs.flushdb()

    def test_one_may_be_named_and_the_other_embedded(self, environment: dict[str, str]) -> None:
        del environment["REDIS_URL"]
        with running_servers(environment) as mixed, redis.Redis.from_url(mixed.redis_url) as client:
            assert mixed.embedded is not None
            assert client.ping()
            assert current(mixed.owner_url, "current_database()") == "fairlead_test_gw7"


def test_the_embedded_owner_is_no_superuser(servers: Servers) -> None:
    if servers.embedded is not None:
        assert current(servers.owner_url, "current_setting('is_superuser')") == "off"
