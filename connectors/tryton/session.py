"""Session of a user of one Tryton database, and calls of its methods."""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from connectors.http.errors import check_readable
from connectors.http.requests import endpoint, json_headers
from connectors.messages import ANSWER_CHANGED
from connectors.ports import ConnectionConfig, HttpCaller, HttpResponse, PayloadInvalid, SystemUnavailable
from connectors.tryton import reasons
from foundation.decoding import decode_foreign, decode_json
from foundation.i18n.messages import text_of
from foundation.outbound.headers import parse_http_date

Shape = TypeVar("Shape")
Result = TypeVar("Result")
_FORGOTTEN = 401
_RULES = frozenset({"UserError", "UserWarning"})


class SignedOut(Exception):
    """Tryton's session has expired."""


class Refused(SystemUnavailable):
    """Tryton accepted the call and failed, such as in computing a product's price; nothing of the call was done.

    `text`: Tryton's own text. `by_rule`: a rule of Tryton's refused the call, so the same call fails until a person
    changes something.
    """

    def __init__(self, method: str, text: str, *, by_rule: bool = False) -> None:
        super().__init__(reasons.CALL_REFUSED.write(method=method, text=text))
        self.text = text
        self.by_rule = by_rule


class _Company(msgspec.Struct, frozen=True):
    class Currency(msgspec.Struct, frozen=True):
        code: str

    currency: Currency = msgspec.field(name="currency.")


class Warehouse(msgspec.Struct, frozen=True):
    storage_location: int
    id: int = 0
    code: str | None = None
    name: str = ""


class TrytonSession(msgspec.Struct):
    """`context` is the user's own, with the locations whose stock counts as on hand. The context, the company's
    currency and its warehouses can change in Tryton, so each poll refreshes them: only the sign-in itself is cached.
    `clock` is Tryton's time in its last response, None when absent.
    """

    config: ConnectionConfig
    authorization: str
    context: dict[str, Any] = {}
    currency: str = ""
    warehouses: list[Warehouse] = []
    clock: datetime | None = None

    async def call(
        self,
        http: HttpCaller,
        shape: type[Shape],
        method: str,
        *parameters: Any,
        context: Mapping[str, Any] | None = None,
    ) -> Shape:
        """`context` is added to the user's own. Raises `SignedOut`, `SystemUnavailable`, `PayloadInvalid`."""
        headers = json_headers() | {"authorization": self.authorization}
        content = msgspec.json.encode(
            {"id": 1, "method": method, "params": [*parameters, {**self.context, **(context or {})}]}
        )
        response = await http.request("POST", _address(self.config), headers=headers, content=content)
        if response.status_code == _FORGOTTEN:
            raise SignedOut
        self.clock = parse_http_date(response.headers.get("date", ""))
        result: Shape = _result(response, shape, method)
        return result

    async def refresh(self, http: HttpCaller) -> None:
        """Raises as `call`."""
        await _prepare(http, self)


class Sessions:
    """One session per connection, renewed when Tryton's has expired or the connection's settings have changed."""

    def __init__(self) -> None:
        self._known: dict[str, TrytonSession] = {}

    async def use(
        self, http: HttpCaller, config: ConnectionConfig, act: Callable[[TrytonSession], Awaitable[Result]]
    ) -> Result:
        """The result of `act`, which may run twice. Raises its errors, and `SystemUnavailable` without a session."""
        session = self._known.get(config.connection_id)
        if session is not None and session.config == config:
            try:
                return await act(session)
            except SignedOut:
                self._known.pop(config.connection_id, None)
        session = self._known[config.connection_id] = await sign_in(http, config)
        try:
            return await act(session)
        except SignedOut:
            raise SystemUnavailable(reasons.SESSION_NOT_ACCEPTED.write()) from None


async def sign_in(http: HttpCaller, config: ConnectionConfig) -> TrytonSession:
    username = config.settings["username"]
    parameters = [username, {"password": config.secrets["password"]}]
    content = msgspec.json.encode({"id": 1, "method": "common.db.login", "params": parameters})
    response = await http.request("POST", _address(config), headers=json_headers(), content=content)
    signed_in = _result(response, list[Any] | None, "common.db.login")
    if signed_in is None:
        raise SystemUnavailable(reasons.SIGN_IN_REFUSED.write(), is_sign_in=True)
    user_id, key, *_ = signed_in
    token = b64encode(f"{username}:{user_id}:{key}".encode()).decode()
    session = TrytonSession(config, f"Session {token}")
    try:
        await _prepare(http, session)
    except SignedOut:
        raise SystemUnavailable(reasons.SESSION_FORGOTTEN.write()) from None
    return session


async def _prepare(http: HttpCaller, session: TrytonSession) -> None:
    session.context = await session.call(http, dict[str, Any], "model.res.user.get_preferences", True)
    company_id = session.context.get("company")
    if company_id is None:
        raise SystemUnavailable(reasons.NO_COMPANY.write())
    [company] = await session.call(http, list[_Company], "model.company.company.read", [company_id], ["currency.code"])
    session.currency = company.currency.code
    session.warehouses = await session.call(
        http, list[Warehouse], "model.stock.location.search_read",
        [["type", "=", "warehouse"]], 0, None, [["id", "ASC"]], ["storage_location", "code", "name"],
    )  # fmt: skip
    session.context["locations"] = [warehouse.storage_location for warehouse in session.warehouses]


def answer_changed(what: str, problem: Exception) -> PayloadInvalid:
    """`what`: the called method, or the subject of the answer."""
    return PayloadInvalid(ANSWER_CHANGED.write(system="Tryton", what=what, error=text_of(problem)))


def _address(config: ConnectionConfig) -> str:
    return endpoint(config, f"/{config.settings['database']}/rpc/")


def _result(response: HttpResponse, shape: Any, method: str) -> Any:
    check_readable(response, "Tryton")
    try:
        answer = decode_foreign(response.content, type=dict[str, msgspec.Raw])
        if "error" in answer:
            raise _refusal(method, decode_json(answer["error"]))
        return decode_json(answer["result"], type=shape)
    except (msgspec.DecodeError, KeyError) as problem:
        raise answer_changed(method, problem) from problem


def _refusal(method: str, error: Any) -> Refused:
    """Errors are lists: a kind with texts for people, or a text with a traceback; only the texts are readable."""
    parts = error if isinstance(error, list) else [error]
    warning = parts[1] if len(parts) > 1 and parts[0] in _RULES and isinstance(parts[1], list) else None
    if warning is None:
        text = " ".join(str(part) for part in parts[:2])
    else:
        texts = warning[1:] if parts[0] == "UserWarning" else warning[:2]  # a warning's first part is its internal name
        text = " ".join(part for part in texts if part and isinstance(part, str))
    return Refused(method, text[:300], by_rule=warning is not None)
