"""Canonical messages: equal messages have one JSON text, however they were constructed; all else is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import PRICE, STOCK
from canonical.fields import InvalidMessage
from canonical.messages import (
    MESSAGE_TYPES,
    CaseUpdated,
    CustomerUpdated,
    InvoiceIssued,
    Message,
    MessageLine,
    MilestoneReached,
    Observation,
    OrderPlaced,
    Party,
    ShipmentUpdated,
    code_of,
    describe_message_type,
    message_type_of,
)
from canonical.orders import OrderLine, OrderValue
from canonical.values import MoneyValue, QuantityValue, ReferenceValue, money, quantity

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)
instants = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=9, minutes=30))]),
)
amounts = st.decimals(-(10**9), 10**9, places=4)
euros = amounts.map(lambda amount: money(amount, "EUR"))
pieces = amounts.map(lambda amount: quantity(amount, "KGM"))
parties = st.lists(
    st.builds(Party, st.sampled_from(["buyer", "carrier", "ship_to"]), texts, texts), max_size=3
).map(tuple)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> tuple[MessageLine, ...]:
    return tuple(
        MessageLine(
            line=str(number), sku=draw(texts), quantity=draw(pieces), order=draw(texts),
            amount=draw(st.none() | euros),
        )
        for number in range(draw(st.integers(0, 3)))
    )  # fmt: skip


shared: dict[str, Any] = {
    "number": texts, "version": st.integers(0, 2**63 - 1), "changed_at": instants, "parties": parties,
}  # fmt: skip
orders = st.just(OrderValue("EUR", "A", "a@b.test", (OrderLine("S", "1.0", "2"),)))
references = st.builds(ReferenceValue, st.sampled_from(["order", "shipment"]), texts)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Observation, texts, st.sampled_from([PRICE, STOCK]), euros | pieces, st.integers(0, 9), instants),
    st.builds(OrderPlaced, **shared, document=orders, placed_at=instants, promised_for=st.none() | st.dates()),
    st.builds(
        ShipmentUpdated, **shared, status=st.sampled_from(["packed", "delivered"]), lines=lines(),
        expected_at=st.none() | instants,
    ),
    st.builds(InvoiceIssued, **shared, issued_on=st.dates(), total=euros, tax=euros, lines=lines()),
    st.builds(
        CaseUpdated, **shared, status=st.just("open"), title=texts, opened_at=instants,
        about=st.lists(references, max_size=2).map(tuple),
    ),
    st.builds(CustomerUpdated, **shared, name=texts, status=st.just("active"), country=st.sampled_from(["", "DE"])),
    st.builds(MilestoneReached, about=references, at=instants, code=st.just("pickup.done"), source_code=texts),
)  # fmt: skip
_DECODER = msgspec.json.Decoder(reduce(or_, MESSAGE_TYPES))


@given(messages)
def test_every_message_round_trips_through_json(message: Message) -> None:
    text = msgspec.json.encode(message)
    again = _DECODER.decode(text)
    assert type(again) is type(message)
    if not isinstance(message, Observation):  # those keep the source's time zone until they are admitted
        assert again == message
        assert msgspec.json.encode(again) == text
    assert message.reference


def test_every_type_has_a_code_with_a_version_and_a_label() -> None:
    codes = [code_of(one) for one in MESSAGE_TYPES]
    assert len(set(codes)) == len(MESSAGE_TYPES) == 7
    assert all(code.endswith(".v1") for code in codes)
    assert [message_type_of(code) for code in codes] == list(MESSAGE_TYPES)
    assert describe_message_type("shipment.v1") == "Shipments"
    assert (message_type_of("parcel.v9"), describe_message_type("parcel.v9")) == (None, "parcel.v9")


GOOD: dict[str, Any] = {"number": "S1", "version": 1, "changed_at": NOW}
LINE = MessageLine(line="1", sku="A", quantity=QuantityValue("1"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": ""},
        {"number": "x" * 201},
        {"number": "a\x00b"},
        {"number": "\ud800"},
        {"version": -1},
        {"version": 2**63},
        {"changed_at": NOW.replace(tzinfo=None)},
        {"changed_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
        {"expected_at": NOW.replace(tzinfo=None)},
        {"tracking": "x" * 201},
        {"lines": (LINE, LINE)},
        {"lines": tuple(msgspec.structs.replace(LINE, line=str(n)) for n in range(1_001))},
    ],
)
def test_a_shipment_that_cannot_be_stored_is_refused(wrong: dict[str, Any]) -> None:
    assert ShipmentUpdated(**GOOD, status="packed").reference == "S1"
    with pytest.raises(InvalidMessage):
        ShipmentUpdated(**(GOOD | wrong), status="packed")


def test_other_messages_check_their_own_fields() -> None:
    bill: dict[str, Any] = GOOD | {"issued_on": date(2026, 11, 29), "tax": MoneyValue("1.90", "EUR")}
    assert InvoiceIssued(**bill, total=MoneyValue("11.90", "EUR")).net == Decimal(10)
    large = InvoiceIssued(**bill, total=MoneyValue("9" * 26 + ".000000000001", "EUR"))
    assert str(large.net) == "9" * 24 + "97.100000000001"
    with pytest.raises(InvalidMessage, match="one currency"):
        InvoiceIssued(**bill, total=MoneyValue("11.90", "USD"))
    line = msgspec.structs.replace(LINE, amount=MoneyValue("1", "USD"))
    with pytest.raises(InvalidMessage, match="one currency"):
        InvoiceIssued(**bill, total=MoneyValue("11.90", "EUR"), lines=(line,))
    with pytest.raises(InvalidMessage, match="two letters"):
        CustomerUpdated(**GOOD, name="A", status="active", country="Germany")
    about = ReferenceValue("shipment", "S1")
    assert MilestoneReached(about=about, at=NOW, source_code="AF").code == ""
    for code in ("", "Pickup done", "x" * 201):
        with pytest.raises(InvalidMessage, match="code"):
            MilestoneReached(about=about, at=NOW, code=code)


@pytest.mark.parametrize("lost", ["\x00", "\ud800", "x" * 201])
def test_texts_of_the_values_in_a_message_can_be_stored(lost: str) -> None:
    for document in (
        OrderValue("EUR", lost, "", (OrderLine("S", "1", "2"),)),
        OrderValue("EUR", "", lost, (OrderLine("S", "1", "2"),)),
        OrderValue("EUR", "", "", (OrderLine(lost, "1", "2"),)),
    ):
        with pytest.raises(InvalidMessage):
            OrderPlaced(**GOOD, document=document, placed_at=NOW)


@pytest.mark.parametrize("lost", ["\x00", "\ud800"])
def test_keys_of_the_records_that_a_message_is_about_can_be_stored(lost: str) -> None:
    about = ReferenceValue("order", lost)
    with pytest.raises(InvalidMessage):
        MilestoneReached(about=about, at=NOW, code="pickup.done")
    with pytest.raises(InvalidMessage):
        CaseUpdated(**GOOD, status="open", title="A", opened_at=NOW, about=(about,))


@pytest.mark.parametrize("country", ["ÄÖ", "D1", "de", "DEU"])
def test_a_country_is_a_code_of_two_letters(country: str) -> None:
    with pytest.raises(InvalidMessage, match="two letters"):
        CustomerUpdated(**GOOD, name="A", status="active", country=country)
