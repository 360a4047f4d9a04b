"""Relation that this slice publishes: rows of bills that are not withdrawn, with their mappings."""

from typing import Final

MAPPED_LINES: Final = """(
    SELECT l.tenant_id, l.msp_id, b.month, l.id, l.bill_id, l.vendor, b.number, l.line, l.client_key, l.client_name,
           l.product_code, l.description, l.quantity, l.unit_cost, l.amount, l.currency, l.service_from, l.service_to,
           l.created_at, c.client_id, p.meter, p.factor,
           CASE WHEN coalesce(c.is_ignored, false) OR coalesce(p.is_ignored, false) THEN 'ignored'
                WHEN c.client_id IS NULL OR p.meter IS NULL THEN 'unmapped' ELSE 'mapped' END AS mapping
      FROM vendor_bill b
      JOIN vendor_bill_line l ON l.tenant_id = b.tenant_id AND l.bill_id = b.id
      LEFT JOIN vendor_mapping c ON c.tenant_id = l.tenant_id AND c.kind = 'client' AND c.vendor = l.vendor
                                AND c.key = l.client_key
      LEFT JOIN vendor_mapping p ON p.tenant_id = l.tenant_id AND p.kind = 'product' AND p.vendor = l.vendor
                                AND p.key = l.product_code
     WHERE b.withdrawn_at IS NULL)"""
"""`mapping`: mapped, unmapped (client or product), or ignored."""
