"""Sign-in computes the same number of hashes for every address, whatever its accounts."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from foundation.database.engine import Database
from tenants.auth.passwords import Passwords
from tenants.auth.services import AuthServices
from tenants.auth.sign_in import authenticate
from tenants.errors import SignInFailed, Suspended
from tenants.members.repository import mark_suspended
from tests.tenants.conftest import NOW, PASSWORD, Somebody, Tenant, credentials, make_client, make_member

WRONG = "not this one either"


class Counting:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.verified: list[str] = []
        verify = PasswordHasher.verify

        def counted(hasher: PasswordHasher, known: str | bytes, password: str | bytes) -> bool:
            self.verified.append(str(known))
            return verify(hasher, known, password)

        monkeypatch.setattr(PasswordHasher, "verify", counted)
        self.transactions = 0
        transaction = Database.transaction

        def opened(db: Database, *scope: object, **more: object) -> object:
            self.transactions += 1
            return transaction(db, *scope, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(Database, "transaction", opened)

    def taken(self) -> tuple[int, int]:
        work = len(self.verified), self.transactions
        assert {one.rpartition("$")[0].rpartition("$")[0] for one in self.verified} == {"$argon2id$v=19$m=64,t=1,p=1"}
        self.verified, self.transactions = [], 0
        return work


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    with monkeypatch.context() as patch:
        yield Counting(patch)


@pytest.mark.parametrize("accounts", [0, 1, 2, 4, 6])
async def test_the_amount_of_work_does_not_disclose_the_accounts_of_an_address(
    auth: AuthServices, msp: Tenant, counting: Counting, accounts: int
) -> None:
    for number in range(accounts):
        home = await make_client(auth.db, msp, f"client-{number}")
        await make_member(auth.db, auth.passwords, home, "many@example.com")
    counting.transactions = 0
    for email in ("many@example.com", "nobody@example.com", "", "no address", "x" * 10_000, "a\0@example.com"):
        with pytest.raises(SignInFailed):
            await authenticate(auth, credentials(msp, email, WRONG))
        assert counting.taken() == (4, 6)


async def test_nor_whether_a_member_is_suspended_or_only_invited(
    auth: AuthServices, msp: Tenant, client: Tenant, ada: Somebody, counting: Counting
) -> None:
    async with auth.db.transaction(client.scope) as session:
        await mark_suspended(session, member_id=ada.id, reason="test", now=NOW)
    counting.transactions = 0
    with pytest.raises(SignInFailed):
        await authenticate(auth, credentials(msp, ada.email, WRONG))
    assert counting.taken() == (4, 6)
    with pytest.raises(Suspended):
        await authenticate(auth, credentials(msp, ada.email, PASSWORD))
    assert counting.taken()[0] == 4


@pytest.mark.parametrize("typed", ["x" * 500, "", "gru\u0308ne a\u0308pfel hier", "a\tb"])
async def test_the_cost_of_typed_text_is_equal_for_all_accounts(
    auth: AuthServices, msp: Tenant, ada: Somebody, counting: Counting, typed: str
) -> None:
    forms = 2 if "\u0308" in typed else 1
    counting.transactions = 0
    for email in (ada.email, "nobody@example.com"):
        with pytest.raises(SignInFailed):
            await authenticate(auth, credentials(msp, email, typed))
        assert counting.taken() == (4 * forms, 6)


def test_the_hash_that_no_member_has_is_made_once_for_its_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    Passwords(hasher)
    with monkeypatch.context() as patch:
        patch.setattr(PasswordHasher, "hash", None)
        Passwords(hasher)
