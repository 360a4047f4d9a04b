"""Exceptions, worst first, with their severity explained; and dead letters."""

import re

from canonical.elements import STOCK
from connectors.translation.job_type import TRANSLATE
from governance.job_types import PUSH
from tests.governance.pages.samples import JOBS
from tests.governance.pages.web_app import GovernanceWebApp, token_of

LIST = "/clients/acme/exceptions"
LETTERS = "/clients/acme/dead-letters"


async def test_without_exceptions_or_failed_jobs_the_pages_show_empty_states(web_app: GovernanceWebApp) -> None:
    page = await web_app["admin"].get(LIST)
    assert page.status_code == 200, page.text
    assert "Nothing needs attention" in page.text
    assert "No failed jobs" in (await web_app["admin"].get(LETTERS)).text


async def test_exceptions_are_sorted_by_severity_without_other_clients(busy: GovernanceWebApp) -> None:
    await busy.acme.exception("source.quarantined", "A message could not be read")
    await busy.acme.exception("change.refused", "Policy refuses it", exposure=200_000, record="SKU-1")
    await busy.borealis.exception("change.refused", "Of Borealis", exposure=200_000)
    await busy.alien.exception("change.refused", "Of an alien", exposure=200_000)
    for path in (LIST, f"{LIST}/rows"):
        page = (await busy["viewer"].get(path)).text
        assert page.index("Policy refuses it") < page.index("A message could not be read")
        assert "Of Borealis" not in page
        assert "Of an alien" not in page


async def test_lists_are_filtered_and_lead_on_page_by_page(busy: GovernanceWebApp) -> None:
    for number in range(60):
        await busy.acme.exception("change.refused", f"Refused {number:02}", exposure=1 + number % 3 * 1000)
    await busy.acme.exception("source.quarantined", "Unreadable", state="resolved")
    assert "Unreadable" in (await busy["viewer"].get(f"{LIST}?status=resolved")).text
    assert "No exceptions match" in (await busy["viewer"].get(f"{LIST}?code=approval.stale")).text
    first = (await busy["viewer"].get(LIST)).text
    following = re.search(rf'href="({LIST}\?[^"]*cursor=[^"]+)"\s+rel="next"', first)
    assert following is not None
    second = (await busy["viewer"].get(following[1].replace("&amp;", "&"))).text
    seen = [set(re.findall(r"Refused \d\d", page)) for page in (first, second)]
    assert [len(part) for part in seen] == [50, 10]
    assert not seen[0] & seen[1]
    assert ">First<" in second


async def test_each_domain_and_each_owner_has_a_queue(busy: GovernanceWebApp) -> None:
    await busy.acme.exception("change.refused", "About a price", record="SKU-1")
    await busy.acme.exception("change.refused", "About stock", record="SKU-2", element=STOCK)
    await busy.acme.exception("source.quarantined", "About a message")
    titles = {"About a price", "About stock", "About a message"}
    for query, shown in (
        ("domain=price", {"About a price"}),
        ("domain=stock", {"About stock"}),
        ("domain=none", {"About a message"}),
        ("owner=Pricing", {"About a price"}),
        ("owner=Operations", {"About stock"}),
        ("owner=Operations&domain=price", set()),
        ("owner=", titles),
    ):
        page = (await busy["viewer"].get(f"{LIST}?{query}")).text
        assert {title for title in titles if title in page} == shown, query
        found = (await busy["viewer"].get(f"/api/v1{LIST}?{query}")).json()
        assert {item["title"] for item in found["items"]} == shown, query


async def test_a_severity_shows_its_factors(busy: GovernanceWebApp) -> None:
    change = await busy.acme.change("SKU-1", 1000, 900, state="refused", outcome="refuse", is_current=False)
    made = await busy.acme.exception("change.refused", "Policy refuses it", exposure=200_000, change=change)
    page = (await busy["approver"].get(f"{LIST}/{made}")).text
    for shown in ("Formula 2026-11", "Revenue", "Compliance", "Partner", "Policy refuses the value", "70 of 100"):
        assert shown in page
    assert f"/clients/acme/changes/{change}" in page
    assert "1\N{NO-BREAK SPACE}h left" in page


async def test_an_exception_links_to_its_connection_for_those_who_may_read_it(busy: GovernanceWebApp) -> None:
    made = await busy.acme.exception("source.quarantined", "Unreadable", connection=busy.acme.source)
    link = f'href="/clients/acme/connections/{busy.acme.source}"'
    assert link in (await busy["approver"].get(f"{LIST}/{made}")).text
    alone = await busy.acme.exception("change.refused", "Without a connection")
    assert "<dt>Connection</dt>" not in (await busy["approver"].get(f"{LIST}/{alone}")).text


