"""A signed-in administrator of one Vendure shop, and how to talk GraphQL with it."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from connectors.port import ConnectionConfig, HttpCaller, HttpResponse, PayloadInvalid, SystemUnavailable
from connectors.requests import endpoint, json_headers
from connectors.responses import check_readable
from connectors.vendure.messages import LOGIN, SHOP, Answer, Login, Shop

Data = TypeVar("Data")
_SIGNED_OUT = frozenset({"FORBIDDEN", "UNAUTHORIZED"})


class GraphQlRefused(Exception):
    """The shop understood the question and did not do it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Session(msgspec.Struct):
    """`precision`: digits after the point in the shop's integer prices, whatever the currency."""

    config: ConnectionConfig
    token: str
    currency: str = ""
    precision: int = 2
    location_id: str = ""

    async def ask(self, http: HttpCaller, query: str, variables: Mapping[str, Any], shape: type[Data]) -> Data:
        """Raises `GraphQlRefused`, `SystemUnavailable`, `PayloadInvalid`."""
        response = await _post(http, self.config, self.token, query, variables)
        return _data(response, shape)


def is_signed_out(problem: GraphQlRefused) -> bool:
    return problem.code in _SIGNED_OUT


async def sign_in(http: HttpCaller, config: ConnectionConfig) -> Session:
    """Raises `SystemUnavailable` when the shop does not take the credentials: a person has to mend them."""
    credentials = {"username": config.settings["username"], "password": config.secrets["password"]}
    response = await _post(http, config, "", LOGIN, credentials)
    answer = _data(response, Login).login
    token = response.headers.get("vendure-auth-token", "")
    if answer.type_name != "CurrentUser":
        raise SystemUnavailable(f"Vendure did not accept our sign-in ({answer.message}). Check the credentials.")
    if not token:
        raise SystemUnavailable("Vendure signs in by cookie only. Set authOptions.tokenMethod to include 'bearer'.")
    session = Session(config, token)
    try:
        shop = await session.ask(http, SHOP, {}, Shop)
    except GraphQlRefused as problem:
        raise SystemUnavailable(f"Vendure lets us sign in but not read its settings: {problem}") from problem
    session.currency = shop.active_channel.default_currency_code
    session.precision = shop.global_settings.server_config.money_strategy_precision
    session.location_id = config.settings.get("stock_location_id", "")
    if not session.location_id and shop.stock_locations.items:
        session.location_id = shop.stock_locations.items[0].id
    return session


async def _post(
    http: HttpCaller, config: ConnectionConfig, token: str, query: str, variables: Mapping[str, Any]
) -> HttpResponse:
    headers = json_headers(token)
    if channel := config.settings.get("channel_token"):
        headers["vendure-token"] = channel
    content = msgspec.json.encode({"query": query, "variables": variables})
    return await http.request("POST", endpoint(config, "/admin-api"), headers=headers, content=content)


def _data(response: HttpResponse, shape: type[Data]) -> Data:
    if response.status_code in {401, 403}:
        raise GraphQlRefused("FORBIDDEN", f"Vendure answered {response.status_code}.")
    if response.status_code != 400:  # validation errors come as 400, with a GraphQL body
        check_readable(response, "Vendure")
    try:
        answer = msgspec.json.decode(response.content, type=Answer[shape])  # type: ignore[valid-type]
    except msgspec.DecodeError as problem:
        raise PayloadInvalid(f"Vendure's answer no longer has the agreed form: {problem}.") from problem
    if answer.errors:
        raise GraphQlRefused(answer.errors[0].code, answer.errors[0].message)
    if answer.data is None:
        raise PayloadInvalid("Vendure answered without data and without an error.")
    data: Data = answer.data
    return data
