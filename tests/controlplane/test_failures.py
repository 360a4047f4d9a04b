"""Errors of the environment are one sentence and exit code 1, in every command and process."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import click
import psycopg
import pytest
import pytest_asyncio
import redis
from click.testing import CliRunner, Result

from controlplane.cli.failures import describe_failure
from controlplane.cli.host import build_host, on_named_accounts
from controlplane.cli.main import main
from controlplane.preflight import check_settings, is_of_settings
from controlplane.provisioning import onboard_client, onboard_msp
from controlplane.services import Services, build_services
from foundation.commands import Act, CommandHost, CommandResult, print_result
from foundation.scope import Scope
from foundation.settings import SettingsInvalid, read_settings
from tests.conftest import Urls
from tests.controlplane.test_cli import commands
from tests.support.commands import run_command
from tests.support.fixtures_product import settings_of
from tests.support.passwords import hash_cheaply
from tests.support.shared_web_app import shared_services  # noqa: F401 - a fixture

SECRET = "a-password-nobody-may-see"
NO_SERVERS = {"demo", "connector-list", "valkey-create-users", "doctor", "edi-read", "edi-acknowledge"}
PROCESSES = ("web", "worker", "relay")
NOT_A_COMMAND_OF_ONE_ACT = {*PROCESSES, "up", *NO_SERVERS}
LOOK_AT_THEIR_INPUT_FIRST = {("connection", "create"), ("restore",)}
BROKEN = {
    "database is no URL": {"DATABASE_URL": SECRET, "DATABASE_APP_URL": SECRET},
    "database is another kind of URL": {"DATABASE_URL": f"mysql://{SECRET}@h/d", "DATABASE_APP_URL": f"mysql://{SECRET}@h/d"},
    "valkey is no URL": {"REDIS_URL": SECRET},
    "valkey's port is no number": {"REDIS_URL": f"redis://:{SECRET}@host:port/0"},
    "database is not there": dict.fromkeys(
        ("DATABASE_URL", "DATABASE_APP_URL", "DATABASE_INTAKE_URL", "DATABASE_RELAY_URL"),
        f"postgresql://fairlead_app:{SECRET}@127.0.0.1:9/fairlead",
    ),
    "the log's form is unknown": {"FAIRLEAD_LOG": "xml"},
    "a vault key is malformed": {"FAIRLEAD_VAULT_KEYS": f"k1:{SECRET}"},
    "the outbound list is malformed": {"FAIRLEAD_OUTBOUND_ALLOWED": "10.0.0.0/99"},
    "the collector is no address": {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector"},
}  # fmt: skip


def minimal(command: click.Command, folder: Path) -> list[str]:
    """Each required option with a valid value."""
    file = folder / "value"
    file.write_text("a long enough password of a test\n")
    given = ["--all"] if command.name == "verify" else []
    for option in command.params:
        if isinstance(option, click.Argument):
            given.append(str(file))
        elif isinstance(option, click.Option) and (option.required or option.name == "admin_password_file"):
            given += [option.opts[0], value_of(option, file)]
    return given


def value_of(option: click.Option, file: Path) -> str:
    known = {"url": "https://erp.example", "month": "2026-03", "kind": "tryton", "currency": "EUR", "unit_price": "0.1",
             "country": "DE", "percent": "19", "amount_minor": "5", "portal": "https://portal.example"}  # fmt: skip
    known |= dict.fromkeys(("email", "admin_email", "support_email"), "ada@example.com")
    if isinstance(option.type, click.Choice):
        return str(next(iter(option.type.choices)))
    if isinstance(option.type, click.types.UUIDParameterType):
        return str(uuid4())
    if isinstance(option.type, click.Path) and not option.type.file_okay:
        return str(file.parent)
    if isinstance(option.type, click.Path | click.File):
        return str(file)
    return known.get(str(option.name), "a-name")


COMMANDS = dict(commands(main))
EACH = ("database is not there",)
"""What every command is tried with; the rest of BROKEN is dealt out over the commands, which read their settings by
the same code: each kind meets dozens of commands, and each command two kinds.
"""


def leaves() -> Iterator[tuple[str, ...]]:
    for path, command in COMMANDS.items():
        if not isinstance(command, click.Group) and "-".join(path) not in NOT_A_COMMAND_OF_ONE_ACT:
            yield path


def broken_settings() -> Iterator[tuple[tuple[str, ...], str]]:
    """Each command with its kinds of broken settings."""
    others = [name for name in BROKEN if name not in EACH]
    for number, path in enumerate(leaves()):
        for broken in (*EACH, others[number % len(others)]):
            yield path, broken


def command_at(path: tuple[str, ...]) -> click.Command:
    return COMMANDS[path]


def expect_a_sentence(output: str) -> None:
    lines = [line for line in output.splitlines() if line]
    assert lines[-1].startswith("Error: "), output
    assert SECRET not in output
    assert "Traceback" not in output


class TestCommands:
    @pytest.mark.parametrize(
        ("path", "broken"), [pytest.param(*pair, id=f"{'-'.join(pair[0])}-{pair[1]}") for pair in broken_settings()]
    )
    def test_each_command_reports_its_error_in_a_sentence(
        self, environment: dict[str, str | None], tmp_path: Path, path: tuple[str, ...], broken: str
    ) -> None:
        arguments = [*path, *minimal(command_at(path), tmp_path)]
        done = CliRunner().invoke(main, arguments, env=environment | BROKEN[broken])
        assert isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code == 1, done.output
        expect_a_sentence(done.output)

    @pytest.mark.parametrize("path", list(leaves()), ids="-".join)
    def test_each_command_reports_a_missing_database(
        self, environment: dict[str, str | None], tmp_path: Path, path: tuple[str, ...]
    ) -> None:
        missing = {name: absent(str(url)) for name, url in environment.items() if name.startswith("DATABASE")}
        done = CliRunner().invoke(main, [*path, *minimal(command_at(path), tmp_path)], env=environment | missing)
        assert isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code == 1
        expect_a_sentence(done.output)
        assert "does not exist" in done.output or path in LOOK_AT_THEIR_INPUT_FIRST


def absent(url: str) -> str:
    return urlsplit(url)._replace(path="/no-such-database").geturl()


class TestProcesses:
    @pytest.mark.parametrize("broken", [name for name in BROKEN if name != "database is not there"])
    @pytest.mark.parametrize("process", [*PROCESSES, "up"])
    def test_none_starts_with_settings_that_cannot_work(
        self, environment: dict[str, str | None], tmp_path: Path, process: str, broken: str
    ) -> None:
        status, output = run({**environment, **BROKEN[broken]}, tmp_path, process)
        assert status == 1
        expect_a_sentence(output)

    @pytest.mark.parametrize("process", [*PROCESSES, "up"])
    def test_a_database_that_does_not_exist_ends_each(
        self, environment: dict[str, str | None], tmp_path: Path, process: str
    ) -> None:
        missing = {name: absent(str(url)) for name, url in environment.items() if name.startswith("DATABASE")}
        status, output = run({**environment, **missing}, tmp_path, process)
        assert status == 1
        expect_a_sentence(output)

    @pytest.mark.parametrize(
        ("process", "name"), [("web", "APP"), ("web", "INTAKE"), ("worker", "APP"), ("relay", "RELAY")]
    )
    def test_an_address_that_a_process_needs_is_named(
        self, environment: dict[str, str | None], process: str, name: str
    ) -> None:
        given = {key: value for key, value in environment.items() if value and key != f"DATABASE_{name}_URL"}
        del given["DATABASE_URL"]
        with pytest.raises(SettingsInvalid, match=f"DATABASE_{name}_URL"):
            check_settings(read_settings(given), process)


def run(environment: dict[str, str | None], folder: Path, process: str) -> tuple[int, str]:
    """Run the command in a process of its own, because it uses signals and event loops."""
    given = {name: value for name, value in environment.items() if value is not None} | {"FAIRLEAD_DATA": str(folder)}
    return run_command([process, *(["--port", "1"] if process == "web" else [])], given)


class TestRefusals:
    def test_a_wrong_password_is_an_error_of_the_settings_and_an_outage_is_not(self) -> None:
        refused = psycopg.OperationalError('connection failed: FATAL:  password authentication failed for user "a"')
        away = psycopg.OperationalError("connection failed: Connection refused")
        assert (is_of_settings(refused), is_of_settings(away)) == (True, False)

    @pytest.mark.parametrize(
        "error",
        [
            psycopg.OperationalError("away\nDETAIL"),
            redis.ConnectionError("away"),
            TimeoutError(),
            OSError(28, "No space"),
        ],
    )
    def test_each_kind_of_failure_has_its_sentence(self, error: Exception) -> None:
        sentence = describe_failure(error)
        assert sentence
        assert "\n" not in sentence

    def test_a_defect_shows_its_traceback(self) -> None:
        assert describe_failure(KeyError("x")) is None
        assert describe_failure(ExceptionGroup("several", [KeyError("x"), OSError(28, "No space")])) is None


NUMBERS = ("-1", "0", "nan", "inf", "-inf", "1e300", "9" * 30, str(10**20), "x", "", "\uff11")
TEXTS = (
    "", " ", "\udcff", "a\x00b", "x" * 5000, "\u202eabc", "0000-00", "9999-12", "0000-01", "2026-02-30", "-1", "nan",
    "\U0001f600", "e\u0301", "http://", "http://h:x", str(UUID(int=0)), str(UUID(int=7)), str(10**20),
)  # fmt: skip
# None of these can be made a folder or a file, also by root.
PATHS = ("", " ", "\udcff", "x" * 5000, "/proc/nonexistent/file", "/proc", "/dev/null", "BINARY", "TEXT")
PAIRS = ("", "=", "x", "x=", "=x", "x=/proc/nonexistent", "x=/proc", "x=\udcff", f"x={'x' * 5000}")


def odd_values() -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Each option and argument of each command with unusual values: with every other one in turn, so that each value
    meets hundreds of options.
    """
    options = [
        (path, option)
        for path in leaves()
        for option in command_at(path).params
        if not (isinstance(option, click.Option) and option.is_flag)
    ]
    for number, (path, option) in enumerate(options):
        name = option.opts[0] if isinstance(option, click.Option) else str(option.name)
        for value in values_for(option)[number % 2 :: 2]:
            yield path, name, value


