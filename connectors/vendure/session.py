"""Sessions of administrators of Vendure shops, and their GraphQL calls."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from canonical.money import UnknownCurrency, minor_exponent
from connectors.http.errors import check_readable
from connectors.http.requests import endpoint, json_headers
from connectors.messages import ANSWER_CHANGED, SYSTEM_ANSWERED, SYSTEM_TEXT
from connectors.ports import (
    ConnectionConfig,
    HttpCaller,
    HttpResponse,
    PayloadInvalid,
    SystemUnavailable,
)
from connectors.vendure import reasons
from connectors.vendure.messages import LOGIN, SHOP, ActiveChannel, GraphQlAnswer, Login, Shop, WithFacts
from foundation.decoding import decode_foreign
from foundation.i18n.messages import MessageText, text_of
from foundation.outbound.headers import parse_http_date

Data = TypeVar("Data")
Result = TypeVar("Result")
LISTED: Final = 200
_SIGNED_OUT = frozenset({"FORBIDDEN", "UNAUTHORIZED"})


class GraphQlRefused(Exception):
    """The shop accepted the query and refused to execute it. `text`: its own message, if any."""

    def __init__(self, code: str, reason: MessageText, text: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.text = text


class Facts(msgspec.Struct, frozen=True):
    """Units and settings of the shop's numbers, from the same response as the numbers. Never cached: the shop's
    administrators may change each setting at any time, and a price of 16.00 USD would be one of 1,600 JPY.

    `precision`: digits after the point in the shop's integer prices, for every currency. `currencies` and `languages`
    are the channel's, as Vendure writes them; `currency` and `language` are its defaults, and the first. `tax_trouble`:
    the reason why no price can be written or read, None when one can; `currency_trouble`: the same for prices in the
    default currency.
    """

    currency: str
    precision: int
    location_id: str
    currencies: tuple[str, ...] = ()
    language: str = ""
    languages: tuple[str, ...] = ()
    tax_trouble: MessageText | None = None
    currency_trouble: MessageText | None = None


class VendureSession(msgspec.Struct):
    """`channel`: the token of the Vendure channel that is meant; empty for the default one. `take`: records per list,
    the shop's maximum. `clock` is the shop's time in its last response, None when absent.
    """

    config: ConnectionConfig
    token: str
    channel: str = ""
    take: int = LISTED
    clock: datetime | None = None

    def in_channel(self, channel: str) -> "VendureSession":
        """The same session in another Vendure channel."""
        return self if channel == self.channel else msgspec.structs.replace(self, channel=channel)

    async def query(self, http: HttpCaller, query: str, variables: Mapping[str, Any], shape: type[Data]) -> Data:
        """Raises `GraphQlRefused`, `SystemUnavailable`, `PayloadInvalid`."""
        response = await _post(http, self, query, variables)
        self.clock = parse_http_date(response.headers.get("date", ""))
        return _data(response, shape)

    async def query_list(self, http: HttpCaller, query: str, variables: Mapping[str, Any], shape: type[Data]) -> Data:
        """As `query`, with `take` as large as the shop allows; a smaller limit is taken from the shop's refusal."""
        take = self.take
        while True:
            try:
                answer = await self.query(http, query, {**variables, "take": take}, shape)
            except GraphQlRefused as problem:
                if problem.code != "USER_INPUT_ERROR" or take <= 1:
                    raise
                take = _smaller(problem.text, take)
            else:
                self.take = take
                return answer

    async def facts(self, http: HttpCaller, answer: WithFacts) -> Facts:
        """Settings from `answer`; fetched separately when missing there. Raises as `query`."""
        if answer.active_channel is None or answer.global_settings is None or answer.stock_locations is None:
            shop = await self.query(http, SHOP, {}, Shop)
        else:
            shop = Shop(answer.active_channel, answer.global_settings, answer.stock_locations)
        location_id = self.config.settings.get("stock_location_id", "")
        if not location_id and shop.stock_locations.items:
            location_id = shop.stock_locations.items[0].id
        return _facts(self.config, shop, location_id)


class VendureSessions:
    """Signed-in sessions by connection."""

    def __init__(self) -> None:
        self.open: dict[str, VendureSession] = {}

    async def run(
        self, http: HttpCaller, config: ConnectionConfig, act: Callable[[VendureSession], Awaitable[Result]]
    ) -> Result:
        """The result of `act` in the connection's session; in a new one when its token has expired."""
        session = self.open.get(config.connection_id)
        if session is not None and session.config == config:
            try:
                return await act(session)
            except GraphQlRefused as problem:
                if not is_signed_out(problem):
                    raise
        session = self.open[config.connection_id] = await sign_in(http, config)
        return await act(session)


