"""Mails from their cause to a real SMTP server, and mail settings: on pages, over the API and by command."""

import asyncio
import json
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from controlplane.cli.main import main
from controlplane.jobs import build_jobs
from controlplane.services import Services, build_services
from foundation.jobs.worker import LaneWorker
from foundation.mail_settings import MailSettings, SmtpServer, SmtpTls
from foundation.scope import Scope
from tenants.mail.job_types import MAIL_LANE
from tenants.mail.mail_types import INVOICE
from tenants.mail.mailer import Attachment, Mailer, Portal, Recipient
from tenants.preferences.set_preferences import Preferences, set_account_preferences
from tests.conftest import Urls
from tests.support.client_env import ClientEnv
from tests.support.fixtures_product import settings_of
from tests.support.mail_server import PASSWORD, USER, MailServer, running_mail_server
from tests.support.passwords import hash_cheaply
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, running_web_app, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LINK = re.compile(r"http://\S+/welcome/[A-Za-z0-9_-]+")


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


async def do_work(services: Services, scope: Scope) -> None:
    """One batch of the lane of mails."""
    worker = LaneWorker(
        services.db,
        services.ready_queue,
        build_jobs(services),
        pool="shared",
        metrics=services.lane_metrics,
        lease=60.0,
    )
    await worker.run_lane(scope.msp_id, scope.tenant_id, MAIL_LANE)


async def make_jobs_due(services: Services, scope: Scope) -> None:
    async with services.db.transaction(scope) as session:
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp()"))


async def mails_of(services: Services, scope: Scope) -> list[tuple[Any, ...]]:
    async with services.db.transaction(scope) as session:
        rows = await session.execute(text("SELECT state, content IS NULL, error ->> 'code' FROM mail ORDER BY id"))
        return [tuple(row) for row in rows]


async def use_server(admin: Visit, port: int, **more: str) -> None:
    form = {"host": "127.0.0.1", "port": str(port), "tls": "none", "username": USER, "password": PASSWORD}
    await admin.get("/mail/server")
    answer = await admin.post("/mail/server", form | {"from_address": ""} | more)
    assert answer.status_code == 303, answer.text


async def invite(admin: Visit, msp_setup: MspSetup, email: str = "mia@client.example") -> str:
    await admin.get(f"/clients/{msp_setup.slug}/members/invite")
    form = {"email": email, "name": "Mia Sand", "role": "client_viewer"}
    answer = await admin.post(f"/clients/{msp_setup.slug}/members/invite", form)
    assert answer.status_code == 200, answer.text
    return str(_LINK.search(answer.text).group())  # type: ignore[union-attr]


def parts(mail: EmailMessage) -> tuple[str, str]:
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


async def test_a_file_is_sent_along_and_then_deleted(admin: Visit, env: ClientEnv, smtp: MailServer) -> None:
    services, to = env.services, Recipient("buyer@client.example", "Birch AG", "en")
    await use_server(admin, smtp.port)
    async with services.db.transaction(env.scope) as session:
        await services.get(Mailer).queue(
            session, INVOICE, to, portal=Portal("", None), now=services.clock(), number="R-1", account="Calm",
            amount="1.00", due="today", attachments=[Attachment("R-1.pdf", "application/pdf", b"%PDF-1")],
        )  # fmt: skip
    await do_work(services, env.scope)
    (mail,) = smtp.mails
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("R-1.pdf", b"%PDF-1")
    assert mail["content-language"] == "en"
    assert all("The invoice R-1 of Calm" in part for part in parts(mail))
    async with services.db.transaction(env.scope) as session:
        assert await session.scalar(text("SELECT count(*) FROM mail_attachment")) == 0


