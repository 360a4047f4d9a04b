"""Adapter of Tryton: snapshots of products that changed since a date.

Tryton has no change log, so each poll reads the current state of the changed products. A later reading is newer
whatever the dates, also when a long transaction commits late with an early date: the version of an observation is the
time of its reading. The dates determine the start of the SLO clock.
"""

from datetime import datetime

import msgspec

from canonical.messages import Observation
from connectors.ports import ConnectionConfig, HttpCaller, PayloadInvalid, PollPage
from connectors.tryton.cursor import EPOCH, Cursor
from connectors.tryton.messages import Snapshot
from connectors.tryton.observations import observations_in
from connectors.tryton.products import poll_products
from connectors.tryton.refusals import find_refusal
from connectors.tryton.session import Sessions, TrytonSession
from foundation.decoding import ForeignDecoder, decode_json


class Tryton:
    """Signs in once per connection and process; again when Tryton's session has expired."""

    def __init__(self) -> None:
        self._sessions = Sessions()
        self._snapshot = ForeignDecoder(Snapshot)

    def translate(self, body: bytes) -> list[Observation]:
        try:
            return observations_in(self._snapshot.decode(body))
        except (msgspec.DecodeError, ValueError, ArithmeticError) as problem:
            raise find_refusal(body) or PayloadInvalid(
                f"Tryton's product no longer has the agreed form: {problem}."
            ) from problem

    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:
        async def act(session: TrytonSession) -> PollPage:
            await session.refresh(http)
            return await poll_products(http, session, place, now)

        try:
            place = decode_json(cursor, type=Cursor) if cursor else Cursor(EPOCH)
        except msgspec.DecodeError as problem:
            raise PayloadInvalid("The stored cursor is not one of Tryton's. Clear it to read everything.") from problem
        return await self._sessions.use(http, config, act)
