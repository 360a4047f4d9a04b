"""Session of a user of one Tryton database, and calls of its methods."""

from base64 import b64encode
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from connectors.http.errors import check_readable
from connectors.http.requests import endpoint, json_headers
from connectors.ports import ConnectionConfig, HttpCaller, HttpResponse, PayloadInvalid, SystemUnavailable
from foundation.decoding import decode_foreign, decode_json
from foundation.outbound.headers import parse_http_date

Shape = TypeVar("Shape")
_FORGOTTEN = 401


class SignedOut(Exception):
    """Tryton's session has expired."""


class Refused(SystemUnavailable):
    """Tryton accepted the call and failed, such as in computing a product's price."""


class _Company(msgspec.Struct, frozen=True):
    class Currency(msgspec.Struct, frozen=True):
        code: str

    currency: Currency = msgspec.field(name="currency.")


class _Warehouse(msgspec.Struct, frozen=True):
    storage_location: int


class TrytonSession(msgspec.Struct):
    """`context` is the user's own, with the locations whose stock counts as on hand. The context and the company's
    currency can change in Tryton, so each poll refreshes them: only the sign-in itself is kept. `clock` is Tryton's
    time in its last response, None when absent.
    """

    config: ConnectionConfig
    authorization: str
    context: dict[str, Any] = {}
    currency: str = ""
    clock: datetime | None = None

    async def call(self, http: HttpCaller, shape: type[Shape], method: str, *parameters: Any) -> Shape:
        """Raises `SignedOut`, `SystemUnavailable`, `PayloadInvalid`."""
        headers = json_headers() | {"authorization": self.authorization}
        content = msgspec.json.encode({"id": 1, "method": method, "params": [*parameters, self.context]})
        response = await http.request("POST", _address(self.config), headers=headers, content=content)
        if response.status_code == _FORGOTTEN:
            raise SignedOut
        self.clock = parse_http_date(response.headers.get("date", ""))
        result: Shape = _result(response, shape, method)
        return result

    async def refresh(self, http: HttpCaller) -> None:
        """Raises as `call`."""
        await _prepare(http, self)


async def sign_in(http: HttpCaller, config: ConnectionConfig) -> TrytonSession:
    username = config.settings["username"]
    parameters = [username, {"password": config.secrets["password"]}]
    content = msgspec.json.encode({"id": 1, "method": "common.db.login", "params": parameters})
    response = await http.request("POST", _address(config), headers=json_headers(), content=content)
    signed_in = _result(response, list[Any] | None, "common.db.login")
    if signed_in is None:
        raise SystemUnavailable("Tryton did not accept our sign-in. Check the credentials.")
    user_id, key, *_ = signed_in
    token = b64encode(f"{username}:{user_id}:{key}".encode()).decode()
    session = TrytonSession(config, f"Session {token}")
    try:
        await _prepare(http, session)
    except SignedOut:
        raise SystemUnavailable("Tryton forgot the session right after sign-in. Try again later.") from None
    return session


async def _prepare(http: HttpCaller, session: TrytonSession) -> None:
    session.context = await session.call(http, dict[str, Any], "model.res.user.get_preferences", True)
    company_id = session.context.get("company")
    if company_id is None:
        raise SystemUnavailable("The Tryton user has no company. Choose one in its preferences.")
    [company] = await session.call(http, list[_Company], "model.company.company.read", [company_id], ["currency.code"])
    session.currency = company.currency.code
    warehouses = await session.call(
        http,
        list[_Warehouse],
        "model.stock.location.search_read",
        [["type", "=", "warehouse"]],
        0,
        None,
        None,
        ["storage_location"],
    )
    session.context["locations"] = [warehouse.storage_location for warehouse in warehouses]


def _address(config: ConnectionConfig) -> str:
    return endpoint(config, f"/{config.settings['database']}/rpc/")


def _result(response: HttpResponse, shape: Any, method: str) -> Any:
    check_readable(response, "Tryton")
    try:
        answer = decode_foreign(response.content, type=dict[str, msgspec.Raw])
        if "error" in answer:
            raise Refused(f"Tryton refused {method}: {_first_sentence(answer['error'])}")
        return decode_json(answer["result"], type=shape)
    except (msgspec.DecodeError, KeyError) as problem:
        raise PayloadInvalid(f"Tryton's answer to {method} no longer has the agreed form: {problem}.") from problem


def _first_sentence(error: msgspec.Raw) -> str:
    """Error text for members. Errors are lists: a kind, then texts or a traceback; only the first two are readable."""
    parts = decode_json(error)
    return " ".join(str(part) for part in parts[:2])[:300] if isinstance(parts, list) else str(parts)[:300]
