"""Passwords that are common, patterns, or made of names of the account are refused wherever they are set."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.ids import new_id
from tenants.auth.account_names import read_account_names
from tenants.auth.password_strength import require_hard_to_guess
from tenants.auth.passwords import check_password
from tenants.auth.services import AuthServices
from tenants.errors import WeakPassword
from tenants.partners.manage import create_partner
from tenants.states import PartnerKind
from tests.tenants.conftest import NOW, Tenant
from tests.tenants.web_app import give_host

NAMES = ["Northbeam", "portal.northbeam.example", "Ada Lovelace", "Borealis Outdoor Wear"]


def refuses(password: str) -> bool:
    try:
        check_password(password, email="ada.byron@ockham.example", names=NAMES)
    except WeakPassword:
        return True
    return False


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "qwertyuiop12", "northbeam1234",
        "Password1234!", "P@ssw0rd!2345", "pässwörd1234", "ｐａｓｓｗｏｒｄ１２３４",
        "p.a.s.s.w.o.r.d.1", "p a s s w o r d 12", "drowssap4321",
        "passwordpassword", "1234567890123", "abcdefghijklmn",
        "1q2w3e4r5t6y", "qazwsxedcrfv", "zxcvbnm,./123",
        "!@#$%^&*()_+", "aaaaaaaaaaaaa", "abcabcabcabc", "Summer2026!!!",
        "sommer2026!!!", "Willkommen123!", "motdepasse12",
        "contraseña1234", "пароль123456", "йцукенгшщзхъ", "azertyuiop12",
        "iloveyou123456", "letmein letmein", "admin administrator",
        "welcome welcome", "19850412michael", "changeme12345",
        "N0rthb3am!!2026", "NORTHBEAM2026!", "maebhtron1234",
        "north-beam-2026", "nоrthbeаm1234", "2026northbeam2026", "!!2026password!!", "superuser2026!",
        "northbeamnorthbeam", "northbeamportal",
        "fairlead123456", "F4irl3ad!!2026", "fairleadnorthbeam",
        "adalovelace1", "Lovelace.Ada.26", "l0vel4ce!!2026",
        "ada.byron1234", "ockham123456!", "borealis2026!",
        "borealisoutdoor", "BorealisOutdoorWear", "outdoorwear12!",
        "portal.northbeam", "portal.northbeam.example", "ada.byron@ockham.example",
    ],
)  # fmt: skip
def test_common_passwords_are_refused(password: str) -> None:
    assert refuses(password)


@pytest.mark.parametrize(
    "password",
    [
        "seven calm herons wade", "sevencalmheronswade",
        "correct horse battery staple",
        "a calm harbour at dawn",
        "xK3#9vQz!mP2", "4711-8822-abc-99213", "20 herons over 26 calm seas",
        "grüne häuser über são luís", "семь тихих цапель бродят", "三つの静かな港と古い橋を渡る",
        "northbeam calm herons wade", "a borealis over quiet otters", "4@8({[<369&1!|70$5+7%2/4@8({",
    ],
)  # fmt: skip
def test_unrelated_words_and_random_characters_are_accepted(password: str) -> None:
    assert not refuses(password)


def test_names_of_another_account_do_not_count() -> None:
    password = "zilverkleurig-1"
    with pytest.raises(WeakPassword, match="names related to you"):
        require_hard_to_guess(password, ["Zilverkleurig B.V."])
    require_hard_to_guess(password, ["Northbeam"])


@given(st.text(st.sampled_from("4@8({[<369&1!|70$5+7%2/aB1"), max_size=200))
def test_every_password_is_checked_quickly(password: str) -> None:
    """Signs that may stand for letters have thousands of combinations, which zxcvbn tries one by one."""
    began = process_time()
    refuses(password)
    assert process_time() - began < 5


async def test_an_accounts_names_are_its_providers_its_own_and_its_partners(
    auth: AuthServices, msp: Tenant, client: Tenant, sibling: Tenant, other_msp: Tenant
) -> None:
    await give_host(auth.db, msp, f"portal-{new_id().hex}.example")
    async with auth.db.transaction(client.scope) as session:
        await create_partner(session, partner_id=new_id(), name="Swift Freight", kind=PartnerKind.LOGISTICS, now=NOW)
    own = set(await read_account_names(auth.db, client.scope))
    assert {"Northwind Managed", "Acme", "acme", "Swift Freight"} <= own
    assert any(name.startswith("Brand of portal-") for name in own)
    assert "Borealis" not in own
    msp_setup = set(await read_account_names(auth.db, msp.scope))
    assert {"Northwind Managed", "Acme", "Borealis"} <= msp_setup
    assert {"Acme", "Swift Freight"}.isdisjoint(await read_account_names(auth.db, other_msp.scope))