def _smaller(message: str, take: int) -> int:
    """The limit in the message, or half of the previous one."""
    numbers = [int(digits) for digits in re.findall(r"[0-9]{1,6}", message)]
    return next((number for number in numbers if 0 < number < take), take // 2)


def is_signed_out(problem: GraphQlRefused) -> bool:
    return problem.code in _SIGNED_OUT


async def sign_in(http: HttpCaller, config: ConnectionConfig) -> VendureSession:
    """Sign in. Raises `SystemUnavailable` when the shop refuses the credentials: a member must correct them."""
    credentials = {"username": config.settings["username"], "password": config.secrets["password"]}
    session = VendureSession(config, "", config.settings.get("channel_token", ""))
    response = await _post(http, session, LOGIN, credentials)
    answer = _data(response, Login).login
    token = response.headers.get("vendure-auth-token", "")
    if answer.type_name != "CurrentUser":
        raise SystemUnavailable(reasons.SIGN_IN_REFUSED.write(text=answer.message), is_sign_in=True)
    if not token:
        raise SystemUnavailable(reasons.COOKIE_ONLY.write())
    session.token = token
    try:
        await session.query(http, SHOP, {}, Shop)
    except GraphQlRefused as problem:
        reason = reasons.SETTINGS_REFUSED.write(reason=problem.reason)
        raise SystemUnavailable(reason, is_sign_in=is_signed_out(problem)) from problem
    return session


def _facts(config: ConnectionConfig, shop: Shop, location_id: str) -> Facts:
    channel = shop.active_channel
    currencies = dict.fromkeys((channel.default_currency_code, *channel.available_currency_codes))
    languages = dict.fromkeys((channel.default_language_code, *(channel.available_language_codes or ())))
    return Facts(
        channel.default_currency_code,
        shop.global_settings.server_config.money_strategy_precision,
        location_id,
        tuple(currencies),
        channel.default_language_code,
        tuple(languages),
        _tax_trouble(config, channel),
        _currency_trouble(channel),
    )


def _tax_trouble(config: ConnectionConfig, channel: ActiveChannel) -> MessageText | None:
    wanted = config.settings.get("prices_include_tax", "")
    if wanted and channel.prices_include_tax is not None and (wanted == "yes") is not channel.prices_include_tax:
        return (reasons.TAX_INCLUDED if channel.prices_include_tax else reasons.TAX_NOT_INCLUDED).write()
    return None


def _currency_trouble(channel: ActiveChannel) -> MessageText | None:
    try:
        minor_exponent(channel.default_currency_code)
    except UnknownCurrency as problem:
        return reasons.CURRENCY_UNUSABLE.write(error=text_of(problem))
    return None


async def _post(http: HttpCaller, session: VendureSession, query: str, variables: Mapping[str, Any]) -> HttpResponse:
    headers = json_headers(session.token)
    if session.channel:
        headers["vendure-token"] = session.channel
    content = msgspec.json.encode({"query": query, "variables": variables})
    return await http.request("POST", endpoint(session.config, "/admin-api"), headers=headers, content=content)


def _data(response: HttpResponse, shape: type[Data]) -> Data:
    if response.status_code in {401, 403}:
        raise GraphQlRefused("FORBIDDEN", SYSTEM_ANSWERED.write(system="Vendure", status=str(response.status_code)))
    if response.status_code != 400:  # validation errors come as 400, with a GraphQL body
        check_readable(response, "Vendure")
    try:
        answer = decode_foreign(response.content, type=GraphQlAnswer[shape])  # type: ignore[valid-type]
    except msgspec.DecodeError as problem:
        check_readable(response, "Vendure")
        raise PayloadInvalid(
            ANSWER_CHANGED.write(system="Vendure", what="GraphQL", error=text_of(problem))
        ) from problem
    if answer.errors:
        error = answer.errors[0]
        raise GraphQlRefused(error.code, SYSTEM_TEXT.write(system="Vendure", text=error.message), error.message)
    if answer.data is None:
        raise PayloadInvalid(reasons.NO_DATA.write())
    data: Data = answer.data
    return data
