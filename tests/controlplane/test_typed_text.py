"""Text of the pages' forms: an invalid one is refused at its field and shown again as typed, never lost."""

import pytest
import pytest_asyncio
from sqlalchemy import text

from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVISIBLE = ["\u200b", "\u2800\u2800", "\U000e0041", "\u0301", "\u2060 \u00a0"]


@pytest_asyncio.fixture(loop_scope="module")
async def forms(web_app: WebApp, msp_setup: MspSetup) -> dict[str, tuple[str, dict[str, str], str]]:
    """Address of each form with a text field: its page, its other fields, and the field."""
    async with web_app.services.db.transaction(msp_setup.env.scope) as session:
        member = (await session.execute(text("SELECT id FROM member WHERE email LIKE 'approver%'"))).scalar_one()
    client = f"/clients/{msp_setup.slug}"
    invited = {"email": "new@example.test", "role": "client_viewer", "name": "New"}
    return {
        f"{client}/suspend": (f"{client}/members", {}, "reason"),
        f"{client}/members/{member}/suspend": (f"{client}/members/{member}", {}, "reason"),
        f"{client}/retention/holds": (f"{client}/retention", {"data_class": ""}, "reason"),
        f"{client}/members/invite": (f"{client}/members/invite", invited, "name"),
    }


async def test_an_unstorable_character_is_reported_at_its_field(
    admin: Visit, forms: dict[str, tuple[str, dict[str, str], str]]
) -> None:
    for address, (page, others, field) in forms.items():
        await admin.get(page)
        answer = await admin.post(address, others | {field: "typed with care\x00"})
        assert answer.status_code == 422, address
        assert "typed with care\ufffd" in answer.text, address
        assert f'name="{field}"' in answer.text, address
        assert "cannot be stored" in answer.text, address


async def test_invisible_text_is_neither_a_reason_nor_a_name(
    admin: Visit, forms: dict[str, tuple[str, dict[str, str], str]]
) -> None:
    for (address, (page, others, field)), typed in zip(forms.items(), INVISIBLE, strict=False):
        await admin.get(page)
        answer = await admin.post(address, others | {field: typed})
        assert (answer.status_code, f'name="{field}"' in answer.text) == (422, True), address


async def test_the_same_rule_holds_for_the_api(admin: Visit, msp_setup: MspSetup) -> None:
    client = f"/api/v1/clients/{msp_setup.slug}"
    await admin.get("/fleet")
    for typed in INVISIBLE:
        for address, body in (
            (f"{client}/suspension", {"reason": typed}),
            (f"{client}/retention/holds", {"reason": typed}),
            (f"{client}/api-keys", {"name": typed}),
        ):
            answer = await admin.api("POST", address, body)
            assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input"), (address, typed)


async def test_public_forms_accept_any_text_without_failing(web_app: WebApp, msp_setup: MspSetup) -> None:
    visit = web_app.visit(msp_setup.host)
    for form in (
        {"email": f"{msp_setup.admin}\x00", "password": "x"},
        {"email": msp_setup.admin, "password": "x\x00y"},
        {"email": msp_setup.admin, "password": "x", "next": "/fleet\x00"},
    ):
        await visit.get("/sign-in")
        answer = await visit.post("/sign-in", form)
        assert answer.status_code in {401, 403, 422}, form
        assert f'value="{form["email"]}"'.replace("\x00", "\ufffd") in answer.text, form
