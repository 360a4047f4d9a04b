"""The same stored rows, read by members with different languages and time zones."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest

from canonical.elements import PRICE
from connectors.models import Connection
from foundation.ids import new_id
from foundation.web.boundary import Boundary
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import NewException
from governance.messages.exceptions import DRIFT_READ
from governance.propagation.models import PropagationAttempt
from tenants.preferences.set_preferences import Preferences, set_account_preferences, set_member_preferences
from tests.governance.pages.web_app import GovernanceWebApp, Reader, build_app
from tests.support.values import minor
from tests.tenants.web_app import visiting

API = "/api/v1/clients/acme"
SEEN = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)


@pytest.fixture
async def bounded(busy: GovernanceWebApp) -> AsyncIterator[GovernanceWebApp]:
    """The application with its outer layer, which sets the language of a request."""
    async with visiting(cast("Any", Boundary(cast("Any", build_app(busy.auth))))) as http:
        readers = {name: dataclasses.replace(reader, http=http) for name, reader in busy.readers.items()}
        yield dataclasses.replace(busy, http=http, readers=readers)


async def choose(web_app: GovernanceWebApp, reader: Reader, language: str, time_zone: str) -> None:
    async with web_app.auth.db.transaction(web_app.acme.scope) as session:
        await set_member_preferences(
            session, reader.member_id, Preferences(language, time_zone), now=web_app.auth.clock()
        )


async def drift(web_app: GovernanceWebApp) -> None:
    found = NewException(
        ExceptionType.CHANNEL_DRIFT,
        "x",
        DRIFT_READ.fill(
            element=PRICE, record_key="SKU-1", shown=minor(199900, "EUR"), expected=minor(150000, "EUR"), seen_at=SEEN
        ),
        1000,
        channels=2,
        element=PRICE,
        record_key="SKU-1",
    )
    async with web_app.auth.db.transaction(web_app.acme.scope) as session:
        await open_exceptions(session, [found], now=SEEN + timedelta(minutes=1), new_id=new_id)


async def test_a_stored_exception_is_read_in_each_readers_language_and_zone(bounded: GovernanceWebApp) -> None:
    await drift(bounded)
    await choose(bounded, bounded["viewer"], "de", "Europe/Berlin")
    await choose(bounded, bounded["approver"], "en", "America/New_York")
    german = await bounded["viewer"].get("/clients/acme/exceptions")
    english = await bounded["approver"].get("/clients/acme/exceptions")
    assert "Listenpreis von SKU-1: Der Kanal zeigt 1.999,00" in german.text
    assert "List price of SKU-1: the channel shows €1,999.00" in english.text
    api = "/api/v1/clients/acme/exceptions"
    [row] = (await bounded["viewer"].get(api, **{"accept-language": "de"})).json()["items"]
    assert "am 30.11.2026, 00:30 MEZ war dort 1.500,00\xa0€ zu sehen" in row["detail"]
    assert row["title"] == "Außerhalb des führenden Systems geändert"
    assert [factor["why"] for factor in row["severity_factors"]["factors"]][2] == "2 Kanäle zeigen es."
    [same] = (await bounded["approver"].get(api)).json()["items"]
    assert "was verified there on 29 Nov 2026, 18:30 UTC−5" in same["detail"]
    assert (row["message"], row["params"]) == (same["message"], same["params"])
    assert row["params"]["seen_at"] == "2026-11-29T23:30:00+00:00"


PROCESS_ENDED = {"code": "job.process_ended", "params": {"how": "SIGKILL"}}
AWAY = {
    "code": "connector.system_answered",
    "params": {"system": {"code": "sandbox.shop", "params": {}}, "status": "503"},
}
SYSTEM_TEXT = {"code": "connector.system_text", "params": {"system": "Vendure", "text": "No such \x1bvariant"}}


async def test_stored_reasons_are_read_in_each_readers_language(bounded: GovernanceWebApp) -> None:
    """On pages, in the API and in CSV, with the code and its parameters beside the sentence."""
    acme = bounded.acme
    letter = await acme.letter(PROCESS_ENDED)
    await bounded.borealis.letter(PROCESS_ENDED)
    async with acme.db.transaction(acme.scope) as session:
        shop = await session.get(Connection, (acme.scope.tenant_id, acme.channels["Web shop"]))
        assert shop is not None
        shop.last_failure_at, shop.last_error = acme.ago(5), AWAY
    await choose(bounded, bounded["admin"], "de", "")
    german, english = bounded["admin"], bounded["operator"]
    reason = "Dieser Auftrag brachte den Prozess zum Absturz, der ihn ausführte (SIGKILL)"
    assert reason in (await german.get("/clients/acme/dead-letters")).text
    assert (
        "This job crashed the process that ran it (SIGKILL)" in (await english.get("/clients/acme/dead-letters")).text
    )
    [row] = (await german.get(f"{API}/dead-letters", **{"accept-language": "de"})).json()["items"]
    assert row["error"].startswith(reason)
    assert (row["id"], row["problem"]) == (str(letter), PROCESS_ENDED)
    [same] = (await english.get(f"{API}/dead-letters")).json()["items"]
    assert same["error"].startswith("This job crashed the process")
    assert same["problem"] == row["problem"]
    assert reason in (await german.get("/clients/acme/dead-letters.csv")).text
    assert "Der Shop hat mit 503 geantwortet." in (await german.get("/clients/acme/connections")).text
    rows = (await english.get(f"{API}/connections")).json()["items"]
    [failing] = [one for one in rows if one["name"] == "Web shop"]
    assert (failing["last_error"], failing["problem"]) == ("The shop answered 503.", AWAY)


async def test_a_channels_answer_to_an_attempt_is_shown_in_the_readers_language(
    bounded: GovernanceWebApp,
) -> None:
    acme = bounded.acme
    change_id = await acme.change("SKU-1", 1, 2, states={"Web shop": "refused"})
    await acme.add(
        PropagationAttempt(
            **acme.own, change_id=change_id, id=new_id(), connection_id=acme.channels["Web shop"],
            record_key="SKU-1", element=PRICE, sent=msgspec.to_builtins(minor(1, "EUR")), is_retry=False,
            started_at=acme.ago(9), answered_at=acme.ago(8), outcome="refused", status_code=200, detail=SYSTEM_TEXT,
            retry_after=None, duration_ms=1, bytes=1, read=None,
        )
    )  # fmt: skip
    await choose(bounded, bounded["viewer"], "de", "")
    german = (await bounded["viewer"].get(f"/clients/acme/changes/{change_id}")).text
    assert "Vendure meldet: „No such \ufffdvariant“" in german
    path = f"{API}/changes/{change_id}/attempts"
    [row] = (await bounded["viewer"].get(path, **{"accept-language": "de"})).json()["items"]
    assert row["problem"] == SYSTEM_TEXT
    assert row["detail"].startswith("Vendure meldet: „No such")


async def test_pages_have_lang_and_vary(bounded: GovernanceWebApp) -> None:
    await choose(bounded, bounded["viewer"], "de", "")
    german = await bounded["viewer"].get("/clients/acme/exceptions", **{"accept-language": "en"})
    assert '<html lang="de">' in german.text
    assert german.headers["content-language"] == "de"
    assert "Accept-Language" in german.headers["vary"]
    assert "HX-Request" in german.headers["vary"]
    asked = await bounded["approver"].get("/clients/acme/exceptions", **{"accept-language": "de-AT"})
    assert (asked.headers["content-language"], '<html lang="de">' in asked.text) == ("de", True)
    plain = await bounded["approver"].get("/clients/acme/exceptions", **{"accept-language": "tlh"})
    assert (plain.headers["content-language"], '<html lang="en">' in plain.text) == ("en", True)


async def test_the_accounts_language_applies_to_members_without_one(bounded: GovernanceWebApp) -> None:
    async with bounded.auth.db.transaction(bounded.acme.scope) as session:
        await set_account_preferences(session, Preferences("de", "Europe/Berlin"), now=bounded.auth.clock())
    await choose(bounded, bounded["approver"], "en", "")
    path = "/clients/acme/exceptions"
    languages = {
        name: (await bounded[name].get(path, **{"accept-language": "en"})).headers["content-language"]
        for name in ("viewer", "approver", "staff")
    }
    assert languages == {"viewer": "de", "approver": "en", "staff": "en"}
    other = await bounded["stranger"].get("/clients/borealis/exceptions", **{"accept-language": "en"})
    assert other.headers["content-language"] == "en", "another client's default"


async def test_problems_are_in_the_callers_language_and_their_codes_in_none(bounded: GovernanceWebApp) -> None:
    path = f"/api/v1/clients/acme/exceptions/{new_id()}"
    german = (await bounded["viewer"].get(path, **{"accept-language": "de"})).json()
    english = (await bounded["viewer"].get(path)).json()
    assert (german["title"], english["title"]) == ("Nicht gefunden", "Not found")
    assert german["detail"] == "Unter dieser Adresse gibt es in diesem Konto nichts."
    assert german["type"] == english["type"] == "/problems/not-found"
