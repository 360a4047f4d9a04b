"""Sample rows of governance, as its jobs would have written them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import COST, ORDER_DOCUMENT, PRICE, STOCK
from canonical.orders import ORDER, OrderLine, OrderValue
from connectors.models import Connection, SourceEvent
from foundation.database.engine import Database
from foundation.jobs.models import DeadLetter
from foundation.scope import Scope
from governance.changes.models import Change
from governance.elements.models import ElementContract
from governance.exceptions.models import GovernanceException
from governance.exceptions.rows import Exposure
from governance.exceptions.severity import price_impact, score
from governance.policies.drafts import put_rule, remove_rule
from governance.policies.models import PolicyReplay, PolicyReplayDifference
from governance.policies.repository import find_draft
from governance.propagation.models import ChannelValue, Propagation
from governance.records.models import RecordValue
from policy.history import load_rules
from policy.models import ApprovalRow
from policy.rule_form import RuleForm, RuleOutcome
from policy.terms import Term, TermKind
from tests.support.values import minor, of

_numbers = count(1)
SLO = timedelta(seconds=30)
JOBS = "SELECT count(*) FROM job WHERE tenant_id = :t AND kind = :kind"


def id_at(at: datetime) -> UUID:
    """A UUIDv7 of `at` that no other row has."""
    stamp = int(at.timestamp() * 1000) << 80
    return UUID(int=stamp | 7 << 76 | 2 << 62 | next(_numbers))


ORDER_LINES = (OrderLine("SKU-1", "2", "19.99"), OrderLine("SKU-2", "1", "12.5"))


def stored(element: str, amount: int | None, currency: str) -> Any:
    """The value's form in its column."""
    return None if amount is None else msgspec.to_builtins(of(element, amount, currency))


def system_text(text: str) -> dict[str, Any]:
    """The message of another system's text, in the form of its column."""
    return {"code": "text", "params": {"text": text}}