def values_for(option: click.Parameter) -> tuple[str, ...]:
    if option.multiple:
        return PAIRS
    if isinstance(option.type, click.Path | click.File):
        return PATHS
    is_number = isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
    return NUMBERS if is_number or option.name in {"unit_price", "percent"} else TEXTS


def has_option(path: tuple[str, ...], name: str) -> bool:
    return any(name in each.opts for each in command_at(path).params)


@pytest.fixture(scope="module")
def known_clients() -> dict[tuple[str, ...], Scope]:
    """Client by the command that uses it."""
    return {}


@pytest_asyncio.fixture(loop_scope="module")
async def client(services: Services, known_clients: dict[tuple[str, ...], Scope], path: tuple[str, ...]) -> Scope:
    """A client for all options of one command, so that commands do not affect each other."""
    if path not in known_clients:
        known_clients[path] = await make_client(services)
    return known_clients[path]


async def make_client(services: Services) -> Scope:
    slug = uuid4().hex[:12]
    msp_account = await onboard_msp(services, name=f"MSP {slug}", slug=f"msp-{slug}")
    return await onboard_client(services, msp_account, name="Client", slug=f"client-{slug}", currency="USD")


@pytest.fixture(scope="module")
def host(urls: Urls) -> Iterator[CommandHost]:
    """Runs commands in one event loop with the same services: connecting takes three quarters of a command's time."""
    own = build_host()
    with asyncio.Runner() as runner:
        services = build_services(settings_of(urls), pool_size=2)
        hash_cheaply(services.auth.passwords)

        def run_in_loop(act: Act) -> None:
            print_result(runner.run(run_act(on_named_accounts(act), services)))

        yield CommandHost(own.rooms, run_in_loop, own.settings)
        runner.run(services.close())


