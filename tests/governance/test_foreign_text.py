"""Text of other systems is cleaned before it is stored, on every path."""

import io

import msgspec
import pytest
import structlog

from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from canonical.messages import Observation
from canonical.values import Value, money
from connectors.health import record_health
from connectors.poll_job import schedule_poll
from connectors.ports import ChannelReading, KeyPage, PayloadInvalid, PollPage, SystemUnavailable
from connectors.webhooks.writer import storable_id
from foundation.audit.chain import append_audit, verify_chain
from foundation.clock import utc_now
from foundation.i18n.localizer import ENGLISH
from foundation.i18n.messages import TEXT, StoredMessage
from foundation.ids import new_id
from foundation.telemetry.logging import configure_logging
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import NewException
from governance.messages.exceptions import MESSAGE_QUARANTINED
from governance.messages.writer import write_message
from governance.records.validation import admit, admit_reading
from tests.governance.baseline.clients import read
from tests.governance.scripted import ScriptedCatalogue, ScriptedSource, replace_part
from tests.support.client_env import ClientEnv
from tests.support.values import minor, pieces, plain

FOREIGN = ["a\x00b", "a\ud800b", "a\udcffb", "a\x1b[31mb", "a\x85b", "ab" * 5000, "a\x00" * 300]


def sentence(document: object) -> str:
    return write_message(msgspec.convert(document, StoredMessage), ENGLISH)


def is_clean(text: object) -> bool:
    assert isinstance(text, str)
    return bool(text) and text.startswith("a") and not any(c in text for c in "\x00\x1b\x85\ud800\udcff")


@pytest.mark.parametrize("error", FOREIGN)
async def test_an_error_text_is_recorded_as_health_and_as_an_exception(env: ClientEnv, error: str) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await record_health(session, env.erp, now=utc_now(), error=TEXT.write(text=error))
        found = NewException(
            ExceptionType.SOURCE_QUARANTINED, error[:90], MESSAGE_QUARANTINED.fill(reason=error), 1000, correlation="c"
        )
        await open_exceptions(session, [found], now=utc_now(), new_id=new_id)
        append_audit(session, action="x", subject=error[:90], data={error[:9]: [error, {"e": error}]}, at=utc_now())
    ((health,),) = await env.rows("SELECT last_error FROM connection WHERE id = :c", c=env.erp)
    [exception] = await env.exceptions()
    assert is_clean(sentence(health))
    assert is_clean(exception.detail)
    assert len(sentence(health)) <= 1000
    assert len(exception.detail) <= 2000
    await env.rows("SELECT body::jsonb FROM audit_entry")
    async with env.services.db.transaction(env.scope) as session:
        assert (await verify_chain(session)).broken_at is None


@pytest.mark.parametrize("error", FOREIGN)
async def test_a_source_that_answers_with_such_a_text_is_failing_and_polled_again(env: ClientEnv, error: str) -> None:
    def fail(cursor: str, before: int) -> PollPage:
        raise SystemUnavailable(TEXT.write(text=error))

    replace_part(env, "sandbox-erp", poll=ScriptedSource(fail))
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now())
    await env.work()
    ((health,),) = await env.rows("SELECT last_error FROM connection WHERE id = :c", c=env.erp)
    assert is_clean(sentence(health))
    ((stored,),) = await env.rows("SELECT error FROM job WHERE lane LIKE 'poll/%'")
    assert is_clean(sentence(stored))


async def test_a_job_that_fails_with_such_a_text_is_retried_and_not_lost(env: ClientEnv) -> None:
    def fail(cursor: str, before: int) -> PollPage:
        raise RuntimeError("a\x00b\ud800c")

    replace_part(env, "sandbox-erp", poll=ScriptedSource(fail))
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now())
    await env.work()
    noted = {"code": "connector.answer_unreadable", "params": {"error": "RuntimeError"}}
    assert await env.rows("SELECT error FROM job WHERE lane LIKE 'poll/%'") == [(noted,)]


@pytest.mark.parametrize("external_id", ["chg\x00", "chg\ud800", "c" * 5000])
async def test_an_unstorable_polled_id_is_replaced_consistently(env: ClientEnv, external_id: str) -> None:
    body = msgspec.json.encode(env.change("SKU-001", STOCK, 4))
    source = ScriptedSource(lambda cursor, before: PollPage([(external_id, body)], str(before), more=before < 2))
    replace_part(env, "sandbox-erp", poll=source)
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now())
    await env.work(settle=20.0)
    assert await env.rows("SELECT dedupe_key FROM source_event") == [(storable_id(external_id),)]
    assert await env.rows("SELECT minor(value) FROM record_value") == [(4,)]


