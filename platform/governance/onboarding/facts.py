"""Facts about clients that are being onboarded, in one statement. Needs the fleet's scope: price books belong to the
MSP.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from billing.relations import BILLING_DETAILS, PRICE_BOOKS, PRICES, SUBSCRIPTION_STEPS, SUBSCRIPTIONS
from connectors.relations import CONNECTIONS
from foundation.relations import USAGE_EVENTS
from governance.elements.declarations import is_retired
from governance.elements.domain_owners import domain_in, has_no_owner
from governance.propagation.meters import VERIFIED_DELIVERIES
from policy.permissions import PolicyPermission
from policy.relations import POLICY_RULES, POLICY_VERSIONS
from tenants.relations import CLIENTS, MEMBERS

_APPROVING: Final = "'client_admin', 'client_approver'"
"""Packaged roles of a client's account that may answer approvals."""
_IS_FAILING: Final = "n.last_failure_at > coalesce(n.last_success_at, '-infinity')"
_DECIDE: Final = PolicyPermission.DECIDE_APPROVAL.partition(":")


class OnboardingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of one client. Numbers of `active` connections: `sources` report values, `channels` show those of products,
    `untested` never responded, `failing` did not respond last, `hooked` sources send webhooks, `unheard` have sent none
    yet. `unowned`: elements with values without a contract; `orphaned`: contracts whose source is deleted. `unnamed`:
    domains of contracts for which nobody is named. `approvers` are active members of the client's account who may
    answer approvals, `invited` those who have not signed in yet. `first_sync_at`: the first value that was read back
    from a channel. `latest_at`: the time of the last change of any of these; `reached_at`, `heard_at`, `contracts_at`,
    `baseline_at`, `policy_at` and `billed_at` (the buyer of its invoices was set) that of single ones. `hold`: open
    while reported values are held, then why that ended (`HoldEnd`); empty if they never were. `template_name` is empty
    if it follows none.
    """

    tenant_id: UUID
    slug: str
    name: str
    currency: str
    environment: str
    region: str
    language: str
    time_zone: str
    created_at: datetime
    started_at: datetime
    checked_at: datetime | None
    live_at: datetime | None
    live_by: str | None
    template_name: str
    template_version: int
    active: int
    sources: int
    channels: int
    untested: int
    failing: int
    hooked: int
    unheard: int
    contracts: int
    unowned: int
    orphaned: int
    unnamed: int
    baseline: str
    hold: str
    policy_version: int
    has_rules: bool
    has_prices: bool
    has_plan: bool
    approvers: int
    invited: int
    first_sync_at: datetime | None
    reached_at: datetime | None
    heard_at: datetime | None
    contracts_at: datetime | None
    baseline_at: datetime | None
    policy_at: datetime | None
    billed_at: datetime | None
    latest_at: datetime


FACTS: Final = f"""(
    SELECT c.tenant_id, c.msp_id, c.slug, c.name, c.currency, c.environment, c.region,
           coalesce(c.language, '') AS language, coalesce(c.time_zone, '') AS time_zone, c.created_at,
           coalesce(o.started_at, c.created_at) AS started_at, o.checked_at,
           CASE WHEN o.tenant_id IS NULL THEN c.created_at ELSE o.live_at END AS live_at, o.live_by,
           coalesce(a.template_name, '') AS template_name, coalesce(a.version, 0) AS template_version,
           s.active, s.sources, s.channels, s.untested, s.failing, s.hooked, s.unheard,
           k.contracts, k.orphaned, k.unnamed, u.unowned, coalesce(b.state, '') AS baseline,
           CASE WHEN w.tenant_id IS NULL THEN '' ELSE coalesce(w.ended_for, 'open') END AS hold,
           coalesce(v.version, 0) AS policy_version, v.has_rules, p.has_prices, p.has_plan, m.approvers, m.invited,
           y.occurred_at AS first_sync_at, s.reached_at, s.heard_at, k.published_at AS contracts_at,
           b.changed_at AS baseline_at, v.published_at AS policy_at, d.updated_at AS billed_at,
           greatest(c.created_at, o.started_at, o.checked_at, a.applied_at, s.connected_at, k.published_at,
                    b.changed_at, v.published_at, y.occurred_at, o.live_at) AS latest_at
      FROM {CLIENTS} c
      LEFT JOIN onboarding o ON o.tenant_id = c.tenant_id
      LEFT JOIN value_hold w ON w.tenant_id = c.tenant_id
      LEFT JOIN client_template_use a ON a.tenant_id = c.tenant_id
      LEFT JOIN {BILLING_DETAILS} d ON d.tenant_id = c.tenant_id
     CROSS JOIN LATERAL (
       SELECT count(*) AS active, count(*) FILTER (WHERE n.is_source) AS sources,
              count(*) FILTER (WHERE EXISTS (SELECT 1 FROM unnest(n.writes) w
                                              WHERE split_part(w, '.', 1) NOT IN ('order', 'customer'))) AS channels,
              count(*) FILTER (WHERE greatest(n.last_success_at, n.last_failure_at) IS NULL) AS untested,
              count(*) FILTER (WHERE {_IS_FAILING}) AS failing,
              count(*) FILTER (WHERE n.is_source AND n.takes_webhooks) AS hooked,
              count(*) FILTER (WHERE n.is_source AND n.takes_webhooks AND n.last_message_at IS NULL) AS unheard,
              max(n.created_at) AS connected_at, max(n.last_success_at) AS reached_at,
              max(n.last_message_at) AS heard_at
         FROM {CONNECTIONS} n WHERE n.tenant_id = c.tenant_id AND n.state = 'active') s
     CROSS JOIN LATERAL (
       SELECT count(*) AS contracts, max(e.published_at) AS published_at,
              count(*) FILTER (WHERE e.source_connection_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM {CONNECTIONS} d WHERE d.tenant_id = e.tenant_id AND d.id = e.source_connection_id
                   AND d.state <> 'deleted')) AS orphaned,
              count(DISTINCT {domain_in("e")}) FILTER (WHERE {has_no_owner("e")}) AS unnamed
         FROM element_contract e WHERE e.tenant_id = c.tenant_id AND NOT {is_retired("e")}) k
     CROSS JOIN LATERAL (
       SELECT count(DISTINCT h.element) AS unowned FROM held_observation h
        WHERE h.tenant_id = c.tenant_id AND NOT {is_retired("h")} AND NOT EXISTS (
          SELECT 1 FROM element_contract e
           WHERE e.tenant_id = h.tenant_id AND e.element = h.element AND e.selector = '')) u
      LEFT JOIN LATERAL (
       SELECT l.state, greatest(l.started_at, l.decided_at) AS changed_at FROM baseline l
        WHERE l.tenant_id = c.tenant_id ORDER BY l.started_at DESC LIMIT 1) b ON true
     CROSS JOIN LATERAL (
       SELECT max(w.version) AS version, max(w.created_at) AS published_at,
              EXISTS (SELECT 1 FROM {POLICY_RULES} r WHERE r.tenant_id = c.tenant_id AND r.ptype = 'p2') AS has_rules
         FROM {POLICY_VERSIONS} w WHERE w.tenant_id = c.tenant_id) v
     CROSS JOIN LATERAL (
       SELECT EXISTS (
         SELECT 1 FROM {PRICE_BOOKS} q JOIN {PRICES} x ON x.tenant_id = q.tenant_id AND x.book_id = q.id
          WHERE q.tenant_id = c.msp_id AND q.side = 'retail' AND (q.client_id IS NULL OR q.client_id = c.tenant_id)
            AND x.valid_from <= :now AND (x.valid_to IS NULL OR x.valid_to > :now)) AS has_prices, EXISTS (
         SELECT 1 FROM {SUBSCRIPTIONS} b
          WHERE b.tenant_id = c.tenant_id AND NOT EXISTS (
            SELECT 1 FROM {SUBSCRIPTION_STEPS} o
             WHERE o.tenant_id = b.tenant_id AND o.subscription_id = b.id AND o.kind = 'cancel'
               AND o.undone_at IS NULL AND o.takes_effect_at <= :now)) AS has_plan) p
     CROSS JOIN LATERAL (
       SELECT count(DISTINCT a.id) FILTER (WHERE a.status = 'active') AS approvers,
              count(DISTINCT a.id) FILTER (WHERE a.status = 'invited') AS invited
         FROM {MEMBERS} a
         JOIN {POLICY_RULES} g ON g.tenant_id = a.tenant_id AND g.ptype = 'g' AND g.sub = CAST(a.id AS varchar)
        WHERE a.tenant_id = c.tenant_id AND (g.obj IN ({_APPROVING}) OR EXISTS (
          SELECT 1 FROM {POLICY_RULES} r
           WHERE r.tenant_id = g.tenant_id AND r.ptype = 'p' AND r.sub = g.obj AND r.obj = '{_DECIDE[0]}'
             AND r.act = '{_DECIDE[2]}' AND r.effect = 'allow'))) m
      LEFT JOIN LATERAL (
       SELECT t.occurred_at FROM {USAGE_EVENTS} t
        WHERE t.tenant_id = c.tenant_id AND t.meter = '{VERIFIED_DELIVERIES.name}' ORDER BY t.id LIMIT 1) y ON true)"""
"""As SQL, behind FROM: a row for each client. A client without an onboarding is older than that table, and counts as
live since its creation. Binds: now."""
COLUMNS: Final = ", ".join(f"f.{name}" for name in OnboardingFacts.__struct_fields__)


def _newest(table: str, row: str, time: str, where: str = "true") -> str:
    """As SQL: the newest `time` of the rows of all the MSP's clients, by client, as `at`."""
    return f"""LEFT JOIN (SELECT {row}.tenant_id, max({time}) AS at
                            FROM {CLIENTS} k JOIN {table} {row} USING (tenant_id)
                           WHERE k.msp_id = :msp AND {where} GROUP BY {row}.tenant_id)"""


