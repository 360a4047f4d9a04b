"""Concurrent edits: a saved version is not overwritten by a form or request that was opened before."""

import asyncio
import re
from typing import Any

import pytest

from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit

pytestmark = pytest.mark.asyncio(loop_scope="module")

_STEP = {"about": "approval", "after_minutes": 60, "role": "client_approver"}
_PROVIDER = {"name": "Harbour ID", "issuer": "https://id.example.com", "client_id": "one"}
_BRAND = {"name": "Blue Harbour", "monogram": "BH", "accent": "#0f766e", "support_email": "help@blue.example"}
_LOOKS = {"neutral": "cool", "radius": "medium", "font": "system", "mark": "tile"}
_TERMS = {"bands": [{"below_pct": "99", "credit_pct": "5"}], "most_pct": "20", "from_month": "2036-01"}
_ROLE = {"name": "Night watch", "permissions": ["exception:read"]}
_CLIENT, _MSP = "/api/v1/clients/{client}", "/api/v1"

EDITS: dict[str, tuple[str, str, str, dict[str, Any], dict[str, Any]]] = {
    "brand": (f"{_MSP}/brands/{{brand}}", "PUT", "", _BRAND, {"accent": "#123456"}),
    "client brand": (f"{_CLIENT}/brand", "PUT", "", {"name": "Shore"}, {"name": "Coast"}),
    "role": (f"{_MSP}/roles/{{role}}", "PUT", "", _ROLE, {"about": "Looks after exceptions."}),
    "ladder": (
        f"{_CLIENT}/escalation-ladder",
        "PUT",
        "",
        {"steps": [_STEP]},
        {"steps": [_STEP | {"after_minutes": 90}]},
    ),
    "MSP ladder": (
        f"{_MSP}/escalation-ladder",
        "PUT",
        "",
        {"steps": [_STEP]},
        {"steps": [_STEP | {"after_minutes": 90}]},
    ),
    "single sign-on": (f"{_MSP}/single-sign-on", "PUT", "", _PROVIDER, {"name": "Shore ID"}),
    "retention": (f"{_CLIENT}/retention", "PUT", "/policies/changes", {"keep_days": 4000}, {"keep_days": 4001}),
    "retention defaults": (f"{_MSP}/retention/defaults", "PUT", "/changes", {"keep_days": 4000}, {"keep_days": 4001}),
    "service credits": (f"{_CLIENT}/service-levels", "PUT", "/terms", _TERMS, {"most_pct": "30"}),
}


async def call(visit: Visit, method: str, path: str, body: object, tag: str = "") -> Any:
    headers = {"X-CSRF-Token": visit.token, "Accept": "application/json"} | ({"If-Match": tag} if tag else {})
    return await visit.http.request(method, path, json=body, headers=headers)


async def names_of(admin: Visit, msp_setup: MspSetup) -> dict[str, str]:
    role = (await admin.api("POST", "/api/v1/roles", _ROLE)).json()["id"]
    return {"client": msp_setup.slug, "brand": f"b-{msp_setup.env.scope.tenant_id.hex[-8:]}", "role": role}


@pytest.mark.parametrize("what", EDITS)
async def test_the_second_of_two_edits_of_the_same_version_is_refused(
    what: str, admin: Visit, msp_setup: MspSetup
) -> None:
    address, method, below, first, changed = EDITS[what]
    address = address.format(**await names_of(admin, msp_setup))
    saved = await call(admin, method, address + below, first)
    assert saved.status_code in {200, 204}, saved.text
    read = await admin.get(address)
    tag, before = read.headers["etag"], first | changed
    assert (await admin.get(address, headers={"If-None-Match": tag})).status_code == 304
    assert (await call(admin, method, address + below, before, tag)).status_code in {200, 204}
    stored = (await admin.get(address)).json()
    for stale in (tag, '"0"', '"nothing"', "*"):
        refused = await call(admin, method, address + below, first, stale)
        assert (refused.status_code, refused.json()["type"]) == (412, "/problems/precondition-failed"), stale
        assert refused.headers["content-type"] == "application/problem+json"
    assert (await admin.get(address)).json() == stored
    current = (await admin.get(address)).headers["etag"]
    weak = f'W/{current.replace("-gzip", "")[:-1]}-gzip"'
    assert (await call(admin, method, address + below, first, weak)).status_code in {200, 204}


async def test_one_of_two_edits_at_the_same_moment_is_refused(admin: Visit, msp_setup: MspSetup) -> None:
    path = f"/api/v1/clients/{msp_setup.slug}/brand"
    tag = (await admin.get(path)).headers["etag"]
    both = await asyncio.gather(*(call(admin, "PUT", path, {"name": one}, tag) for one in ("Shore", "Coast")))
    assert sorted(one.status_code for one in both) == [200, 412]


async def test_a_template_and_a_contract_have_their_numbers_as_versions(
    admin: Visit, msp_setup: MspSetup, env: Any
) -> None:
    made = await admin.api("POST", "/api/v1/client-templates", {"name": "Small shop"})
    address = f"/api/v1/client-templates/{made.json()['template_id']}"
    tag = (await admin.get(address)).headers["etag"]
    for status, one in ((201, "Shop"), (412, "Market")):
        content = {"connections": [{"name": one, "kind": "sandbox-shop"}]}
        saved = await call(admin, "POST", f"{address}/versions", {"content": content}, tag)
        assert saved.status_code == status, saved.text
    root = f"/api/v1/clients/{msp_setup.slug}/contracts"
    [known] = [one for one in (await admin.get(root)).json()["items"] if one["element"] == "price.list"]
    wanted = {"element": "price.list", "owner": "Pricing", "source_connection_id": known["source_connection_id"]}
    tag = f'"{known["version"]}"'
    for status in (201, 412):
        assert (await call(admin, "POST", root, wanted, tag)).status_code == status
    assert (await call(admin, "POST", root, wanted)).status_code == 201


