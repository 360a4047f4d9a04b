"""Webhooks, as a feature that plans limit or leave out."""

from typing import Final

from foundation.entitlements.features import Feature
from foundation.marks import N_, NN_
from webhooks.permissions import WebhookPermission

WEBHOOK_FEATURE: Final = Feature(
    code="webhooks",
    label=N_("Webhooks"),
    path="/webhooks",
    permission=WebhookPermission.READ,
    unit=NN_("{number} webhook", "{number} webhooks"),
    count="SELECT count(*) FROM webhook_endpoint WHERE tenant_id = :t AND deleted_at IS NULL",
)
