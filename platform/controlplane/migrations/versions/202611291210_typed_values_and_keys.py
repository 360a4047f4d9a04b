"""Typed values in one jsonb column each, and keys with a dimension and a type of records.

Minor units with a currency become money in major units, by the currency's digits; integers without a currency become
pieces. The release before cannot write beside this one: stop the processes for this migration.
"""

from alembic import op

from canonical.currencies import DIGITS, FORMER

revision = "202611291210"
down_revision = "202611291205"
branch_labels = None
depends_on = None

_UNITS = ", ".join(f"('{code}', 1e-{digits})" for code, digits in {**DIGITS, **FORMER}.items())
_CONVERT = f"""
CREATE TEMPORARY TABLE minor_unit (code varchar PRIMARY KEY, part numeric NOT NULL) ON COMMIT DROP;
INSERT INTO minor_unit VALUES {_UNITS};
CREATE FUNCTION pg_temp.to_value(amount bigint, currency varchar) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN amount IS NULL THEN NULL
                WHEN coalesce(currency, '') = ''
                THEN jsonb_build_object('type', 'quantity', 'amount', amount::text, 'unit', 'H87')
                ELSE jsonb_build_object('type', 'money', 'currency', currency, 'amount', trim_scale(
                     amount * (SELECT part FROM minor_unit u WHERE u.code = currency))::text) END
$$;
"""
_KEYED = (
    "record_value", "change", "propagation", "channel_value", "drift_cursor", "governance_exception",
    "held_observation", "baseline_item", "baseline_reading",
)  # fmt: skip
_KEYS = """
ALTER TABLE {0} ADD COLUMN dimension varchar NOT NULL DEFAULT '';
ALTER TABLE {0} ADD COLUMN record_type varchar NOT NULL DEFAULT 'product';
"""
_COLUMNS = {
    "record_value": (
        ("source_value", "source_amount", "source_currency", True),
        ("value", "amount", "currency", False),
    ),
    "change": (
        ("old_value", "old_amount", "old_currency", False),
        ("new_value", "new_amount", "new_currency", True),
    ),
    "propagation": (
        ("value", "amount", "currency", True),
        ("previous_value", "previous_amount", "previous_currency", False),
    ),
    "channel_value": (("value", "amount", "currency", True),),
    "baseline_item": (("value", "amount", "currency", False),),
    "baseline_reading": (("value", "amount", "currency", False),),
}
# The cost had no currency of its own: it is that of the record's cost now, or else the price's.
_COST = """
ALTER TABLE change ADD COLUMN cost_value jsonb;
UPDATE change c SET cost_value = pg_temp.to_value(c.cost_amount, coalesce(
       (SELECT nullif(v.value->>'currency', '') FROM record_value v
         WHERE v.tenant_id = c.tenant_id AND v.record_key = c.record_key AND v.element = 'price.cost'
           AND v.value IS NOT NULL), nullif(c.new_currency, ''), 'XXX'))
 WHERE c.cost_amount IS NOT NULL AND c.element = 'price.list';
"""
_READ = """
ALTER TABLE propagation ADD COLUMN read_value jsonb;
UPDATE propagation SET read_value = pg_temp.to_value(read_amount, currency) WHERE read_amount IS NOT NULL;
"""
_DROPPED = {
    "record_value": "source_amount source_currency amount currency",
    "change": "old_amount old_currency new_amount new_currency cost_amount",
    "propagation": "amount currency read_amount previous_amount previous_currency",
    "channel_value": "amount currency",
    "baseline_item": "amount currency",
    "baseline_reading": "amount currency",
}
_PRIMARY = {
    "record_value": "tenant_id, record_key, element, dimension, record_type",
    "channel_value": "tenant_id, connection_id, record_key, element, dimension, record_type",
    "held_observation": "tenant_id, connection_id, element, record_key, dimension, record_type",
    "baseline_item": "tenant_id, baseline_id, record_key, element, dimension, record_type",
    "baseline_reading": "tenant_id, baseline_id, connection_id, record_key, element, dimension, record_type",
    "source_record": "tenant_id, connection_id, source_id, record_type",
    "record_title": "tenant_id, record_key, record_type",
}
_INDEXES = """
DROP INDEX ix_change_awaiting_approval;
CREATE INDEX ix_change_awaiting_approval ON change (tenant_id, record_key, element, dimension, record_type)
    WHERE state = 'awaiting_approval';
DROP INDEX ix_change_record;
CREATE INDEX ix_change_record ON change (tenant_id, record_key, element, dimension, record_type, version);
DROP INDEX ix_propagation_running;
CREATE INDEX ix_propagation_running ON propagation
    (tenant_id, connection_id, record_key, element, dimension, record_type)
    WHERE state NOT IN ('verified', 'superseded');
DROP INDEX ix_governance_exception_record;
CREATE INDEX ix_governance_exception_record ON governance_exception
    (tenant_id, record_key, element, dimension, record_type) WHERE state = 'open';
DROP INDEX ix_baseline_reading_below_cost;
CREATE INDEX ix_baseline_reading_below_cost ON baseline_reading
    (tenant_id, baseline_id, record_key, element, dimension, record_type, connection_id) WHERE below_cost;
DROP INDEX ix_baseline_reading_verdict;
CREATE INDEX ix_baseline_reading_verdict ON baseline_reading
    (tenant_id, baseline_id, verdict, record_key, element, dimension, record_type, connection_id);
"""


def upgrade() -> None:
    for table in _COLUMNS:  # its owner converts every tenant's rows, or none would be visible
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_CONVERT)
    for table in _KEYED:
        op.execute(_KEYS.format(table))
    op.execute("ALTER TABLE drift_cursor ALTER COLUMN record_type SET DEFAULT ''")
    for table in ("source_record", "record_title"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN record_type varchar NOT NULL DEFAULT 'product'")
    for table, columns in _COLUMNS.items():
        _convert(table, columns)
    op.execute(_COST)
    op.execute(_READ)
    for table, names in _DROPPED.items():
        op.execute(f"ALTER TABLE {table} " + ", ".join(f"DROP COLUMN {name}" for name in names.split()))
    for table, key in _PRIMARY.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({key})")
    op.execute(_INDEXES)
    for table in _COLUMNS:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _convert(table: str, columns: tuple[tuple[str, str, str, bool], ...]) -> None:
    op.execute(f"ALTER TABLE {table} " + ", ".join(f"ADD COLUMN {new} jsonb" for new, _, _, _ in columns))
    sets = ", ".join(f"{new} = pg_temp.to_value({amount}, {currency})" for new, amount, currency, _ in columns)
    op.execute(f"UPDATE {table} SET {sets}")
    for new, _, _, required in columns:
        if required:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {new} SET NOT NULL")


def downgrade() -> None:
    """Texts, dates and divided values have no place in the tables before."""
    raise NotImplementedError("Typed values cannot be taken back. Restore a backup instead.")