@pytest.fixture
def invoke(
    environment: dict[str, str | None], host: CommandHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)  # a command may write a file of a relative name
    return partial(CliRunner().invoke, main, env=environment, obj=host)


async def run_act(act: Act, services: Services) -> CommandResult:
    return await act(services)


ODD_VALUES: dict[tuple[tuple[str, ...], str], list[str]] = {}
for _path, _option, _value in odd_values():
    ODD_VALUES.setdefault((_path, _option), []).append(_value)


class TestValues:
    @pytest.mark.parametrize(
        ("path", "option"),
        sorted(ODD_VALUES),
        ids=lambda it: "-".join(it) if isinstance(it, tuple) else it,
    )
    def test_no_option_value_causes_a_traceback(
        self, invoke: Callable[..., Result], tmp_path: Path, client: Scope, path: tuple[str, ...], option: str
    ) -> None:
        """On an existing account, so that the value itself is validated."""
        files = {"BINARY": tmp_path / "binary", "TEXT": tmp_path / "text"}
        files["BINARY"].write_bytes(b"\xff\x00\xfe" * 50)
        files["TEXT"].write_text("a text that nobody expects\n")
        for value in ODD_VALUES[path, option]:
            arguments = with_value(path, tmp_path, client, option, str(files.get(value, value)))
            done = invoke([*path, *arguments])
            assert done.exception is None or isinstance(done.exception, SystemExit), (value[:20], repr(done.exception))
            expect_an_end_that_is_said(done.exit_code, done.output, value)

    @pytest.mark.asyncio(loop_scope="module")
    @pytest.mark.parametrize("path", [path for path in leaves() if has_option(path, "--client")], ids="-".join)
    async def test_no_command_reaches_a_client_through_another_msp(
        self, environment: dict[str, str | None], tmp_path: Path, client: Scope, services: Services,
        path: tuple[str, ...],
    ) -> None:  # fmt: skip
        slug = uuid4().hex[:12]
        stranger = await onboard_msp(services, name=f"MSP {slug}", slug=f"msp-{slug}")
        arguments = with_value(path, tmp_path, client, "--msp", str(stranger.msp_id))
        done = await asyncio.to_thread(CliRunner().invoke, main, [*path, *arguments], env=environment)
        # Where the client is a filter, nothing is found.
        assert done.exit_code in {1, 2} or done.output == "nothing found\n", done.output
        expect_an_end_that_is_said(done.exit_code, done.output, "")


