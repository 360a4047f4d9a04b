"""Webhooks, as a feature that plans limit or leave out."""

from typing import Final

from foundation.entitlements.features import Feature
from foundation.marks import N_, NN_

WEBHOOK_FEATURE: Final = Feature(
    code="webhooks",
    label=N_("Webhooks"),
    path="/webhooks",
    unit=NN_("{number} webhook", "{number} webhooks"),
    count="SELECT count(*) FROM webhook_endpoint WHERE tenant_id = :t AND deleted_at IS NULL",
)
