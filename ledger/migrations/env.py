"""Alembic's way in. The ledger hands over its own connection, in a transaction that it commits itself."""

from alembic import context

from ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
