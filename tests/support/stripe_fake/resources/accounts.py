"""Connected accounts and their set-up links."""

from tests.support.stripe_fake.errors import invalid
from tests.support.stripe_fake.store import AccountStore, Call, Object, handles

DUE = ["business_type", "external_account", "tos_acceptance.date", "tos_acceptance.ip"]
LINK_SECONDS = 300


def requirements(due: list[str], disabled: str | None) -> Object:
    return {
        "alternatives": [], "current_deadline": None, "currently_due": due, "disabled_reason": disabled, "errors": [],
        "eventually_due": due, "past_due": due, "pending_verification": [],
    }  # fmt: skip


@handles("account.create")
def create(call: Call) -> Object:
    values = {name: call.params[name] for name in ("country", "email", "metadata", "type") if name in call.params}
    made = call.make(
        "account", **values, charges_enabled=False, payouts_enabled=False, details_submitted=False, capabilities={},
        default_currency="eur", requirements=requirements(list(DUE), "requirements.past_due"),
    )  # fmt: skip
    call.world.accounts[made["id"]] = AccountStore(made["id"])
    return made


@handles("account.retrieve_current")
def retrieve_current(call: Call) -> Object:
    """The account of the request itself."""
    if call.account is call.world.platform:
        return call.make("account", id="acct_platform", charges_enabled=True, details_submitted=True)
    return call.world.platform.need(call.account.id, "account")


@handles("account_link.create")
def create_link(call: Call) -> Object:
    account = call.need(call.params["account"], "account", "account")
    if call.params["type"] == "account_onboarding" and not call.params.get("return_url"):
        raise invalid("parameter_missing", "Missing required param: return_url.", "return_url")
    token = f"{account['id']}/{call.world.number()}"
    return call.make(
        "account_link", url=f"https://connect.stripe.test/setup/{token}", expires_at=call.now + LINK_SECONDS
    )
