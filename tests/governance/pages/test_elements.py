"""Page and API of custom elements: permissions, and isolation from other accounts."""

from tests.governance.pages.web_app import GovernanceWebApp

PAGE = "/clients/acme/elements"
API = "/api/v1/clients/acme/elements"
NEW = {"name": "care_label", "label": "Care label", "value_type": "text", "dimensions": ["locale"]}
FORM = {"name": "care_label", "label": "Care label", "value_type": "text", "dimensions": "locale"}


async def test_the_api_declares_an_element_and_lists_it(busy: GovernanceWebApp) -> None:
    made = await busy["admin"].call(API, NEW, page=PAGE)
    assert (made.status_code, made.json()) == (201, {"code": "custom.care_label"})
    [listed] = (await busy["admin"].get(API)).json()["items"]
    assert (listed["label"], listed["value_type"], listed["dimensions"]) == ("Care label", "text", ["locale"])
    assert (await busy["admin"].call(API, NEW, page=PAGE)).status_code == 409
    refused = await busy["admin"].call(API, NEW | {"name": "other", "value_type": "price"}, page=PAGE)
    assert (refused.status_code, refused.json()["field"]) == (422, "value_type")


async def test_the_page_declares_an_element_and_redisplays_refused_input(busy: GovernanceWebApp) -> None:
    admin = busy["admin"]
    assert "No custom elements yet" in (await admin.get(PAGE)).text
    form = {"name": "Grade!", "label": "Grade <b>", "value_type": "enumeration", "codes": "a, b", "distributed": "yes"}
    refused = await admin.post(PAGE, form, page=PAGE)
    assert refused.status_code == 422
    assert "Grade!" in refused.text
    assert (await admin.post(PAGE, form | {"name": "grade"}, page=PAGE)).status_code == 303
    page = (await admin.get(PAGE)).text
    assert "Grade &lt;b&gt;" in page
    assert "Enumeration: a, b" in page


async def test_others_may_not_declare_or_see_it(busy: GovernanceWebApp) -> None:
    await busy["admin"].call(API, NEW, page=PAGE)
    assert (await busy["approver"].call(API, NEW | {"name": "b"}, page=PAGE)).status_code == 403
    assert (await busy["approver"].get(API)).status_code == 200
    assert (await busy["partner"].get(API)).status_code == 403
    assert (await busy["stranger"].get(API)).status_code == 404
    assert (await busy["stranger"].call(API, NEW, page="/clients/borealis/elements")).status_code == 404
    assert (await busy["stranger"].get("/api/v1/clients/borealis/elements")).json()["items"] == []


async def test_staff_declare_an_element_for_all_clients(busy: GovernanceWebApp) -> None:
    staff = busy["staff"]
    assert "No custom elements yet" in (await staff.get("/elements")).text
    assert (await staff.post("/elements", FORM, page="/elements")).status_code == 303
    again = await staff.post("/elements", FORM, page="/elements")
    assert (again.status_code, "care_label already" in again.text) == (409, True)
    made = await staff.call("/api/v1/elements", NEW | {"name": "grade"}, page="/elements")
    assert (made.status_code, made.json()) == (201, {"code": "custom.grade"})
    for reader, client in (("admin", "acme"), ("stranger", "borealis")):
        items = (await busy[reader].get(f"/api/v1/clients/{client}/elements")).json()["items"]
        assert [(one["code"], one["declared_by"]) for one in items] == [
            ("custom.care_label", "msp"), ("custom.grade", "msp"),
        ]  # fmt: skip
    page = (await busy["admin"].get(PAGE)).text
    assert "Service provider, for all clients" in page
    assert "once its contract is published" in page
    assert "Staff" not in page, "no name of the MSP's staff"
    refused = await busy["admin"].call(API, NEW, page=PAGE)
    assert (refused.status_code, refused.json()["title"]) == (409, "The state has changed")


async def test_staff_see_that_a_client_uses_a_code(busy: GovernanceWebApp) -> None:
    await busy["admin"].call(API, NEW, page=PAGE)
    refused = await busy["staff"].call("/api/v1/elements", NEW, page="/elements")
    assert refused.status_code == 409
    assert "has its own element custom.care_label" in refused.json()["detail"]
    shown = await busy["staff"].post("/elements", FORM, page="/elements")
    assert "has its own element" in shown.text
    assert (await busy["staff"].get("/api/v1/elements")).json()["items"] == []


async def test_members_of_clients_and_operators_declare_nothing_for_all(busy: GovernanceWebApp) -> None:
    own = {
        "admin": PAGE,
        "viewer": PAGE,
        "stranger": "/clients/borealis/elements",
        "partner": "/clients/acme/channel",
    }
    for who, page in own.items():
        assert (await busy[who].get("/elements")).status_code == 404, who
        assert (await busy[who].get("/api/v1/elements")).status_code == 404, who
        assert (await busy[who].call("/api/v1/elements", NEW, page=page)).status_code == 404, who
        assert (await busy[who].post("/elements", FORM, page=page)).status_code == 404, who
    operator = busy["operator"]
    assert (await operator.get("/elements")).status_code == 200
    assert (await operator.call("/api/v1/elements", NEW, page="/elements")).status_code == 403


async def test_an_element_is_retired_on_its_page_and_in_the_api_with_a_reason(busy: GovernanceWebApp) -> None:
    admin, gone = busy["admin"], {"code": "custom.care_label", "reason": "No shop shows it."}
    await admin.call(API, NEW, page=PAGE)
    await admin.call(API, NEW | {"name": "grade"}, page=PAGE)
    refused = await admin.post(f"{PAGE}/retire", gone | {"reason": " "}, page=PAGE)
    assert (refused.status_code, "Enter a reason" in refused.text) == (422, True)
    assert (await admin.post(f"{PAGE}/retire", gone, page=PAGE)).status_code == 303
    page = (await admin.get(PAGE)).text
    assert (page.count("retire-"), "Retired" in page) == (page.count('retire-2"') + page.count("retire-2-title"), True)
    again = await admin.call(f"{API}/retire", gone, page=PAGE)
    assert (again.status_code, again.json()["detail"]) == (409, "This element is retired already.")
    done = await admin.call(f"{API}/retire", gone | {"code": "custom.grade"}, page=PAGE)
    assert (done.status_code, done.json()) == (201, {"code": "custom.grade", "contracts": 1})
    connections = (await admin.get("/clients/acme/connections")).text
    assert "care_label" not in connections, "neither its contract nor a choice for a new one"


async def test_others_may_not_retire_it_and_do_not_learn_of_it(busy: GovernanceWebApp) -> None:
    gone = {"code": "custom.care_label", "reason": "x"}
    await busy["admin"].call(API, NEW, page=PAGE)
    assert (await busy["approver"].call(f"{API}/retire", gone, page=PAGE)).status_code == 403
    assert (await busy["stranger"].call(f"{API}/retire", gone, page="/clients/borealis/elements")).status_code == 404
    own = "/api/v1/clients/borealis/elements/retire"
    assert (await busy["stranger"].call(own, gone, page="/clients/borealis/elements")).status_code == 404
    assert (await busy["staff"].call("/api/v1/elements/retire", gone, page="/elements")).status_code == 404, (
        "not its own"
    )
    [listed] = (await busy["admin"].get(API)).json()["items"]
    assert listed["retired_at"] is None
