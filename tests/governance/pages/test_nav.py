"""Badges of the menu, on every page of the client and for no other account."""

import re

from tests.governance.pages.web_app import GovernanceWebApp


async def test_the_menu_counts_this_clients_pending_items(busy: GovernanceWebApp) -> None:
    for number in range(2):
        await busy.acme.awaiting(f"SKU-{number}", 1000, 2000)
        await busy.borealis.awaiting(f"SKU-{number}", 1000, 2000)
    for number in range(3):
        await busy.acme.exception("change.refused", f"Refused {number}")
    await busy.borealis.exception("change.refused", "Refused")
    for reader, path, counts in (
        ("viewer", "/clients/acme/connections", {"Approvals": "2", "Exceptions": "3"}),
        ("operator", "/clients/borealis/changes", {"Approvals": "2", "Exceptions": "1"}),
        ("operator", "/fleet", {}),
        ("partner", "/clients/acme/channel", {}),
    ):
        page = (await busy[reader].get(path)).text
        assert dict(re.findall(r"<span>(\w+)</span>\s*<span class=\"count num\">(\d+)<", page)) == counts, path


async def test_fragments_and_the_api_do_not_count_menu_items(busy: GovernanceWebApp) -> None:
    boosted = {"hx-request": "true", "hx-boosted": "true"}
    for path, headers, menu in (
        ("/clients/acme/changes", {}, True),
        ("/clients/acme/changes", boosted, True),
        ("/clients/acme/overview/flow", {"hx-request": "true"}, False),
        ("/api/v1/clients/acme/changes", {}, False),
    ):
        answer = await busy["viewer"].get(path, **headers)
        assert answer.status_code == 200
        assert ('class="nav"' in answer.text) is menu, path


async def test_pages_of_data_ownership_belong_to_connections(
    busy: GovernanceWebApp,
) -> None:
    root = "/clients/acme"
    for path in ("contracts", "baselines", "held-values"):
        page = (await busy["operator"].get(f"{root}/{path}")).text
        assert re.search(rf'<a href="{root}/connections" aria-current="page">', page), path
        assert "Next: continue the onboarding" not in page
    shown = (await busy["operator"].get(f"{root}/contracts")).text
    assert f'<li><a href="{root}/connections">Connections</a></li>' in shown


async def test_the_menu_has_sections_in_one_order(busy: GovernanceWebApp) -> None:
    sections = ["Set-up", "Governance", "Billing", "Account"]
    for reader, path, shown in (
        ("operator", "/fleet", sections),
        ("operator", "/clients/acme/changes", sections),
        ("partner", "/clients/acme/channel", []),
    ):
        page = (await busy[reader].get(path)).text
        headings = re.findall(r'class="nav-label"[^>]*>([^<]+)<', page)
        assert headings == [each for each in shown if each in headings], path
        assert bool(headings) is bool(shown), path
        menu = page.split('aria-label="Main"')[1].split("</nav>")[0]
        assert menu.find(">Connections<") < menu.find(">Policy<") or ">Policy<" not in menu, path
