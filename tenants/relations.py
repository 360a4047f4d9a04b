"""Relations that this room publishes: SQL that rooms above read instead of its tables, in the same plan."""

from typing import Final

MSPS: Final = "(SELECT msp_id, tenant_id, slug, status, name FROM msp)"
CLIENTS: Final = """(SELECT tenant_id, msp_id, name, slug, status, currency, staff_access, created_at, language,
    time_zone, region, environment FROM client)"""
CLIENT_STATES: Final = "(SELECT tenant_id, status FROM client)"
"""Columns of clients that the intake role may read."""
MEMBERS: Final = "(SELECT tenant_id, msp_id, id, name, status FROM member)"
MEMBER_VISITS: Final = "(SELECT tenant_id, id, status, created_at, last_seen_at FROM member)"
API_KEYS: Final = "(SELECT tenant_id, msp_id, id, name FROM api_key)"
PARTNERS: Final = "(SELECT tenant_id, msp_id, partner_id, name FROM partner)"
