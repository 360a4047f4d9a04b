"""Decimal quantities of usage, rated usage, prices and invoice lines; further terms of prices; rules of price books."""

from alembic import op

revision = "202611300447"
down_revision = "202611300225"
branch_labels = None
depends_on = None

# Books that exist keep the rounding that their invoices were computed by; new ones take the rules' defaults.
_UP = """
ALTER TABLE usage_event ALTER COLUMN quantity TYPE numeric,
    ADD CONSTRAINT ck_usage_event_quantity CHECK (abs(quantity) < 1e19 AND scale(quantity) <= 9);
ALTER TABLE rated_usage ALTER COLUMN quantity TYPE numeric;
ALTER TABLE price ALTER COLUMN included_quantity TYPE numeric, ADD COLUMN terms jsonb NOT NULL DEFAULT '{}';
ALTER TABLE invoice_line ALTER COLUMN quantity TYPE numeric, ALTER COLUMN included TYPE numeric,
    ADD COLUMN terms jsonb NOT NULL DEFAULT '{}';
ALTER TABLE price_book ADD COLUMN rules jsonb NOT NULL DEFAULT '{"rounding": "half_even"}';
ALTER TABLE price_book ALTER COLUMN rules SET DEFAULT '{}';
"""
# Without the fractions, which the earlier release cannot store.
_DOWN = """
ALTER TABLE price_book DROP COLUMN rules;
ALTER TABLE invoice_line ALTER COLUMN quantity TYPE bigint, ALTER COLUMN included TYPE bigint, DROP COLUMN terms;
ALTER TABLE price ALTER COLUMN included_quantity TYPE bigint, DROP COLUMN terms;
ALTER TABLE rated_usage ALTER COLUMN quantity TYPE bigint;
ALTER TABLE usage_event DROP CONSTRAINT ck_usage_event_quantity, ALTER COLUMN quantity TYPE bigint;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
