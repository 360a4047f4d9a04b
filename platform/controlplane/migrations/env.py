"""Alembic's entry. `controlplane.migrate` hands over the connection; nothing is read from the environment."""

from alembic import context

from controlplane.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, compare_type=True, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
