"""Custom elements: declared without a release, governed like any other, and isolated by account."""

from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from canonical.dimensions import dimension
from canonical.keys import ElementKey
from canonical.values import EnumerationValue, Value, read_value
from connectors.calls import read_values
from controlplane.provisioning import onboard_client
from foundation.clock import utc_now
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import new_id
from governance.approvals.release import answer_change
from governance.elements.create_element import create_element
from governance.elements.lists import ELEMENTS
from governance.elements.schemas import ElementView, NewElement
from tests.governance.baseline.clients import member_scope
from tests.governance.test_divided_values import change
from tests.support.client_env import ClientEnv
from tests.support.values import pieces, plain

LABEL = NewElement("care_label", "Care label", "text", dimensions=["locale"])
GRADE = NewElement("grade", "Grade", "enumeration", codes=["a", "b"])
FRENCH = ElementKey("SKU-001", "custom.care_label", dimension(locale="fr"))


async def declare(env: ClientEnv, new: NewElement) -> str:
    async with env.services.db.transaction(member_scope(env)) as session:
        return await create_element(session, msgspec.structs.replace(new, source_connection_id=env.erp), now=utc_now())


async def declared(env: ClientEnv) -> list[ElementView]:
    async with env.services.db.transaction(env.scope) as session:
        return list((await ELEMENTS.load(session, ELEMENTS.query(), utc_now())).items)


async def shown(env: ClientEnv) -> set[tuple[ElementKey, str]]:
    rows = await env.rows("SELECT record_key, element, dimension, record_type, value ->> 'text' FROM channel_value")
    return {(ElementKey(*map(str, key)), str(shows)) for *key, shows in rows}


async def test_a_value_is_observed_decided_approved_sent_and_read_back(env: ClientEnv) -> None:
    assert await declare(env, LABEL) == "custom.care_label"
    await env.deliver(change(env, FRENCH, plain("Laver à 30°")))
    await env.work()
    [(change_id, state)] = await env.rows("SELECT id, state FROM change")
    assert state == "awaiting_approval", "no rule says that it may pass by itself"
    async with env.services.db.transaction(member_scope(env)) as session:
        await answer_change(session, UUID(str(change_id)), grant=True, reason="", now=utc_now())
    await env.work(settle=20.0)
    assert await env.rows("SELECT DISTINCT state FROM propagation") == [("verified",)]
    assert await shown(env) == {(FRENCH, "Laver à 30°")}
    for connection in env.channels.values():
        async with env.services.db.transaction(env.scope) as session:
            opened = await env.services.governance.runtime.open(session, connection)
        assert opened.connector.channel is not None
        [reading] = await read_values(opened.connector.channel, opened.http, opened.config, [FRENCH])
        assert reading.value == plain("Laver à 30°")
    assert await env.rows("SELECT count(*) FROM usage_event") == [(len(env.channels),)]


async def test_values_that_do_not_fit_the_declaration_are_quarantined_alone(env: ClientEnv) -> None:
    await declare(env, LABEL)
    await declare(env, GRADE)
    grade = ElementKey("SKU-001", "custom.grade")
    wrong: list[tuple[ElementKey, Value]] = [
        (FRENCH, pieces(1)),
        (FRENCH._replace(dimension=dimension(location="Lyon")), plain("x")),
        (grade, EnumerationValue("c")),
        (ElementKey("C-1", "custom.grade", "", "customer"), EnumerationValue("a")),
    ]
    await env.deliver(*(change(env, key, value) for key, value in wrong), change(env, grade, EnumerationValue("a")))
    await env.work()
    assert await env.rows("SELECT code, count(*) FROM governance_exception GROUP BY code") == [
        ("source.quarantined", len(wrong))
    ]
    [(element, value)] = await env.rows("SELECT element, source_value FROM record_value")
    assert (element, read_value(value)) == ("custom.grade", EnumerationValue("a"))


async def test_a_reference_element_is_stored_and_never_sent(env: ClientEnv) -> None:
    await declare(env, NewElement("supplier_note", "Supplier note", "text", distributed=False))
    await env.deliver(change(env, ElementKey("SKU-001", "custom.supplier_note"), plain("Pays late")))
    await env.work()
    [(change_id,)] = await env.rows("SELECT id FROM change")
    async with env.services.db.transaction(member_scope(env)) as session:
        await answer_change(session, UUID(str(change_id)), grant=True, reason="", now=utc_now())
    await env.work()
    assert await env.rows("SELECT count(*) FROM propagation") == [(0,)]
    assert await env.rows("SELECT value ->> 'text' FROM record_value") == [("Pays late",)]


@pytest.mark.parametrize(
    "wrong",
    [
        NewElement("a", "A", "price"), NewElement("a", "A", "text", dimensions=["colour"]),
        NewElement("a", " ", "text"),        NewElement("a", "A", "text", codes=["b"]),
        NewElement("a", "A", "enumeration", codes=["b c"]),
    ],
    ids=["type", "dimension", "label", "codes of a text", "code"],
)  # fmt: skip
async def test_invalid_element_declarations_are_refused(env: ClientEnv, wrong: NewElement) -> None:
    with pytest.raises(InvalidInput):
        await declare(env, wrong)
    assert await declared(env) == []


async def test_only_own_sources_are_accepted_and_codes_are_unique(env: ClientEnv) -> None:
    for connection, error in ((env.channels["market1"], InvalidInput), (new_id(), NotFound)):
        async with env.services.db.transaction(member_scope(env)) as session:
            with pytest.raises(error):
                await create_element(
                    session, msgspec.structs.replace(LABEL, source_connection_id=connection), now=utc_now()
                )
    await declare(env, LABEL)
    with pytest.raises(Conflict):
        await declare(env, LABEL)


async def test_another_client_of_the_msp_sees_nothing_and_may_use_the_same_name(env: ClientEnv) -> None:
    await declare(env, LABEL)
    other = await onboard_client(
        env.services, env.msp_account, name="Other", slug=f"other-{new_id().hex[-8:]}", currency="EUR"
    )
    async with env.services.db.transaction(other) as session:
        assert list((await ELEMENTS.load(session, ELEMENTS.query(), utc_now())).items) == []
        assert (await session.execute(text("SELECT count(*) FROM custom_element"))).scalar() == 0
        await create_element(session, LABEL, now=utc_now())
    assert [one.code for one in await declared(env)] == ["custom.care_label"]
