"""Receipt of one webhook, from its bytes to a durable source event."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import psycopg

from connectors.ports import Connector, SignatureInvalid, VerifiedDelivery
from connectors.webhooks.directory import HookDirectory, HookRoute
from connectors.webhooks.signatures import NO_MATCH
from connectors.webhooks.writer import Delivery, IntakeWriter, Stored, storable_id
from foundation.errors import Conflict, InvalidInput, NotFound, Unauthenticated, Unavailable
from foundation.ids import NewId
from foundation.marks import N_
from foundation.text import clean_error_text

MAX_BODY = 1024 * 1024
_MAX_ID = 200
_BY_HASH = "sha256:"
_OWN_KEY = re.compile(r"sha256:|baseline/|[^#]*#(?:[^#]*#)*[0-9a-f]{64}\Z", re.IGNORECASE)
"""Deduplication keys generated here; a sender's id of this form could be mistaken for another event."""


class HookReceiver:
    """Dependencies of `receive`, built once by the composition root."""

    def __init__(
        self, directory: HookDirectory, writer: IntakeWriter, registry: Mapping[str, Connector], new_id: NewId
    ) -> None:
        self._directory = directory
        self._writer = writer
        self._registry = registry
        self._new_id = new_id

    async def receive(
        self, address: str, headers: Mapping[str, str], body: bytes, *, now: datetime, correlation: str
    ) -> Stored:
        """Verify and store. Header names are lower case.

        Raises:
            NotFound: no connection has this address.
            Unauthenticated: the signature is invalid.
            Conflict: the connection is paused, or its client suspended.
            InvalidInput: the delivery's id has the form of our own keys.
            Unavailable: storing failed; the sender should retry.
        """
        route = await self._route(address)
        try:
            verified = self._admit(route, headers, body, now)
        except (Unauthenticated, Conflict):  # resumed, or given another secret, since the look-up
            fresh = await self._route(address, refresh=True)
            if fresh == route:
                raise
            route, verified = fresh, self._admit(fresh, headers, body, now)
        body_hash = hashlib.sha256(body).digest()
        external_id = verified.external_id
        if external_id is not None and _OWN_KEY.match(external_id):
            raise InvalidInput(N_("This webhook ID has a reserved form. Send the webhook under another ID."))
        if external_id is not None:
            external_id = storable_id(external_id)
        delivery = Delivery(
            id=self._new_id(),
            msp_id=route.msp_id,
            tenant_id=route.tenant_id,
            connection_id=route.connection_id,
            dedupe_key=external_id if external_id is not None else f"{_BY_HASH}{body_hash.hex()}",
            body_hash=body_hash,
            body=body,
            content_type=clean_error_text(headers.get("content-type", ""), longest=_MAX_ID),
            via="webhook",
            received_at=now,
            correlation=correlation,
        )
        return await self._writer.store(delivery)

    def _admit(self, route: HookRoute, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedDelivery:
        verified = self._verify(route, headers, body, now)
        # Checked after the signature: the state is disclosed to authentic senders only.
        if not route.active:
            raise Conflict(N_("This connection is paused. Resume it, then send this again."))
        if route.suspended:
            raise Conflict(N_("This account is suspended. Send this again when it is resumed."))
        return verified

    async def _route(self, address: str, *, refresh: bool = False) -> HookRoute:
        try:
            connection_id = UUID(address)
        except ValueError:
            raise NotFound(N_("No connection has this address.")) from None
        try:
            route = await self._directory.find(connection_id, refresh=refresh)
        except psycopg.OperationalError as error:
            raise Unavailable(N_("The webhook cannot be checked right now. Send it again.")) from error
        if route is None or route.kind not in self._registry:
            raise NotFound(N_("No connection has this address."))
        return route

    def _verify(self, route: HookRoute, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedDelivery:
        source = self._registry[route.kind].webhook
        if source is None:
            raise NotFound(N_("No connection has this address."))
        problem: SignatureInvalid | None = None
        for secret in route.secrets:
            try:
                return source.verify(headers, body, secret, now)
            except SignatureInvalid as error:
                problem = problem or error
        # The same message without a secret: whether one is set is part of the connection's state, too.
        raise Unauthenticated(str(problem) if problem else NO_MATCH)
