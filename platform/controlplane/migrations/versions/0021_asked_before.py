"""Work knows whether another system was asked for it in vain, and is put off without counting an attempt."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_EDITS = {
    "lane_claim": (
        ("OUT correlations character varying[]", "OUT correlations character varying[], OUT again boolean[]"),
        ("array_agg(w.correlation)", "array_agg(w.correlation), array_agg(w.again)"),
        ("attempts, enqueued, correlations\n", "attempts, enqueued, correlations, again\n"),
    ),
    "lane_finish": (
        (
            "p_crash_count smallint DEFAULT 0,",
            (
                "p_crash_count smallint DEFAULT 0, p_counted boolean[] DEFAULT NULL::boolean[],"
                " p_again boolean[] DEFAULT NULL::boolean[],"
            ),
        ),
        (
            "attempts = w.attempts + 1, error = r.error,",
            (
                "attempts = w.attempts + (coalesce(r.counted, true))::integer,\n"
                "               again = coalesce(r.again, false), error = coalesce(r.error, w.error),"
            ),
        ),
        ("unnest(p_retry, p_delays, p_errors)", "unnest(p_retry, p_delays, p_errors, p_counted, p_again)"),
        ("(seq, delay, error)", "(seq, delay, error, counted, again)"),
    ),
}


def upgrade() -> None:
    """Workers of before go on: they ask for no more than they did, and the new arguments have defaults."""
    op.execute("ALTER TABLE work ADD COLUMN again boolean NOT NULL DEFAULT false")
    for function, edits in _EDITS.items():
        _edit(function, edits)


def downgrade() -> None:
    for function, edits in _EDITS.items():
        _edit(function, tuple((after, before) for before, after in edits))
    op.execute("ALTER TABLE work DROP COLUMN again")


def _edit(function: str, edits: tuple[tuple[str, str], ...]) -> None:
    """Arguments cannot be added in place."""
    connection = op.get_bind()
    # Checking a body locks its tables, behind whoever holds them; the tests run every one of these.
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")
    source = connection.exec_driver_sql(f"SELECT pg_get_functiondef('{function}'::regproc)").scalar_one()
    for before, after in edits:
        if source.count(before) != 1:
            raise RuntimeError(f"{function} is not the function this migration changes")
        source = source.replace(before, after)
    connection.exec_driver_sql(f"DROP FUNCTION {function}")
    connection.exec_driver_sql(source.replace("%", "%%"))