async def test_a_person_resolves_discards_and_replays(busy: GovernanceWebApp) -> None:
    event = await busy.acme.event(b'{"broken": <b>')
    made = {
        "resolve": await busy.acme.exception("change.refused", "First"),
        "discard": await busy.acme.exception("change.refused", "Second"),
        "replay": await busy.acme.exception(
            "source.quarantined", "Third", event=event, connection=busy.acme.source
        ),
    }  # fmt: skip
    for act, exception in made.items():
        path = f"{LIST}/{exception}"
        answer = await busy["approver"].post(f"{path}/{act}", page=path)
        assert (answer.status_code, answer.headers.get("location")) == (303, path), answer.text
    shown = [(await busy["viewer"].get(f"{LIST}/{exception}")).text for exception in made.values()]
    assert [word in page for word, page in zip(("Resolved", "Discarded", "Resolved"), shown, strict=True)] == [True] * 3
    assert await busy.acme.count(JOBS, kind=TRANSLATE.name) == 1


async def test_an_exception_shows_what_happened_to_it_and_who_closed_it(busy: GovernanceWebApp) -> None:
    path = f"{LIST}/{await busy.acme.exception('change.refused', 'Refused')}"
    opened = (await busy["viewer"].get(path)).text
    assert ('moment-title">Opened' in opened, 'moment-title">Discarded' in opened) == (True, False)
    assert (await busy["approver"].post(f"{path}/discard", page=path)).status_code == 303
    shown = (await busy["viewer"].get(path)).text
    assert shown.index('moment-title">Discarded') < shown.index('moment-title">Opened')
    assert (await busy["stranger"].get(path)).status_code == 404


async def test_refused_actions_are_reported_on_the_page(busy: GovernanceWebApp) -> None:
    made = await busy.acme.exception("change.refused", "Policy refuses it")
    path = f"{LIST}/{made}"
    shown = await busy["approver"].get(path)
    assert "/replay" not in shown.text
    answer = await busy["approver"].post(f"{path}/replay", page=path)
    assert answer.status_code == 409
    assert "There is nothing to replay" in answer.text
    left_open = token_of(shown)
    assert (await busy["approver"].post(f"{path}/resolve", page=path)).status_code == 303
    late = await busy["approver"].post(f"{path}/discard", page=path, token=left_open)
    assert late.status_code == 409
    assert "already resolved" in late.text


async def test_a_viewer_is_offered_no_action_and_allowed_none(busy: GovernanceWebApp) -> None:
    made = await busy.acme.exception("change.refused", "Policy refuses it")
    path = f"{LIST}/{made}"
    page = (await busy["viewer"].get(path)).text
    assert "Mark as resolved" not in page
    assert (await busy["viewer"].post(f"{path}/resolve", page=path)).status_code == 403
    assert (await busy["viewer"].get(LETTERS)).status_code == 403
    assert (await busy["partner"].get(LIST)).status_code == 403


async def test_ids_of_others_are_not_found(busy: GovernanceWebApp) -> None:
    theirs = await busy.borealis.exception("change.refused", "Of Borealis")
    letter = await busy.borealis.letter("Theirs")
    reader = busy["staff"]
    assert (await reader.get(f"{LIST}/{theirs}")).status_code == 404
    for path in (f"{LIST}/{theirs}/resolve", f"{LIST}/{theirs}/replay", f"{LETTERS}/{letter}/replay"):
        assert (await reader.post(path, page=LIST)).status_code == 404


async def test_dead_letters_are_replayed_and_discarded(busy: GovernanceWebApp) -> None:
    letters = [await busy.acme.letter(f"The channel said {word}") for word in ("no", "never")]
    await busy.borealis.letter("Of Borealis")
    page = (await busy["staff"].get(LETTERS)).text
    assert "The channel said never" in page
    assert "Of Borealis" not in page
    for letter, act in zip(letters, ("replay", "discard"), strict=True):
        answer = await busy["staff"].post(f"{LETTERS}/{letter}/{act}", page=LETTERS)
        assert (answer.status_code, answer.headers["location"]) == (303, LETTERS)
    assert await busy.acme.count(JOBS, kind=PUSH.name) == 1
    again = await busy["staff"].post(f"{LETTERS}/{letters[0]}/replay", page=LETTERS)
    assert again.status_code == 409
    assert "already replayed" in again.text
    assert "Discarded by Staff" in (await busy["staff"].get(f"{LETTERS}?status=discarded")).text


async def test_letters_are_replayed_by_operators_and_discarded_by_admins_only(busy: GovernanceWebApp) -> None:
    letter = await busy.acme.letter("The channel said no")
    page = (await busy["operator"].get(LETTERS)).text
    assert f"{letter}/replay" in page
    assert f"{letter}/discard" not in page
    assert (await busy["operator"].post(f"{LETTERS}/{letter}/discard", page=LETTERS)).status_code == 403
    shown = (await busy["admin"].get(LETTERS)).text
    assert "The channel said no" in shown
    assert f"{letter}/replay" not in shown
