"""Log lines: form, correlation, redaction of secrets."""

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from foundation.telemetry.correlation import correlated
from foundation.telemetry.logging import configure_logging
from foundation.telemetry.redaction import REDACTED, names_a_secret, redact


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level, before = list(root.handlers), root.level, structlog.get_config()
    output = io.StringIO()
    configure_logging(json=True, level="INFO", stream=output)
    yield output
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


def read(lines: io.StringIO) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_correlation(lines: io.StringIO) -> None:
    with correlated("abc-1"):
        structlog.get_logger().info("worker.started", pool="shared", text="two\nlines")

    (line,) = read(lines)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "worker.started",
        "level": "info",
        "pool": "shared",
        "text": "two\nlines",
        "correlation": "abc-1",
    }


def test_lines_of_libraries_have_the_same_format(lines: io.StringIO) -> None:
    with correlated("abc-1"):
        logging.getLogger("uvicorn.error").warning("Started on %s with password=%s", "port 1", "x")

    (line,) = read(lines)
    assert (line["event"], line["level"], line["logger"]) == (
        "Started on port 1 with password=[redacted]",
        "warning",
        "uvicorn.error",
    )
    assert line["correlation"] == "abc-1"


def test_lower_levels_are_left_out(lines: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("x").debug("detail")
    logging.getLogger("httpcore2.connection").info("detail")

    assert lines.getvalue() == ""


@pytest.mark.parametrize("get_logger", [logging.getLogger, structlog.get_logger])
def test_errors_carry_their_trace_in_the_same_line(lines: io.StringIO, get_logger: Callable[[str], Any]) -> None:
    try:
        int("https://user:hunter22@db.example/")
    except ValueError:
        get_logger("x").exception("failed")

    (line,) = read(lines)
    assert "ValueError" in line["exception"]
    assert "hunter22" not in lines.getvalue()


def test_values_that_json_cannot_hold_do_not_lose_the_line(lines: io.StringIO) -> None:
    structlog.get_logger().info("odd", value=object(), set={1}, raw=b"bytes", number=float("nan"))

    (line,) = read(lines)
    assert line["raw"] == "[5 bytes]"


def test_secrets_do_not_reach_the_output(lines: io.StringIO) -> None:
    structlog.get_logger().info(
        "signed in", password="hunter22", nested={"apiKey": "hunter22", "list": [{"refresh_token": "hunter22"}]},
        url="postgresql://app:hunter22@host/db", header="Bearer hunter22hunter22",
    )  # fmt: skip

    assert "hunter22" not in lines.getvalue()
    assert lines.getvalue().count(REDACTED) == 5


@pytest.mark.parametrize(
    "expected",
    [
        "GET https://erp.example/items?page=2&token=hunter22 answered 500",
        "https://erp.example/?api_key=hunter22&page=2",
        "connection failed: host=db user=app password=hunter22 dbname=x",
        "cannot decode {'accessToken': 'hunter22', 'page': 2}",
        'body was {"client_secret": "hunter22"}',
        "header Authorization: Basic hunter22",
        "sent with authorization=Bearer hunter22",
        "sent Basic hunter22hunter22",
        "Cookie: session=hunter22",
        f"opened /welcome/{'0' * 64}hunter22{'A' * 35}",
        f"refused key_{'0' * 64}_hunter22{'A' * 35}",
        f"signed with whsec_hunter22{'A' * 24}=",
    ],
)
def test_secrets_in_texts_do_not_reach_the_output(lines: io.StringIO, expected: str) -> None:
    structlog.get_logger().info(expected)
    logging.getLogger("httpx2").warning("%s", expected)
    structlog.get_logger().error("failed", error=expected, exc_info=ValueError(expected))

    assert "hunter22" not in lines.getvalue()
    assert lines.getvalue().count(REDACTED) >= 4
    assert redact(redact(expected)) == redact(expected)


@pytest.mark.parametrize(
    "expected",
    [
        "Started on port 1", "tokens_used=12 token_id=7", "monkey=7 author: Ann", "key=SKU-001 was read",
        "https://erp.example/welcome/guide?page=2", "the password was wrong", "secretary: Ann",
    ],
)  # fmt: skip
def test_other_texts_are_logged_unchanged(expected: str) -> None:
    assert redact(expected) == expected


@pytest.mark.parametrize(
    "name",
    ["password", "PASSWORD", "db_password", "secret", "client_secret", "clientSecret", "token", "access_token",
     "accessToken", "authorization", "Authorization", "set-cookie", "cookie", "api_key", "apiKey", "api-key",
     "x-api-key", "private_key", "signing_key", "credentials", "csrf", "signature", "otp", "secrets",
     "vault_keys", "conninfo"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize(
    "name",
    ["tenant_id", "record_key", "key", "idempotency_key", "credential_id", "tokens_used", "event", "correlation",
     "secretary", "tokenizer", "author", "signature_kind", "shop", "monkey", "password_count"],
)  # fmt: skip
def test_names_of_other_things(name: str) -> None:
    assert not names_a_secret(name)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(st.lists(st.sampled_from(["password", "=", ":", "token", " ", "'", "[", "x", "Bearer ", "a" * 30, "&"])))
def test_a_redacted_text_has_nothing_left_to_redact(parts: list[str]) -> None:
    once = redact("".join(parts))

    assert redact(once) == once


@given(json_like)
def test_redaction_never_fails_and_is_done_once(value: object) -> None:
    once = redact(value)

    assert redact(once) == once


def test_the_console_form_is_redacted_too() -> None:
    root = logging.getLogger()
    handlers, level, before = list(root.handlers), root.level, structlog.get_config()
    for name in ("uvicorn", "uvicorn.error"):  # a server that an earlier test started in this process keeps its own
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate, library.disabled = True, False
        library.setLevel(logging.NOTSET)
    output = io.StringIO()
    configure_logging(json=False, stream=output)
    log = structlog.get_logger()
    log.info("hello", password="hunter22", shop="a")
    secret = "hunter" + str(22)  # a traceback shows source lines, which must not contain the secret
    try:
        int(f"https://user:{secret}@db.example/")
    except ValueError:
        log.exception("failed")
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)

    assert secret not in output.getvalue()
    assert "ValueError" in output.getvalue()
    assert "shop=a" in output.getvalue()
