"""Passwords, addresses and names are equal in every Unicode composition, on every path."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.names import clean_name
from tenants.auth.passwords import LONGEST, check_password, check_repeated
from tenants.auth.services import AuthServices
from tenants.auth.sign_in import authenticate
from tenants.emails import clean_email
from tenants.errors import EmailTaken, SignInFailed, WeakPassword
from tenants.members.repository import NewMember, create_member, find_member, get_member, set_password
from tests.support.passwords import CHEAP
from tests.tenants.conftest import NOW, Somebody, Tenant, credentials, make_member

WORDS = "grüne häuser über são luís"


def composed(form: str, text: str) -> str:
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


@pytest.mark.parametrize("kept", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD", "no-break"])
async def test_a_password_signs_in_however_it_is_composed(
    auth: AuthServices, msp: Tenant, client: Tenant, kept: str, typed: str
) -> None:
    ada = await make_member(auth.db, auth.passwords, client, "ada@example.com", password=composed(kept, WORDS))
    given_ = WORDS.replace(" ", "\u00a0") if typed == "no-break" else composed(typed, WORDS)
    assert (await authenticate(auth, credentials(msp, ada.email, given_))).id == ada.id
    with pytest.raises(SignInFailed):
        await authenticate(auth, credentials(msp, ada.email, WORDS.upper()))


@pytest.mark.parametrize("typed", [composed("NFD", WORDS), "tabs\tin the middle of it", "zero\u200bwidth inside of it"])
async def test_an_earlier_hash_verifies_and_is_renewed(
    auth: AuthServices, msp: Tenant, client: Tenant, ada: Somebody, typed: str
) -> None:
    async with auth.db.transaction(client.scope) as session:
        await set_password(session, member_id=ada.id, password_hash=CHEAP.hash(typed), now=NOW)
    assert (await authenticate(auth, credentials(msp, ada.email, typed))).id == ada.id
    assert (await authenticate(auth, credentials(msp, ada.email, typed))).id == ada.id
    if typed == composed("NFD", WORDS):
        assert (await authenticate(auth, credentials(msp, ada.email, WORDS))).id == ada.id


@pytest.mark.parametrize(
    ("kept", "typed"),
    [
        ("josé@example.com", composed("NFD", "JOSÉ@Example.COM ")),
        (composed("NFD", "zoë@example.com"), "ZOË@example.com."),
        ("a@xn--mller-kva.example", "A@Müller.example"), ("a@müller.example", "a@xn--mller-kva.example"),
        ("straße@example.com", "STRASSE@example.com"),
    ],
)  # fmt: skip
async def test_an_address_signs_in_however_it_is_written(
    auth: AuthServices, msp: Tenant, client: Tenant, kept: str, typed: str
) -> None:
    somebody = await make_member(auth.db, auth.passwords, client, kept)
    assert (await authenticate(auth, credentials(msp, typed))).id == somebody.id
    async with auth.db.transaction(client.scope) as session:
        assert (await find_member(session, typed)).id == somebody.id
        with pytest.raises(EmailTaken):
            await create_member(session, NewMember(new_id(), typed, "Again"), now=NOW)


@given(st.text(max_size=30), st.sampled_from(["example.com", "müller.example", "x.example"]))
def test_an_accepted_address_is_stored_in_one_form(local: str, domain: str) -> None:
    try:
        kept = clean_email(f"{local}@{domain}")
    except InvalidInput:
        return
    assert clean_email(kept) == clean_email(composed("NFD", kept)) == clean_email(composed("NFC", kept)) == kept


@given(st.text(st.characters(min_codepoint=0x80), min_size=1, max_size=5))
def test_an_accepted_address_is_in_lower_case_and_assigned(local: str) -> None:
    """The table's check uses PostgreSQL's lower case, whose Unicode tables are newer than Python's."""
    try:
        kept = clean_email(f"{local}@example.com")
    except InvalidInput:
        return
    assert kept == kept.lower()
    assert not any(unicodedata.category(c) == "Cn" for c in kept)


async def test_names_are_stored_in_one_form(auth: AuthServices, client: Tenant) -> None:
    member_id = new_id()
    async with auth.db.transaction(client.scope) as session:
        name = composed("NFD", " Zoë\u00a0 Kühn\ufeff")
        await create_member(session, NewMember(member_id, "zoe@example.com", name), now=NOW)
        assert (await get_member(session, member_id)).name == "Zoë Kühn"
    for bad in ("a\u202eb", "\x1b[31m", "", " \u200b ", "x" * 121, "a\ud800"):
        with pytest.raises(InvalidInput):
            clean_name(bad)


def test_a_chosen_password_has_no_invisible_character_and_is_counted_in_its_one_form() -> None:
    for bad in ("seven calm\u200b herons wade", "seven calm\therons wade", "seven calm herons\x00 wade", "a\ud800" * 9):
        with pytest.raises(WeakPassword):
            check_password(bad, email="a@example.com")
    accented = "ǖ" + "xyzqjv" * 33
    check_password(composed("NFD", accented), email="a@example.com")
    assert len(composed("NFD", accented)) > LONGEST >= len(accented)
    check_repeated(composed("NFD", WORDS), WORDS)
