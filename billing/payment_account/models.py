"""Table of payment accounts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import String

from billing.payment_account.states import PaymentMode, ProviderKind
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class PaymentAccount(TenantOwned, Base):
    """An MSP's account at a payment provider. Without a row its clients pay outside the product.

    One that is `connected` belongs to the platform of this installation: it has no keys of its own, and no
    `external_id` until its set-up begins. `id` is derived from the account at the provider, so that an account that is
    set again keeps its request log. `secret_key` and `signing_secret` are sealed in the MSP's vault; `key_hint` is the
    part of the key that pages show. `can_charge`, `requirements` and `restriction` are the provider's report at
    `checked_at`. `refused_hooks` counts webhooks whose signature did not fit; the sweep has read events before
    `swept_at`.
    """

    __tablename__ = "payment_account"

    id: Mapped[UUID]
    provider: Mapped[str]
    mode: Mapped[str]
    external_id: Mapped[str]
    connected: Mapped[bool] = mapped_column(server_default="false")
    secret_key: Mapped[bytes | None]
    key_hint: Mapped[str]
    signing_secret: Mapped[bytes | None]
    can_charge: Mapped[bool]
    requirements: Mapped[list[str]] = mapped_column(ARRAY(String))
    restriction: Mapped[str]
    checked_at: Mapped[datetime | None]
    refused_hooks: Mapped[int] = mapped_column(BigInteger, server_default="0")
    swept_at: Mapped[datetime | None]
    set_at: Mapped[datetime]
    set_by: Mapped[str]

    __table_args__ = (
        CheckConstraint(f"provider IN ({in_sql(ProviderKind)})", name="provider"),
        CheckConstraint(f"mode IN ({in_sql(PaymentMode)})", name="mode"),
        CheckConstraint("tenant_id = msp_id", name="msp_account"),
        CheckConstraint("(provider = 'stripe') = (secret_key IS NOT NULL OR connected)", name="secret_key"),
        Index("ix_payment_account_connected", "external_id", postgresql_where=text("connected")),
    )
