"""Pages and mails of a branded MSP name neither the product nor other accounts: a crawl by links."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest
import pytest_asyncio

from controlplane.services import Services
from foundation.database.engine import Database
from tests.billing.collection.selling import sell
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.controlplane.test_canary import add_rows, handlers, live
from tests.support.client_env import ClientEnv, build_client_env
from tests.support.crawl import Crawl, Words
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_msp_setup,
    own_other_env,
    shared_mailbox_services,
    shared_relay_db,
    shared_web_app,
)
from tests.support.web_app import MspSetup, WebApp, set_up_msp
from tests.support.webhook_receiver import webhook_receiver

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

PRODUCT = "fairlead"
STRANGER, SIBLING = "Kestrel Rivals", "Osprey Siblings"


@pytest_asyncio.fixture(loop_scope="module")
async def sibling_env(
    env: ClientEnv, services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    built = await build_client_env(services, relay_db, urls.intake, sandbox, msp_account=env.msp_account)
    yield built
    await built.close()


@dataclass(frozen=True)
class Reader:
    """A member, with the names that must not be shown to them."""

    email: str
    home: str
    words: Words
    reads_api: bool = False


async def test_a_crawl_from_each_landing_page_meets_no_name_of_others(
    web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, other_env: ClientEnv, sibling_env: ClientEnv
) -> None:
    async with webhook_receiver() as receiver:
        readers = await populate(web_app, msp_setup, other_env, sibling_env, receiver.url)
        sent = "\n".join(f"{one.headers}{one.body.decode()}" for one in receiver.heard)
    assert len(receiver.heard) > 2
    assert PRODUCT not in sent.lower()
    faults, types = [], set()
    admin, approver, partner = readers
    for reader, language in ((partner, "en"), (partner, "de"), (approver, "de"), (admin, "en")):
        crawl = await crawl_as(web_app, msp_setup, reader, language=language)
        faults += [f"{reader.email} in {language}: {fault}" for fault in crawl.faults]
        types |= crawl.types
    assert faults == []
    assert types >= {"text/html", "text/csv", "application/pdf", "application/xml", "application/json", "text/css"}


async def crawl_as(web_app: WebApp, setup: MspSetup, reader: Reader, *, language: str) -> Crawl:
    visit = await web_app.signed_in(setup.host, reader.email)
    crawl = Crawl(visit, reader.words, {"accept-language": language})
    root = f"/clients/{setup.slug}"
    api = [path.replace("{client:str}", setup.slug) for method, path, _ in handlers(web_app.app) if method == "GET"]
    asked = [path for path in api if path.startswith("/api/v1/") and "{" not in path] if reader.reads_api else []
    errors = ("/nowhere", f"{root}/nowhere", "/clients/nobody/overview", "/api/v1/nowhere", "/static/nothing.css")
    await crawl.walk("/", reader.home, may_miss=(*errors, *asked))
    assert f'<html lang="{language}"' in (await visit.get(reader.home, headers={"accept-language": language})).text
    return crawl


async def populate(
    web_app: WebApp, mine: MspSetup, other_env: ClientEnv, sibling_env: ClientEnv, receiver: str
) -> list[Reader]:
    """A client with a row of each kind, beside another client of its MSP and another MSP."""
    env = mine.env
    other = await set_up_msp(other_env, name=STRANGER)
    # The staff are of the MSP of both clients: an exception can be assigned to them.
    sibling = await set_up_msp(sibling_env, name=SIBLING, admin_name="Admin")
    admin = await web_app.signed_in(mine.host, mine.admin)
    wanted = {"url": receiver, "event_types": ["change.released", "change.published"]}
    made = await admin.api("POST", f"/api/v1/clients/{mine.slug}/webhook-endpoints", wanted)
    assert made.status_code == 201, made.text
    invoice = await sell(env)
    for one in (env, other_env, sibling_env):
        await live(one, "SKU-001")
    await replace(env, scope=env.msp_account).work()
    sent = await admin.api("POST", f"/api/v1/clients/{mine.slug}/invoices/{invoice}/acts", {"act": "send"})
    assert sent.status_code == 200, sent.text
    await env.work()
    await add_rows(env)
    strangers = (PRODUCT, STRANGER, other.slug.removeprefix("client-"), str(other_env.scope.msp_id))
    siblings = (*strangers, SIBLING, sibling.slug.removeprefix("client-"), str(sibling_env.scope.tenant_id))
    root = f"/clients/{mine.slug}"
    return [
        Reader(mine.admin, f"{root}/invoices/{invoice}", Words(strangers), reads_api=True),
        Reader(mine.approver, f"{root}/overview", Words(siblings)),
        Reader(mine.partner, f"{root}/channel", Words(siblings)),
    ]


@pytest.mark.parametrize("answer", [
    httpx.Response(200, text="<p>Made with FairLead</p>"),
    httpx.Response(200, text="ok", headers={"server": "fairlead"}),
    httpx.Response(303, headers={"location": "/x?by=%66airlead"}),
])  # fmt: skip
async def test_a_leak_is_found_wherever_it_is(answer: httpx.Response) -> None:
    assert Words((PRODUCT,)).found_in(answer) == [PRODUCT]
    assert Words((STRANGER,)).found_in(answer) == []
