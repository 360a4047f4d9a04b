"""Alembic's entry. `controlplane.migrate` hands over the connection; nothing is read from the environment."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