PROGRESS: Final = f"""(
    SELECT c.tenant_id, c.msp_id, c.name, CASE WHEN o.tenant_id IS NULL THEN c.created_at ELSE o.live_at END AS live_at,
           greatest(c.created_at, o.started_at, o.checked_at, a.applied_at, s.at, k.at, b.at, v.at, y.occurred_at,
                    o.live_at) AS latest_at
      FROM {CLIENTS} c
      LEFT JOIN onboarding o USING (tenant_id)
      LEFT JOIN client_template_use a USING (tenant_id)
      {_newest(CONNECTIONS, "n", "n.created_at", "n.state = 'active'")} s USING (tenant_id)
      {_newest("element_contract", "e", "e.published_at", f"NOT {is_retired('e')}")} k USING (tenant_id)
      LEFT JOIN (SELECT DISTINCT ON (l.tenant_id) l.tenant_id, greatest(l.started_at, l.decided_at) AS at
                   FROM {CLIENTS} k JOIN baseline l USING (tenant_id) WHERE k.msp_id = :msp
                  ORDER BY l.tenant_id, l.started_at DESC) b USING (tenant_id)
      {_newest(POLICY_VERSIONS, "w", "w.created_at")} v USING (tenant_id)
      LEFT JOIN LATERAL (
       SELECT t.occurred_at FROM {USAGE_EVENTS} t
        WHERE t.tenant_id = c.tenant_id AND t.meter = '{VERIFIED_DELIVERIES.name}' ORDER BY t.id LIMIT 1) y ON true
     WHERE c.msp_id = :msp)"""
"""As SQL, behind FROM: the columns of FACTS by which the list is ordered and filtered, for all clients at once. The
facts themselves are then read of a page's clients only. Binds: msp."""