class TestInvitation:
    async def test_it_is_sent_once_under_the_brand_in_the_readers_language(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, smtp: MailServer
    ) -> None:
        services = env.services
        async with services.db.transaction(env.scope) as session:
            await set_account_preferences(session, Preferences("de", "Europe/Berlin"), now=services.clock())
        await use_server(admin, smtp.port)
        link = await invite(admin, msp_setup)
        assert await mails_of(services, env.scope) == [("queued", False, None)]
        for _ in range(3):
            await do_work(services, env.scope)
        (mail,) = smtp.mails
        assert await mails_of(services, env.scope) == [("sent", True, None)]
        assert str(mail["from"]) == "Calm Harbour <help@example.test>"
        assert str(mail["to"]) == "Mia Sand <mia@client.example>"
        assert mail["content-language"] == "de"
        plain, html = parts(mail)
        for content in (plain, html):
            assert link in content
            assert "Passwort" in content
            assert "Calm Harbour" in content
            assert "fairlead" not in (content + str(mail.items())).lower()
        guest = web_app.visit(msp_setup.host)
        assert (await guest.get(link.partition(msp_setup.host)[2])).status_code == 200

    async def test_an_outage_delays_it_and_a_lost_answer_repeats_it_under_the_same_id(
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv, smtp: MailServer
    ) -> None:
        await use_server(admin, smtp.port)
        await invite(admin, msp_setup)
        smtp.answers.append("451 4.3.0 later")
        await do_work(env.services, env.scope)
        assert (smtp.mails, await mails_of(env.services, env.scope)) == ([], [("queued", False, "mail.delayed")])
        await make_jobs_due(env.services, env.scope)
        await do_work(env.services, env.scope)
        assert len(smtp.mails) == 1
        async with env.services.db.transaction(env.scope) as session:
            (mail_id,) = await session.scalars(text("SELECT id FROM mail"))
        assert str(smtp.mails[0]["message-id"]).startswith(f"<{UUID(str(mail_id)).hex}@")

    async def test_a_refused_one_is_shown_and_can_be_sent_again(  # noqa: PLR0917 - fixtures
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv, smtp: MailServer, other_env: ClientEnv, web_app: WebApp
    ) -> None:
        await use_server(admin, smtp.port)
        await invite(admin, msp_setup)
        smtp.answers.append("554 5.7.1 no such user")
        await do_work(env.services, env.scope)
        assert await mails_of(env.services, env.scope) == [("failed", False, "mail.refused")]
        listed = (await admin.api("GET", "/api/v1/mails?status=failed")).json()["items"]
        assert [(one["recipient"], one["kind"]) for one in listed] == [("mia@client.example", "invitation")]
        assert "no such user" in listed[0]["error"]
        page = f"/mail/{listed[0]['id']}"
        assert "no such user" in (await admin.get(page)).text
        stranger = await set_up_msp(other_env, name="Far Shore")
        other = await web_app.signed_in(stranger.host, stranger.admin)
        assert (await other.api("GET", "/api/v1/mails")).json()["items"] == []
        await other.get("/mail")
        for path in (page, f"{page}/send"):
            answer = await (other.post(path) if path.endswith("send") else other.get(path))
            assert answer.status_code == 404
        assert (await other.api("POST", f"/api/v1/mails/{listed[0]['id']}/send")).status_code == 404
        await admin.get(page)
        assert (await admin.post(f"{page}/send")).status_code == 303
        await do_work(env.services, env.scope)
        assert (len(smtp.mails), await mails_of(env.services, env.scope)) == (1, [("sent", True, None)])
        assert (await admin.api("POST", f"/api/v1/mails/{listed[0]['id']}/send")).status_code == 409

    async def test_without_a_server_it_waits_to_be_sent_again(
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        await invite(admin, msp_setup)
        await do_work(env.services, env.scope)
        assert await mails_of(env.services, env.scope) == [("failed", False, "mail.no_server")]
        listed = (await admin.api("GET", "/api/v1/mails")).json()["items"]
        assert (await admin.api("GET", f"/api/v1/mails/{listed[0]['id']}/text")).status_code == 404

    async def test_a_refused_invitation_queues_no_mail(self, admin: Visit, msp_setup: MspSetup, env: ClientEnv) -> None:
        await admin.get(f"/clients/{msp_setup.slug}/members/invite")
        form = {"email": "mia@client.example", "name": "Mia Sand", "role": "msp_admin"}
        assert (await admin.post(f"/clients/{msp_setup.slug}/members/invite", form)).status_code == 403
        assert await mails_of(env.services, env.scope) == []


class TestServer:
    async def test_an_msp_sets_its_own_and_sends_a_test(
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv, smtp: MailServer
    ) -> None:
        assert (await admin.api("GET", "/api/v1/mail-server")).status_code == 404
        body = {"host": "127.0.0.1", "port": smtp.port, "tls": "none", "username": USER, "password": PASSWORD}
        await admin.get("/mail/server")
        shown = await admin.api("PUT", "/api/v1/mail-server", body | {"from_address": "Post@calm.example"})
        assert (shown.status_code, shown.json()["has_password"]) == (200, True)
        assert PASSWORD not in shown.text + (await admin.get("/mail/server")).text
        answer = await admin.api("POST", "/api/v1/mail-server/test")
        assert (answer.status_code, answer.json()["recipient"]) == (202, msp_setup.admin)
        await do_work(env.services, env.msp_account)
        (mail,) = smtp.mails
        assert smtp.senders == ["post@calm.example"]
        assert (str(mail["from"]), str(mail["reply-to"])) == (
            "Calm Harbour <post@calm.example>", "Calm Harbour <help@example.test>",
        )  # fmt: skip
        assert (await admin.post("/mail/test")).status_code == 303
        assert (await admin.api("DELETE", "/api/v1/mail-server")).status_code == 204
        async with env.services.db.transaction(env.msp_account) as session:
            audited = " ".join(await session.scalars(text("SELECT action || body FROM audit_entry")))
        assert {"mail_server.set", "mail_server.removed", "mail.test_requested"} <= {
            *re.findall(r"[a-z_]+\.[a-z_]+", audited)
        }
        assert PASSWORD not in audited

    @pytest.mark.parametrize(
        "change", [{"host": "localhost"}, {"port": "2526"}, {"username": "somebody"}, {"tls": "tls"}]
    )
    async def test_a_stored_password_goes_to_no_other_server(
        self, admin: Visit, env: ClientEnv, smtp: MailServer, change: dict[str, str]
    ) -> None:
        await use_server(admin, smtp.port)
        await use_server(admin, smtp.port, password="", from_address="a@b.example")
        form = {"host": "127.0.0.1", "port": str(smtp.port), "tls": "none", "username": USER, "password": ""}
        answer = await admin.post("/mail/server", form | change)
        assert (answer.status_code, "Enter the password" in answer.text) == (422, True)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"host": "a b"},
            {"host": "x" * 300},
            {"host": "a\r\nb.example"},
            {"port": "0"},
            {"tls": "x"},
            {"from_address": "me"},
        ],
    )
    async def test_an_invalid_server_is_refused_beside_its_field(self, admin: Visit, wrong: dict[str, str]) -> None:
        await admin.get("/mail/server")
        form = {"host": "mail.example.com", "port": "587", "tls": "starttls", "username": "", "password": ""}
        answer = await admin.post("/mail/server", form | {"from_address": ""} | wrong)
        assert answer.status_code == 422
        assert f'id="f-{next(iter(wrong))}-error"' in answer.text

    async def test_only_administrators_of_an_msp_see_it(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        for path in ("/mail", "/mail/server"):
            assert (await approver.get(path)).status_code == 404
        assert (await approver.api("GET", "/api/v1/mail-server")).status_code == 404

    async def test_the_operator_sets_it_by_command(
        self, env: ClientEnv, environment: dict[str, str | None], tmp_path: Path, smtp: MailServer
    ) -> None:
        secret = tmp_path / "password"
        secret.write_text(f"{PASSWORD}\n")
        msp = ["--msp", str(env.scope.msp_id)]

        async def run(*arguments: str) -> Any:
            command = ["mail", *arguments, *msp, "--json"]
            found = await asyncio.to_thread(CliRunner(env=environment).invoke, main, command)
            assert found.exit_code == 0, found.output
            return json.loads(found.stdout)

        at = ["--host", "127.0.0.1", "--port", str(smtp.port), "--tls", "none", "--user", USER]
        shown = await run("set", *at, "--password-file", str(secret))
        assert (shown["has_password"], (await run("show"))["port"]) == (True, smtp.port)
        assert await run("remove") == {"removed": True}


async def test_the_installations_server_sends_for_msps_without_one(
    urls: Urls, env: ClientEnv, msp_setup: MspSetup, smtp: MailServer, tmp_path: Path
) -> None:
    server = SmtpServer(host="127.0.0.1", port=smtp.port, tls=SmtpTls.NONE, username=USER, password=PASSWORD)
    settings = msgspec.structs.replace(
        settings_of(urls), outbound_allowed="", mail=MailSettings(server, "mail@host.example")
    )
    services = build_services(settings)
    hash_cheaply(services.auth.passwords)
    async with running_web_app(services, tmp_path / "static") as web_app:
        admin = await web_app.signed_in(msp_setup.host, msp_setup.admin)
        await invite(admin, msp_setup)
        await do_work(services, env.scope)
    (mail,) = smtp.mails
    assert (smtp.senders, str(mail["reply-to"])) == (["mail@host.example"], "Calm Harbour <help@example.test>")
