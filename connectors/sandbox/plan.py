"""Configuration of a sandbox's systems."""

from typing import Annotated, Literal

import msgspec

from connectors.sandbox.catalogue import MAX_SKUS

Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]


class SystemPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`token` is the shop's or market's API key, or the ERP operator's token."""

    name: Name
    kind: Literal["sandbox-erp", "sandbox-shop", "sandbox-market"]
    token: str
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "USD"
    skus: Annotated[int, msgspec.Meta(ge=0, le=MAX_SKUS)] = 20
    delay_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.05  # market: from acceptance to visibility


def default_plans(token: str) -> list[SystemPlan]:
    return [
        SystemPlan(name="erp", kind="sandbox-erp", token=token),
        SystemPlan(name="shop", kind="sandbox-shop", token=token),
        SystemPlan(name="market", kind="sandbox-market", token=token),
    ]
