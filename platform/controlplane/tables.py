"""SQLAlchemy metadata with every room's tables, for migrations and their check."""

import importlib
from collections.abc import Sequence

from sqlalchemy import MetaData

from foundation.database.base import Base

ROOMS_WITH_TABLES: Sequence[str] = (
    "foundation.database.models",
    "foundation.jobs.models",
    "foundation.vault.models",
    "foundation.idempotency.models",
    "foundation.audit.models",
    "foundation.usage.models",
    "policy.models",
    "tenants.models",
    "connectors.models",
    "billing.models",
    "governance.changes.models",
    "governance.drift.models",
    "governance.elements.models",
    "governance.exceptions.models",
    "governance.propagation.models",
    "governance.records.models",
    "governance.baseline.models",
    "governance.retention.models",
    "policy.models",
    "branding.models",
    "tenants.models",
    "billing.models",
)


def load_tables() -> MetaData:
    for module in ROOMS_WITH_TABLES:
        importlib.import_module(module)
    return Base.metadata


metadata = load_tables()
