"""Connections, as a feature that plans limit."""

from typing import Final

from foundation.entitlements.features import Feature
from foundation.marks import N_, NN_

CONNECTION_FEATURE: Final = Feature(
    code="connections",
    label=N_("Connections"),
    path="/connections",
    unit=NN_("{number} connection", "{number} connections"),
    count="SELECT count(*) FROM connection WHERE tenant_id = :t AND deleted_at IS NULL",
)