@dataclass
class Sample:
    """One client's rows. Times are given as seconds before `now`."""

    db: Database
    scope: Scope
    now: datetime
    source: UUID = field(init=False)
    channels: dict[str, UUID] = field(default_factory=dict)
    partners: dict[UUID, UUID | None] = field(default_factory=dict)

    def ago(self, seconds: float) -> datetime:
        return self.now - timedelta(seconds=seconds)

    async def add(self, *rows: object) -> None:
        async with self.db.transaction(self.scope) as session:
            session.add_all(rows)

    async def count(self, sql: str, **binds: object) -> int:
        """The single number of `sql`, which names the tenant as :t."""
        async with self.db.transaction(self.scope) as session:
            return int((await session.execute(text(sql), {"t": self.scope.tenant_id, **binds})).scalar_one())

    @property
    def own(self) -> dict[str, UUID]:
        return {"tenant_id": self.scope.tenant_id, "msp_id": self.scope.msp_id}

    async def set_up(self, *, source: str = "Central ERP") -> None:
        """A source, and contracts for price, stock and cost."""
        self.source = await self.connection(source, kind="sandbox-erp")
        for element, owner in ((PRICE, "Pricing"), (STOCK, "Operations"), (COST, "Finance")):
            await self.add(
                ElementContract(
                    **self.own, element=element, source_connection_id=self.source, owner=owner, workflow="policy",
                    propagation_slo_ms=int(SLO.total_seconds() * 1000), correction_slo_ms=4 * 3600 * 1000,
                    approval_ttl_s=172_800, version=1, published_at=self.ago(86_400),
                )
            )  # fmt: skip

    async def connection(self, name: str, *, kind: str = "sandbox-shop", partner: UUID | None = None) -> UUID:
        made, is_source = id_at(self.ago(90_000)), kind == "sandbox-erp"
        await self.add(
            Connection(
                **self.own, id=made, partner_id=partner, kind=kind, name=name, is_source=is_source,
                takes_webhooks=is_source,
                writes=[] if is_source else ["*"],
                base_url="https://system.example", settings={}, state="active", requests_per_second=10.0, burst=10,
                created_at=self.ago(90_000), last_success_at=self.ago(30), last_failure_at=None, last_error=None,
            )
        )  # fmt: skip
        if not is_source:
            self.channels[name] = made
            self.partners[made] = partner
        return made

    async def fail(self, name: str, *, at: float) -> None:
        """Make the latest attempt at a channel a failure."""
        statement = update(Connection).where(Connection.tenant_id == self.scope.tenant_id, Connection.name == name)
        async with self.db.transaction(self.scope) as session:
            await session.execute(statement.values(last_success_at=self.ago(at + 1), last_failure_at=self.ago(at)))

    async def pause(self, name: str) -> None:
        statement = update(Connection).where(Connection.tenant_id == self.scope.tenant_id, Connection.name == name)
        async with self.db.transaction(self.scope) as session:
            await session.execute(statement.values(state="paused", paused_at=self.ago(60)))

    async def event(self, body: bytes, *, at: float = 60) -> UUID:
        made = id_at(self.ago(at))
        await self.add(
            SourceEvent(
                **self.own, id=made, connection_id=self.source, dedupe_key=str(made), body_hash=bytes(32), body=body,
                content_type="application/json", via="webhook", received_at=self.ago(at), correlation="corr-1",
            )
        )  # fmt: skip
        return made

    async def order(self, number: str) -> UUID:
        """A released change of an order, with ORDER_LINES."""
        made, value = id_at(self.ago(60)), OrderValue("EUR", "Ada Lovelace", "ada@example.com", ORDER_LINES, "4.9")
        await self.add(
            Change(
                **self.own, id=made, record_key=number, element=ORDER_DOCUMENT, record_type=ORDER, old_value=None,
                new_value=msgspec.to_builtins(value), source_version=1, version=1, origin="source",
                author=f"connection:{self.source}", state="released", outcome="auto", rule_id="order-accepted",
                reason={"code": "text", "params": {"text": "Orders are passed on."}}, policy_version=1,
                cost_value=None, targets=None, approval_id=None, source_event_id=None, committed_at=self.ago(60),
                proposed_at=self.ago(60), correlation="corr-1", decided_at=self.ago(60),
            )
        )  # fmt: skip
        return made

    async def change(
        self,
        record: str,
        old: int | None,
        new: int,
        *,
        states: Mapping[str, str] | None = None,
        state: str = "released",
        outcome: str = "auto",
        rule: str = "price-small-change",
        reason: str = "The price changes by 5 % or less.",
        element: str = PRICE,
        currency: str = "EUR",
        at: float = 60,
        took: float = 1.5,
        event: UUID | None = None,
        approval: UUID | None = None,
        author: str | None = None,
        is_current: bool = True,
    ) -> UUID:
        """A change with its propagations; `states` by channel."""
        made = id_at(self.ago(at))
        await self.add(
            Change(
                **self.own, id=made, record_key=record, element=element, old_value=stored(element, old, currency),
                new_value=stored(element, new, currency), source_version=1,
                version=1 if state == "released" else None, origin="source",
                author=author or f"connection:{self.source}", state=state, outcome=outcome, rule_id=rule,
                reason={"code": "text", "params": {"text": reason}}, policy_version=1, cost_value=None, targets=None,
                approval_id=approval,
                source_event_id=event, committed_at=self.ago(at + 0.2), proposed_at=self.ago(at), correlation="corr-1",
                decided_at=None if state in ("awaiting_approval", "superseded", "expired") else self.ago(at),
            )
        )  # fmt: skip
        for channel, shown in (states or {}).items():
            await self._propagate(made, record, element, new, old, currency, channel, shown, at, took)
        if is_current:
            async with self.db.transaction(self.scope) as session:
                await self._stand(session, made, record, element, new if state == "released" else old, currency, new)
        return made

    async def _propagate(  # noqa: PLR0917 - a part of the method above
        self, change: UUID, record: str, element: str, new: int, old: int | None, currency: str, channel: str,
        state: str, at: float, took: float,
    ) -> None:  # fmt: skip
        connection = self.channels[channel]
        committed = self.ago(at + 0.2)
        seen = state == "verified"
        late = (
            timedelta(seconds=took) > SLO if seen else self.now - committed > SLO and state in ("pending", "accepted")
        )
        await self.add(
            Propagation(
                **self.own, change_id=change, connection_id=connection, partner_id=self.partners[connection],
                id=id_at(committed), record_key=record, element=element,
                value=stored(element, new, currency), version=1, state=state, attempts=0 if state == "pending" else 1,
                committed_at=committed,
                released_at=committed, slo_due_at=committed + SLO, breached=late,
                accepted_at=None if state in ("pending", "refused") else committed + timedelta(seconds=took / 2),
                verified_at=committed + timedelta(seconds=took) if seen else None,
                read_value=stored(element, new if seen else (old if state == "accepted" else None), currency),
                previous_value=stored(element, old, currency),
                error=None
                if seen or state == "pending"
                else system_text("The channel did not accept it."),
            )
        )  # fmt: skip
        shown = new if seen else old
        if shown is not None:
            async with self.db.transaction(self.scope) as session:
                key = (self.scope.tenant_id, connection, record, element, "", "product")
                if await session.get(ChannelValue, key) is None:
                    session.add(
                        ChannelValue(
                            **self.own, connection_id=connection, record_key=record, element=element,
                            partner_id=self.partners[connection], value=stored(element, shown, currency), version=1,
                            change_id=change, seen_at=self.ago(at - took if seen else at + 3600),
                        )
                    )  # fmt: skip

    async def _stand(  # noqa: PLR0917 - a part of the method above
        self, session: AsyncSession, change: UUID, record: str, element: str, amount: int | None, currency: str,
        source: int,
    ) -> None:  # fmt: skip
        query = select(RecordValue).where(
            RecordValue.tenant_id == self.scope.tenant_id, RecordValue.record_key == record,
            RecordValue.element == element,
        )  # fmt: skip
        known = await session.scalar(query)
        if known is not None:
            known.value, known.change_id = stored(element, amount, currency), change
            known.source_value = stored(element, source, currency)
            return
        session.add(
            RecordValue(
                **self.own, record_key=record, element=element, source_value=stored(element, source, currency),
                source_version=1, source_event_id=None, value=stored(element, amount, currency), version=1,
                change_id=change,
            )
        )  # fmt: skip

    async def cost(self, record: str, amount: int, currency: str = "EUR") -> None:
        await self.add(
            RecordValue(
                **self.own, record_key=record, element=COST, source_value=stored(COST, amount, currency),
                source_version=1, source_event_id=None, value=stored(COST, amount, currency), version=1, change_id=None,
            )
        )  # fmt: skip

    async def awaiting(
        self, record: str, old: int, new: int, *, author: str | None = None, at: float = 600, hours: float = 40,
        approvers: Sequence[dict[str, Any]] = (), severity: int = 0,
    ) -> UUID:  # fmt: skip
        """A change pending approval, with its approval."""
        approval = id_at(self.ago(at))
        change = await self.change(
            record, old, new, state="awaiting_approval", outcome="review", rule="price-large-change", at=at,
            author=author, reason="The price changes by more than 5 %.", approval=approval,
        )  # fmt: skip
        impact = minor(new - old, "EUR")
        wrote = author or f"connection:{self.source}"
        await self.add(
            ApprovalRow(
                **self.own, id=approval, wait_id=approval, waiting_since=self.ago(at), subject_kind="change",
                subject_id=change, content_hash=bytes(32),
                policy_version=1, requested_by=wrote, author=wrote, state="pending", decided_by=None, decided_at=None,
                reason="", expires_at=self.now + timedelta(hours=hours), used_at=None, created_at=self.ago(at),
                approvers=list(approvers), severity=severity,
                impact_amount=abs(impact.number), impact_currency=impact.currency,
            )
        )  # fmt: skip
        return change

    async def exception(
        self,
        code: str,
        title: str,
        *,
        exposure: int = 0,
        channels: int = 0,
        at: float = 300,
        due_in: float = 3600,
        state: str = "open",
        record: str | None = None,
        element: str = PRICE,
        channel: str | None = None,
        change: UUID | None = None,
        event: UUID | None = None,
        connection: UUID | None = None,
        subject: str = "",
    ) -> UUID:
        made = id_at(self.ago(at))
        severity, factors = score(code, exposure=Exposure(None, minor(exposure)), channels=channels)
        impact = price_impact(Exposure(None, minor(exposure)))
        settled = state != "open"
        await self.add(
            GovernanceException(
                **self.own, id=made, code=code, subject=subject or str(made), message="legacy",
                params={"title": title, "text": f"{title}. What to do is known."}, severity=severity,
                severity_factors=factors, state=state, impact_amount=impact.number if impact else 0,
                impact_currency=impact and impact.currency, record_key=record,
                element=element if record else None, connection_id=connection or self.channels.get(channel or ""),
                change_id=change, source_event_id=event, occurrences=2, opened_at=self.ago(at),
                seen_at=self.ago(at / 2),
                correction_due_at=self.now + timedelta(seconds=due_in), closed_at=self.ago(1) if settled else None,
                closed_by="Ada" if settled else None, correlation="corr-1",
            )
        )  # fmt: skip
        return made

    async def letter(
        self, error: str | dict[str, Any], *, kind: str = "governance.push_values", at: float = 900
    ) -> UUID:
        made, reason = id_at(self.ago(at)), system_text(error) if isinstance(error, str) else error
        await self.add(
            DeadLetter(
                **self.own, id=made, lane="push/shop", kind=kind, key="SKU-1|price.list", ref=None, payload=None,
                attempts=60, error=reason, enqueued_at=self.ago(at + 60), died_at=self.ago(at), state="open",
                closed_at=None, closed_by=None, correlation="corr-1",
            )
        )  # fmt: skip
        return made

    async def replay(self, change: UUID, *, state: str = "done") -> UUID:
        """A draft with a stricter rule, and its replay, which decides that change differently."""
        terms = (Term(TermKind.CHANGE_PERCENT, "more_than", ("2.5",)), Term(TermKind.JURISDICTION, "any_of", ("EU",)))
        form = RuleForm(element=PRICE, outcome=RuleOutcome.REVIEW, terms=terms, reason="")
        async with self.db.transaction(self.scope) as session:
            rule = await put_rule(session, form, now=self.now, new_id=lambda: id_at(self.now))
            await remove_rule(session, "price-cost-unknown", now=self.now, new_id=lambda: id_at(self.now))
            draft = await find_draft(session)
            assert draft is not None
            version, _ = await load_rules(session, self.scope)
        own = {"tenant_id": self.scope.tenant_id, "msp_id": self.scope.msp_id}
        replay_id = id_at(self.now)
        reason = {
            "code": "policy.rule_applies",
            "params": {"element": PRICE, "conditions": [{"code": "rule.up", "params": {}}]},
        }
        await self.add(
            PolicyReplay(
                **own, id=replay_id, draft_id=draft.id, revision=draft.revision, policy_version=version, state=state,
                days=30, since=self.ago(30 * 86_400), until=self.now, total=1_240_000, replayed=820_000, differing=1,
                counts={"auto>auto": 819_990, "review>review": 9, "auto>review": 1},
                money={"EUR": {"auto>auto": "1204.5", "auto>review": "0.4"}}, started_at=self.ago(60),
                started_by_name="Ada", ended_at=None if state == "running" else self.now,
            ),
            PolicyReplayDifference(
                **own, replay_id=replay_id, change_id=change, record_key="SKU-1", element=PRICE, dimension="",
                record_type="product", old_value=stored(PRICE, 1000, "EUR"), new_value=stored(PRICE, 1040, "EUR"),
                proposed_at=self.ago(90), before="auto", after="review", rule_id=rule.id, reason=reason,
            ),
        )  # fmt: skip
        return replay_id
