"""Adapter of Tryton: snapshots of products and web orders that changed since a date.

Tryton has no change log, so each poll reads the current state of what changed. A later reading is newer regardless of
dates, also when a long transaction commits late with an early date: the version of an observation is the time of its
reading. The dates determine the start of the SLO clock.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from canonical.messages import Message
from connectors.messages import CURSOR_UNKNOWN, PAYLOAD_CHANGED
from connectors.ports import ConnectionConfig, HttpCaller, PayloadInvalid, PollPage
from connectors.tryton.cursor import EPOCH, Cursor, TrytonPage
from connectors.tryton.divisions import find_unknown_language
from connectors.tryton.messages import Snapshot
from connectors.tryton.observations import observations_in
from connectors.tryton.orders import TrytonOrders
from connectors.tryton.products import poll_products
from connectors.tryton.refusals import find_refusal
from connectors.tryton.sale_poll import SaleReader, poll_sales
from connectors.tryton.session import Sessions, TrytonSession
from connectors.tryton.settings import customer_code
from foundation.decoding import ForeignDecoder, decode_json
from foundation.i18n.messages import text_of


class Tryton:
    """Signs in once per connection and process, also for `orders`; again when Tryton's session has expired."""

    def __init__(self) -> None:
        sessions = self._sessions = Sessions()
        self.orders = TrytonOrders(sessions)
        self._snapshot = ForeignDecoder(Snapshot)
        self._sales = SaleReader()

    def translate(self, body: bytes) -> Sequence[Message]:
        try:
            return observations_in(self._snapshot.decode(body))
        except (msgspec.DecodeError, ValueError, ArithmeticError) as problem:
            if self._sales.reads(body):
                return self._sales.translate(body)
            raise (
                find_refusal(body)
                or find_unknown_language(body)
                or PayloadInvalid(PAYLOAD_CHANGED.write(system="Tryton", error=text_of(problem)))
            ) from problem

    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:
        async def act(session: TrytonSession) -> TrytonPage:
            await session.refresh(http)
            return await _poll(http, session, stored, now)

        try:
            stored = decode_json(cursor, type=Cursor) if cursor else Cursor(EPOCH)
        except msgspec.DecodeError as problem:
            raise PayloadInvalid(CURSOR_UNKNOWN.write(system="Tryton")) from problem
        page = await self._sessions.use(http, config, act)
        return PollPage(page.payloads, msgspec.json.encode(page.place).decode(), page.more)


async def _poll(http: HttpCaller, session: TrytonSession, stored: Cursor, now: datetime) -> TrytonPage:
    """Products first; sales when the last product was read, over as many pages as they need."""
    page = TrytonPage([], stored, more=False)
    if stored.sales is None or not stored.sales.after:
        page = await poll_products(http, session, stored, now)
    if page.more or not customer_code(session.config):
        return page
    sales = await poll_sales(http, session, page.place.sales or Cursor(EPOCH), now)
    place = msgspec.structs.replace(page.place, sales=sales.place)
    return TrytonPage([*page.payloads, *sales.payloads], place, sales.more)
