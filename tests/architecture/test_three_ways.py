"""Every setting can be made on a page, over the API and by command, through the same use case.

Acts with only one or two of these ways are listed here with the reason. A new act that lacks a way fails these tests,
and so does a listed exception that no longer applies.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.handlers import HTTPRouteHandler

from controlplane.cli.main import main
from controlplane.services import build_services
from tenants.auth.step_up import STEP_UP
from tests.support.page_paths import unconnected_settings
from tests.support.use_cases import Function, leaf_commands, use_cases

_READING = ("preview_", "check_", "test_", "compare_", "simulate_")

FOUR_EYES = "only a signed-in member decides: the operator may be the author of a change"
BROWSER = "an act of the browser's session: signing in, and the member's own factors and confirmation"
OWN = "how pages look to one member"
PROGRAM = "a call of a program at work, not a setting"
OPERATOR = "a command of the same noun does it for the operator, without the checks that are for members"
SANDBOX = "plays the payment provider's part in a sandbox"
WITHOUT_COMMAND = {
    "accept_baseline": FOUR_EYES,
    "answer_approval": FOUR_EYES,
    "answer_approvals": FOUR_EYES,
    "act_on_inbox": FOUR_EYES + "; exceptions have `exception`",
    "confirm_member": OPERATOR,  # member confirm
    "reset_second_factors": OPERATOR,  # member reset-factors
    "send_password_reset": OPERATOR,  # member reset-password
    "end_member_session": "`member sign-out` ends all of them",
    "create_new_client": OPERATOR,  # client create
    "close_draft": OPERATOR,  # invoice close
    "assign_elements_to_source": "`contract publish`, for one element at a time",
    "store_vendor_bills": "`vendor-bill import` reads the vendor's file",
    "request_access_to_client": "staff ask for access for themselves; the operator needs none",
    "start_impersonation_of_member": BROWSER,
    "end_impersonation_of_member": BROWSER,
    "create_list_view": OWN,
    "replace_list_view": OWN,
    "remove_list_view": OWN,
    "replace_dashboard_layout": "`dashboard set` stores a layout; this one adopts the member's own",
    "reset_dashboard_layout": "`dashboard reset` does the same to the layout of an account or a member",
    "mark_notification_read": "`notification mark-read` marks all of a member's",
    "reserve_usage": PROGRAM,
    "settle_usage": PROGRAM,
    "release_usage": PROGRAM,
    "create_payment_link": "the link is built for the address of the request",
    "create_invoice_payment_link": "the link is built for the address of the request",
    "create_account_link": "the link is built for the address of the request",
    "create_sandbox_card": SANDBOX,
    "pay_invoice_in_sandbox": SANDBOX,
}
"""Operations of the API that no command calls, with the reason."""
OTHER_PROTOCOL = "has a protocol of its own, not /api/v1"
WITHOUT_API = {
    **dict.fromkeys(
        (
            "accept_invitation_page", "add_passkey_page", "begin_app_page", "change_password_page", "confirm_app_page",
            "confirm_by_passkey_page", "end_impersonation_page", "end_other_sessions_page", "remove_app_page",
            "remove_passkey_page", "renew_codes_page", "sign_out_everywhere_page", "sign_out_page",
            "submit_confirm_page", "submit_email_page", "submit_forgot_page", "submit_passkey_sign_in_page",
            "submit_reset_page", "submit_second_step_page", "submit_set_up_page", "submit_sign_in_page",
        ),
        BROWSER,
    ),
    **dict.fromkeys(
        ("introspect_oauth_token", "issue_oauth_token", "revoke_oauth_token", "serve_scim"), OTHER_PROTOCOL
    ),
    "submit_reconnect_page": "for somebody without an account; `PATCH …/connections/{id}` is the members' way",
    "change_list_view_page": "the API replaces a view with its `default`",
}  # fmt: skip
"""Acts of pages that no operation of the API calls, with the reason."""


@pytest.fixture(scope="module")
def handlers() -> list[HTTPRouteHandler]:
    """Handlers of methods that change something. They are built without connections."""
    services = build_services(unconnected_settings())
    rooms = services.rooms
    built: list[Any] = [
        *rooms.built(lambda room: room.pages, services),
        *rooms.built(lambda room: room.routes, services),
    ]
    return [one for one in built if isinstance(one, HTTPRouteHandler) and one.http_methods - {"GET", "HEAD", "OPTIONS"}]


def acts(handlers: list[HTTPRouteHandler], *, api: bool) -> Iterator[tuple[str, Function]]:
    for one in handlers:
        function = getattr(one.fn, "value", one.fn)
        if any(path.startswith("/api/") for path in one.paths) is api and not function.__name__.startswith(_READING):
            yield function.__name__, function


def names_of(found: set[Function]) -> str:
    return ", ".join(sorted(f"{one.__module__}.{one.__qualname__}" for one in found)) or "no use case found"


def without(wanted: Iterator[tuple[str, Function]], reached: set[Function]) -> dict[str, str]:
    """Acts that call use cases outside `reached`, with these use cases."""
    lacking = {}
    for name, function in wanted:
        called = use_cases(function)
        if not called or called - reached:
            lacking[name] = names_of(called - reached)
    return lacking


def test_every_act_of_the_api_is_a_command_too(handlers: list[HTTPRouteHandler]) -> None:
    commands = [use_cases(function) for _, function in leaf_commands(main)]
    lacking = without(acts(handlers, api=True), set().union(*commands))
    assert {name: what for name, what in lacking.items() if name not in WITHOUT_COMMAND} == {}
    assert sorted(set(WITHOUT_COMMAND) - set(lacking)) == []


def test_every_act_of_a_page_is_one_of_the_api_too(handlers: list[HTTPRouteHandler]) -> None:
    of_api = [use_cases(function) for _, function in acts(handlers, api=True)]
    lacking = without(acts(handlers, api=False), set().union(*of_api))
    assert {name: what for name, what in lacking.items() if name not in WITHOUT_API} == {}
    assert sorted(set(WITHOUT_API) - set(lacking)) == []


def test_an_act_needs_a_recent_proof_on_its_page_and_over_the_api_alike(handlers: list[HTTPRouteHandler]) -> None:
    asks: dict[Function, dict[bool, set[str]]] = {}
    for one in handlers:
        function = getattr(one.fn, "value", one.fn)
        for act in use_cases(function):
            found = asks.setdefault(act, {True: set(), False: set()})
            found[STEP_UP.items() <= one.opt.items()].add(function.__name__)
    mixed = {act.__qualname__: found for act, found in asks.items() if found[True] and found[False]}
    assert mixed == {}


def test_the_acts_are_found(handlers: list[HTTPRouteHandler]) -> None:
    """Guard: most handlers call one or two use cases; if the search found none, the other tests would pass."""
    found = [use_cases(function) for api in (True, False) for _, function in acts(handlers, api=api)]
    assert len(found) > 300
    assert sum(1 for one in found if one) > len(found) * 0.9
    assert sum(len(one) for one in found) < len(found) * 3