PAGES: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    "brand": ("/brands/{brand}", "", _BRAND | _LOOKS, {"accent": "#123456"}),
    "client brand": ("/clients/{client}/brand", "", {"name": "Shore"}, {"name": "Coast"}),
    "role": ("/roles/{role}/edit", "", {"name": "Night watch", "permissions": "exception:read"}, {"about": "Other"}),
    "ladder": (
        "/clients/{client}/escalations",
        "",
        {
            "action": "save",
            "about": "approval",
            "after": "2",
            "unit": "hours",
            "role": "client_approver",
            "least_severity": "0",
        },
        {"after": "3"},
    ),
    "single sign-on": ("/members/single-sign-on", "", _PROVIDER | {"mode": "off"}, {"name": "Shore ID"}),
    "retention": (
        "/clients/{client}/retention",
        "/policy",
        {"data_class": "changes", "keep_days": "4000"},
        {"keep_days": "4001"},
    ),
    "service credits": (
        "/clients/{client}/service-levels",
        "/terms",
        {"bands": "99=5", "most": "20", "from_month": "2036-01"},
        {"most": "30"},
    ),
    "contract": (
        "/clients/{client}/contracts/edit?element=price.list",
        "",
        {
            "element": "price.list",
            "owner": "Pricing",
            "publish_seconds": "30",
            "decide_hours": "24",
            "correct_hours": "4",
            "expire_hours": "48",
        },
        {"owner": "Sales"},
    ),
    "template": (
        "/templates/{template}/contract",
        "",
        {"part": "connection", "name": "Shop", "kind": "sandbox-shop"},
        {"name": "Market"},
    ),
}


@pytest.mark.parametrize("what", PAGES)
async def test_a_form_that_was_opened_before_another_was_saved_is_refused(
    what: str, admin: Visit, msp_setup: MspSetup
) -> None:
    address, below, first, changed = PAGES[what]
    names = await names_of(admin, msp_setup)
    made = await admin.api("POST", "/api/v1/client-templates", {"name": "Small shop"})
    address = address.format(**names, template=made.json()["template_id"])
    form = (await admin.get(address)).text
    found = re.search(r'name="version" value="([0-9a-f]+)"', form)
    assert found, form[-3000:]
    version, path = {"version": found[1]}, address.partition("?")[0] + below
    saved = await admin.post(path, first | changed | version)
    assert saved.status_code == 303, re.sub(r"<[^>]+>|\s+", " ", saved.text)
    refused = await admin.post(path, first | version)
    assert (refused.status_code, "Nothing was saved." in refused.text) == (412, True)
    assert f'name="version" value="{found[1]}"' in refused.text
    renewed = re.search(r'name="version" value="([0-9a-f]+)"', (await admin.get(address)).text)
    assert renewed is not None
    assert (await admin.post(path, first | {"version": renewed[1]})).status_code == 303


async def test_price_books_and_a_clients_own_prices_have_versions(admin: Visit, msp_setup: MspSetup) -> None:
    made = await admin.api("POST", "/api/v1/price-books", {"currency": "EUR", "rounding": "half_up"})
    book = f"/api/v1/price-books/{made.json()['id']}"
    price = {"meter": "sync.verified", "kind": "per_unit", "unit_price": "0.30"}
    cost = {"meter": "sync.verified", "unit_cost": "0.10"}
    for below, body in (("/prices", price | {"valid_from": "2101-01-01T00:00:00Z"}), ("/unit-costs", cost)):
        tag = (await admin.get(book)).headers["etag"]
        for status in (201, 412):
            saved = await call(admin, "POST", book + below, body, tag)
            assert saved.status_code == status, saved.text
        assert (await call(admin, "POST", book + below, body)).status_code != 412  # without the header
    own = f"/api/v1/clients/{msp_setup.slug}/prices"
    for year in (2101, 2102):
        tag = (await admin.get(own)).headers["etag"]
        wanted = price | {"client": msp_setup.slug, "valid_from": f"{year}-01-01T00:00:00Z"}
        for status in (201, 412):
            saved = await call(admin, "POST", "/api/v1/prices", wanted, tag)
            assert saved.status_code == status, saved.text


async def test_pages_of_prices_send_the_version_of_their_form(admin: Visit, msp_setup: MspSetup) -> None:
    made = await admin.api("POST", "/api/v1/price-books", {"currency": "EUR", "rounding": "half_up"})
    book = f"/prices/books/{made.json()['id']}"
    form = {"meter": "sync.verified", "kind": "per_unit", "unit_price": "0.30", "valid_from": "2101-01-01"}
    for shown, action, fields in (
        (f"{book}/new", f"{book}/new", form),
        (book, f"{book}/unit-costs", {"meter": "sync.verified", "unit_cost": "0.1"}),
        (f"/clients/{msp_setup.slug}/prices", f"/clients/{msp_setup.slug}/prices", form),
    ):
        found = re.search(r'name="version" value="([^"]+)"', (await admin.get(shown)).text)
        assert found is not None, shown
        for status in (303, 412):
            saved = await admin.post(action, fields | {"version": found[1]})
            assert saved.status_code == status, (action, saved.text[:300])
