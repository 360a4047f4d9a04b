"""Set-up of clients and their members from the command line."""

import json
import secrets
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import text

from billing.price_books.repository import list_prices
from billing.pricing.tiers import PriceTier
from controlplane.provisioning import NewAccountMember, NewConnection, add_member, connect, onboard_client, onboard_msp
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.scope import Scope
from tenants.members.repository import accept_invite, find_member, read_invite
from tests.controlplane.test_cli import PASSWORD, read_secret, run_program, tenancy


async def a_client(services: Services) -> Scope:
    slug = secrets.token_hex(4)
    msp_account = await onboard_msp(services, name=f"MSP {slug}", slug=f"msp-{slug}")
    return await onboard_client(services, msp_account, name="Client", slug=f"client-{slug}", currency="EUR")


async def audited(services: Services, scope: Scope) -> set[tuple[str, str]]:
    """Audited actions with their actors."""
    async with services.db.transaction(scope) as session:
        bodies = await session.scalars(
            text("SELECT body FROM audit_entry WHERE tenant_id = :t"), {"t": scope.tenant_id}
        )
        entries = [json.loads(body) for body in bodies]
    return {(entry["action"], entry["actor"]["name"]) for entry in entries}


class TestPasswordLink:
    async def test_the_operator_issues_a_link_for_a_forgotten_password(
        self, environment: dict[str, str | None], services: Services
    ) -> None:
        client = await a_client(services)
        ada = NewAccountMember("ada@example.com", "Ada", PASSWORD, "client_admin")
        await add_member(services, client, ada)
        status, output = await run_program(
            environment, "member", "reset-password", *tenancy(client), "--email", "Ada@Example.com"
        )
        assert status == 0, output
        link = urlsplit(output.splitlines()[0]).path
        password = "another long password of a test"
        prepared = await services.auth.passwords.prepare(password, email=ada.email)
        async with services.db.transaction(client) as session:
            before = (await find_member(session, ada.email)).password_hash
            invite = read_invite(link.removeprefix("/welcome/"))
            await accept_invite(session, invite, password_hash=prepared, now=utc_now())
            session.expire_all()
            assert (await find_member(session, ada.email)).password_hash == prepared != before
        assert ("member.invited", "operator") in await audited(services, client)

    async def test_an_unknown_member_gets_no_link(self, environment: dict[str, str | None], services: Services) -> None:
        client = await a_client(services)
        status, output = await run_program(
            environment, "member", "reset-password", *tenancy(client), "--email", "eve@example.com"
        )
        assert (status, output) == (1, "Error: Nobody in this account has this address.\n")


NEW_ELEMENT = ("--name", "care_label", "--label", "Care label", "--type", "text")
CLASSED = (
    "--element", "custom.care_label", "--sensitivity", "confidential", "--expire-hours", "72",
    "--workflow", "always_approve",
)  # fmt: skip


async def classified(services: Services, client: Scope) -> tuple[object, ...]:
    async with services.db.transaction(client) as session:
        contract = text("""
            SELECT sensitivity, approval_ttl_s, workflow FROM element_contract WHERE element = 'custom.care_label'
        """)
        return tuple((await session.execute(contract)).one())


