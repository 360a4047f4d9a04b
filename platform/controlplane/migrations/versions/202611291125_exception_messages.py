"""Exceptions hold the code of a message and its parameters. Older ones keep their sentences as parameters."""

from alembic import op

revision = "202611291125"
down_revision = "202611291120"
branch_labels = None
depends_on = None

_FACTORS = """
CREATE FUNCTION pg_temp.factors_of(breakdown jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('formula', coalesce(breakdown ->> 'formula', ''), 'factors', coalesce((
               SELECT jsonb_agg(jsonb_build_object('name', p.part -> 'name', 'points', p.part -> 'points',
                                                   'code', 'legacy',
                                                   'params', jsonb_build_object('text', p.part -> 'why'))
                                ORDER BY p.place)
                 FROM jsonb_array_elements(breakdown -> 'parts') WITH ORDINALITY AS p (part, place)), '[]'))
$$;
"""
# A change of type rewrites every tenant's rows, where an UPDATE would see none of them.
_CONVERT = """
ALTER TABLE governance_exception
    ALTER COLUMN title TYPE varchar USING 'legacy',
    ALTER COLUMN detail TYPE jsonb USING jsonb_build_object('title', title, 'text', detail),
    ALTER COLUMN breakdown TYPE jsonb USING pg_temp.factors_of(breakdown);
ALTER TABLE governance_exception RENAME COLUMN title TO message;
ALTER TABLE governance_exception RENAME COLUMN detail TO params;
ALTER TABLE governance_exception RENAME COLUMN breakdown TO severity_factors;
DROP FUNCTION pg_temp.factors_of;
"""


def upgrade() -> None:
    op.execute(_FACTORS)
    op.execute(_CONVERT)


def downgrade() -> None:
    """Not offered: the sentences of messages stored since then cannot be restored from their codes."""
    raise NotImplementedError("This step cannot be taken back. Restore a backup instead.")
