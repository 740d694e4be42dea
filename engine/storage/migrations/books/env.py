"""Alembic's entry: runs the migrations over the connection it was handed."""

from alembic import context

from engine.storage.migrate import VERSION_TABLE

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7310142020)")  # two programs may start at once
context.configure(connection=connection, version_table=VERSION_TABLE, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