class TestSettingUp:
    async def test_a_client_is_set_up_from_nothing_to_its_first_price(
        self, environment: dict[str, str | None], services: Services, tmp_path: Path
    ) -> None:
        client = await a_client(services)
        for name in ("webhook_secret", "api_key"):
            (tmp_path / name).write_text(f"the {name}\n")

        async def done(*arguments: str) -> str:
            status, output = await run_program(environment, *arguments)
            assert status == 0, output
            return output

        listed = await done("connector", "list")
        assert {"sandbox-erp: ", "vendure: "} <= {line[:13].partition(":")[0] + ": " for line in listed.splitlines()}
        assert "--secret webhook_secret=…" in listed
        where = ("--url", "http://127.0.0.1:9/x", "--skip-test")
        output = await done(
            "connection", "create", *tenancy(client), "--kind", "sandbox-erp", "--name", "ERP", *where,
            "--secret", f"webhook_secret={tmp_path / 'webhook_secret'}",
        )  # fmt: skip
        erp = UUID(output.split()[1])
        assert f"/hooks/{erp}" in output
        output = await done(
            "connection", "create", *tenancy(client), "--kind", "sandbox-shop", "--name", "Shop", *where,
            "--secret", f"api_key={tmp_path / 'api_key'}",
        )  # fmt: skip
        shop = UUID(output.split()[1])
        assert "hooks" not in output
        assert await read_secret(services, client, shop) == "the api_key"
        assert "costs is ERP." in await done(
            "contract", "publish", *tenancy(client), "--source", str(erp), "--publish-seconds", "45"
        )
        part = ("--element", "stock.on_hand", "--select", "location=Lager Nord")
        assert "stock.on_hand for location=Lager%20Nord is ERP." in await done(
            "contract", "publish", *tenancy(client), "--source", str(erp), "--publish-seconds", "45", *part
        )
        stock = ("--element", "stock.on_hand", "--select")
        assert "belong to ERP now" in await done(
            "contract", "remove", *tenancy(client), *stock, " location = Lager Nord "
        )
        await done("contract", "publish", *tenancy(client), "--source", str(erp), "--publish-seconds", "45", *part)
        status, refused = await run_program(
            environment, "contract", "publish", *tenancy(client), "--source", str(erp), *stock, "A*"
        )
        assert status != 0
        assert "record_key=WH-*" in refused
        msp_setup = ("--msp", str(client.msp_id))
        assert "custom.care_label is declared" in await done("element", "create", *msp_setup, *NEW_ELEMENT)
        assert "custom.care_label  text  Care label  (msp)" in await done("element", "list", *tenancy(client))
        assert "is ERP" in await done("contract", "publish", *tenancy(client), "--source", str(erp), *CLASSED)
        assert await classified(services, client) == ("confidential", 72 * 3600, "always_approve")
        status, refused = await run_program(environment, "element", "create", *tenancy(client), *NEW_ELEMENT)
        assert (status, "Your service provider already declares custom.care_label" in refused) == (1, True)
        old = ("--code", "custom.care_label", "--reason", "Not shown.")
        status, refused = await run_program(environment, "element", "retire", *tenancy(client), *old)
        assert (status, "only your service provider can retire it" in refused) == (1, True)
        assert "custom.care_label is retired" in await done("element", "retire", *msp_setup, *old)
        assert "(msp, retired)" in await done("element", "list", *tenancy(client))
        book = (await done("price-book", "create", *msp_setup, "--side", "retail", "--currency", "EUR")).split()[2]
        await done(
            "price", "set", *msp_setup, "--book", book, "--meter", "sync.verified", "--unit-price", "0.10", "--from",
            "2026-01-01",
        )  # fmt: skip
        assert await audited(services, client) >= {
            ("connection.created", "operator"), ("contract.published", "operator"),
        }  # fmt: skip
        in_msp_account = await audited(services, client.for_tenant(client.msp_id))
        assert in_msp_account >= {("price_book.created", "operator"), ("price.set", "operator")}
        async with services.db.transaction(client) as session:
            contracts = await session.execute(
                text("SELECT element, source_connection_id, propagation_slo_ms FROM element_contract")
            )
            assert {(row[1], row[2]) for row in contracts} == {(erp, 45_000), (erp, 30_000)}
            timers = set(await session.scalars(text("SELECT kind FROM timer")))
        assert timers == {"connectors.poll_source", "billing.rate_usage", "billing.rerate_usage"}
        async with services.db.transaction(client.for_tenant(client.msp_id).for_fleet()) as session:
            [price] = (await list_prices(session)).items
        assert (price.currency, price.terms.unit_price) == ("EUR", Decimal("0.10"))

    async def test_prices_are_set_shown_and_tried_out(
        self, environment: dict[str, str | None], services: Services
    ) -> None:
        client = await a_client(services)

        async def done(*arguments: str) -> str:
            status, output = await run_program(environment, *arguments, "--msp", str(client.msp_id))
            assert status == 0, output
            return output

        book = (await done("price-book", "create", "--side", "retail", "--currency", "EUR")).split()[2]
        volume = ("--kind", "volume", "--tier", "100=0.5+2", "--tier", "rest=0.25", "--minimum", "5")
        await done("price", "set", "--book", book, "--meter", "sync.verified", *volume)
        assert f"{book}  retail  EUR" in await done("price-book", "list")
        assert "at least €5.00" in await done("price-book", "show", "--book", book)
        tried = await done("price-book", "simulate", "--book", book, "--month", "2026-03", "--change", "5")
        assert tried == "2026-03: 0 -> 0 minor units of EUR\n"
        async with services.db.transaction(client.for_tenant(client.msp_id).for_fleet()) as session:
            [price] = (await list_prices(session)).items
        cells = ("--kind", "matrix", "--unit-price", "0.1", "--cell", "region=eu,size=large:0.05")
        await done("meter", "create", "--code", "calls", "--label", "Calls", "--unit", "calls")
        await done("price", "set", "--book", book, "--meter", "calls", *cells)
        await done("price-book", "set-cost", "--book", book, "--meter", "calls", "--cost", "0.01", "--month", "2026-02")
        assert "calls  unit cost 0.01000000 from 2026-02" in await done("price-book", "show", "--book", book)
        assert "by region, size" in await done("price-book", "show", "--book", book)
        assert price.terms.tiers == (
            PriceTier(Decimal(100), Decimal("0.5"), Decimal(2)), PriceTier(None, Decimal("0.25")),
        )  # fmt: skip

    async def test_errors_are_reported_in_a_sentence_and_change_nothing(
        self, environment: dict[str, str | None], services: Services, tmp_path: Path
    ) -> None:
        client = await a_client(services)
        before = await audited(services, client)
        secret = tmp_path / "key"
        secret.write_text("the key\n")
        new = ("connection", "create", *tenancy(client), "--name", "X", "--url", "http://127.0.0.1:9/x", "--kind")
        cases = [
            ((*new, "abacus"), "There is no system of kind “abacus”. Choose one of: sandbox-erp,"),
            ((*new, "sandbox-shop"), "needs “"),
            ((*new, "sandbox-shop", "--secret", f"api_key={secret}"), "This address may not be called: "),
            ((*new, "sandbox-shop", "--secret", "api_key"), "NAME="),
            ((*new, "sandbox-shop", "--secret", f"api_key={tmp_path / 'none'}"), "cannot be read"),
            ((*new, "sandbox-shop", "--set", f"api_key={secret}"), "secret"),
            (("contract", "publish", *tenancy(client), "--source", str(client.tenant_id)), "Error: "),
            (
                ("price", "set", "--msp", str(client.msp_id), "--book", str(client.msp_id), "--unit-price", "dear"),
                "0.03",
            ),
            (
                ("price", "set", "--msp", str(client.msp_id), "--book", str(client.msp_id), "--unit-price", "1"),
                "Error: ",
            ),
        ]
        for arguments, sentence in cases:
            status, output = await run_program(environment, *arguments)
            assert status != 0, arguments
            assert sentence in output, output
            assert "Traceback" not in output
            assert "the key" not in output
        assert await audited(services, client) == before

    async def test_a_channel_is_not_the_source_of_truth(
        self, environment: dict[str, str | None], services: Services
    ) -> None:
        client = await a_client(services)
        new = NewConnection("sandbox-shop", "Shop", "http://127.0.0.1:9/shop", secrets={"api_key": "x"})
        shop = await connect(services, client, new)
        result = await run_program(environment, "contract", "publish", *tenancy(client), "--source", str(shop))
        assert result[0] == 1
        assert result[1].startswith("Error: “Shop” does not report prices, stock and costs.")
