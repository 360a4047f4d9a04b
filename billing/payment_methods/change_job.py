"""Job that changes a client's payment methods at the provider, and reads them again."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from billing.payment_account.accounts import open_account
from billing.payment_account.services import PaymentServices
from billing.payment_methods.job_types import ChangeMethod, MethodAct
from billing.payment_methods.profiles import find_profile, write_attempt, write_methods
from billing.payments.port import PaymentMethod, PaymentProvider, ProviderBusy, ProviderRefused
from foundation.i18n.messages import text_of
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.outbound.errors import OutboundHeld

_HELD_SECONDS: Final = 30.0


def change_handler(services: PaymentServices) -> Handler[ChangeMethod]:
    async def change(batch: Batch[ChangeMethod]) -> None:
        (item,) = batch.items
        account = await open_account(services, batch.scope)
        async with batch.read() as session:
            profile = await find_profile(session)
        if account is None or account.provider is None or profile is None or profile.account_id != account.id:
            return
        batch.check_lease()
        asked_at, refused, is_over = services.clock(), None, False
        methods: Sequence[PaymentMethod] = ()
        try:
            await _act(account.provider, profile.customer_id, item.payload)
            is_over = not profile.session_id or await account.provider.adopt_method(profile.session_id)
            methods = await read_methods(account.provider, profile.customer_id)
        except (ProviderBusy, OutboundHeld) as held:
            batch.defer(item, delay=held.retry_after or _HELD_SECONDS, is_retry=False)
            return
        except ProviderRefused as error:
            refused = error
        async with batch.commit() as session:
            now = await find_profile(session)
            if now is None or now.account_id != account.id:
                return
            if refused is not None:
                await write_attempt(session, account.id, problem=_problem(refused))
                return
            await write_methods(session, account.id, methods, now=asked_at)
            if is_over and now.session_id == profile.session_id:
                await write_attempt(session, account.id, session_id="")

    return change


async def read_methods(provider: PaymentProvider, customer_id: str) -> Sequence[PaymentMethod]:
    """Read the customer's methods, newest first. If none is the default, the newest becomes it."""
    methods = await provider.list_methods(customer_id)
    if not methods or any(one.is_default for one in methods):
        return methods
    await provider.choose_method(customer_id, methods[0].external_id)
    return [msgspec.structs.replace(one, is_default=not place) for place, one in enumerate(methods)]


def _problem(refused: ProviderRefused) -> dict[str, Any]:
    """The refusal as a stored message."""
    found: dict[str, Any] = msgspec.to_builtins(text_of(refused).message)
    return found


async def _act(provider: PaymentProvider, customer_id: str, payload: ChangeMethod) -> None:
    if payload.act is MethodAct.REMOVE:
        await provider.remove_method(payload.method_id)
    elif payload.act is MethodAct.CHOOSE:
        await provider.choose_method(customer_id, payload.method_id)