@pytest.mark.parametrize(
    "seen",
    [
        Observation("A\ud800", STOCK, pieces(1), 1, utc_now()),
        Observation("A", PRICE, pieces(1), 1, utc_now()),
        Observation("A", STOCK, minor(1, "EUR"), 1, utc_now()),
        Observation("A", PRICE, minor(1, "HRK"), 1, utc_now()),
        Observation("A", PRICE, minor(1, "EUR"), 1, utc_now(), dimension="currency=USD"),
        Observation("A", PRICE, minor(1, "EUR"), 1, utc_now(), dimension="locale=de"),
        Observation("A", PRICE, minor(1, "EUR"), 1, utc_now(), dimension="currency=EUR,"),
        Observation("A", PRICE, minor(1, "EUR"), 1, utc_now(), record_type="customer"),
        Observation("A", "product.name", plain("A\x00"), 1, utc_now()),
        Observation("A", "product.name", plain("A\ud800"), 1, utc_now()),
        Observation("A", "Price; --", minor(1, "EUR"), 1, utc_now()),
    ],
)
def test_unstorable_values_are_not_admitted(seen: Observation) -> None:
    with pytest.raises(PayloadInvalid):
        admit(seen, received_at=utc_now())


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("1" + "0" * 26, "EUR"), ("-" + "9" * 27, "EUR"), ("9" * 5000, "EUR"), ("1e400", "EUR"), ("NaN", "EUR"),
     ("1", "E\x00R"), ("1", "eur"), ("1", "EUR" * 90), ("1", "XXX"), ("1", "DEM")],
)  # fmt: skip
def test_an_unstorable_amount_is_no_value(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"is|has|not"):
        money(amount, currency)


@pytest.mark.parametrize("value", [pieces(1), minor(1, "HRK"), plain("1 EUR")])
def test_an_unstorable_reading_verifies_nothing(value: Value) -> None:
    reading = admit_reading(ChannelReading(ElementKey("A", PRICE), value, 2**70))
    assert (reading.value, reading.version, bool(reading.unreadable)) == (None, None, True)
    assert "1" in reading.unreadable
    assert admit_reading(ChannelReading(ElementKey("A", STOCK), minor(1, "EUR"))).unreadable
    fine = ChannelReading(ElementKey("A", PRICE), minor(1, "EUR"), 3)
    assert admit_reading(fine) is fine


async def test_unstorable_keys_and_values_do_not_stop_a_baseline(env: ClientEnv) -> None:
    keys = ["SKU-001", "SKU\x00", "SKU\ud800", "", "S" * 500, "OWN-1"]
    replace_part(env, "sandbox-shop", catalogue=ScriptedCatalogue(lambda c, n: KeyPage(keys, "", more=False)))
    bodies = [
        msgspec.json.encode(env.change("SKU-001", STOCK, 4)),
        msgspec.json.encode(env.change("SKU-\x00", STOCK, 4)),
        msgspec.json.encode(env.change("SKU-002", STOCK, 4) | {"committed_at": "0001-01-01T00:00:00+14:00"}),
    ]
    payloads = [(f"chg_{n}\x00", body) for n, body in enumerate(bodies)]
    replace_part(env, "sandbox-erp", poll=ScriptedSource(lambda cursor, before: PollPage(payloads, "1", more=False)))
    baseline = await read(env)
    assert await env.rows("SELECT state FROM baseline WHERE id = :b", b=baseline) == [("ready",)]
    listed = await env.rows("SELECT DISTINCT record_key FROM baseline_item ORDER BY 1")
    assert {("OWN-1",), ("SKU-001",)} <= set(listed)
    assert await env.rows("SELECT count(*) FROM governance_exception WHERE code = 'source.quarantined'") == [(2,)]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_log_line_accepts_any_foreign_text(as_json: bool) -> None:  # noqa: FBT001 - a parameter
    before = structlog.get_config()
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    configure_logging(json=as_json, stream=stream)
    structlog.get_logger("t").warning("poll.failed", error="a\ud800b", details={"a\udc00": ["\ud800"]})
    stream.flush()
    structlog.configure(**before)
    assert b"poll.failed" in stream.buffer.getvalue()


@pytest.mark.parametrize("odd", [rb"\ud800", b"\xe9", rb"\udc00\ud800"])
@pytest.mark.parametrize("field", ["sku", "title"])
async def test_text_that_cannot_be_stored_delays_no_neighbour(env: ClientEnv, odd: bytes, field: str) -> None:
    spoilt = msgspec.json.encode(env.change("SKU-001", STOCK, 3) | {field: "@"}).replace(b"@", b"SKU-001" + odd)
    fine = msgspec.json.encode(env.change("SKU-002", STOCK, 4))
    await env.deliver_bytes(b'{"type": "changes", "changes": [' + spoilt + b"," + fine + b"]}")
    await env.work()
    taken = {"SKU-002"} if field == "sku" else {"SKU-001", "SKU-002"}
    assert {key for (key,) in await env.rows("SELECT record_key FROM record_value")} == taken
    codes = [("source.quarantined",)] if field == "sku" else []
    assert await env.rows("SELECT code FROM governance_exception WHERE state = 'open'") == codes