def with_value(path: tuple[str, ...], folder: Path, client: Scope, option: str, value: str) -> list[str]:
    """The command's arguments with that value for one option or argument, for an existing client."""
    given, flags, texts = minimal(command_at(path), folder), [], []
    known: dict[str, str] = {}
    while given:
        name = given.pop(0)
        if not name.startswith("--"):
            texts.append(name)
        elif given and not given[0].startswith("--") and name != "--all":
            known[name] = given.pop(0)
        else:
            flags.append(name)
    if has_option(path, "--msp"):
        known["--msp"] = str(client.msp_id)
    if has_option(path, "--client"):
        known["--client"] = str(client.tenant_id)
    if option.startswith("--"):
        return [*flags, *(f"{name}={each}" for name, each in (known | {option: value}).items()), *texts]
    return [*flags, *(f"{name}={each}" for name, each in known.items()), "--", value]


def expect_an_end_that_is_said(code: int, output: str, value: str) -> None:
    assert "Traceback" not in output, (value[:20], output)
    if code == 0:
        return
    lines = [line for line in output.splitlines() if line.startswith("Error: ")]
    assert code in {1, 2}, (value[:20], output)
    assert len(lines) == 1, (value[:20], output)
    assert lines[0].removeprefix("Error: ").strip(), value[:20]


@pytest.mark.parametrize("value", ["", "x", "-1", "3", "99999999999999999999"])
def test_the_workers_own_hidden_option_is_refused_in_a_sentence(environment: dict[str, str | None], value: str) -> None:
    given = {name: setting for name, setting in environment.items() if setting is not None}
    code, output = run_command(["worker", "--batch", value], given)
    assert code in {1, 2}
    assert "Traceback" not in output
    assert output.splitlines()[-1].startswith("Error: ")
