"""Runs revisions over the connection that beseda.db.migrate hands in."""

from alembic import context

from beseda.app_tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite alters a table by building it anew.
    render_as_batch=connection.dialect.name == "sqlite",
    compare_server_default=True,
)
# The caller owns the transaction: all revisions succeed together or leave no trace.
context.run_migrations()
