"""Alembic's entry: runs the migrations over the connection it was handed, in the schema `market` on PostgreSQL."""

from alembic import context

from engine.storage.migrate import VERSION_TABLE

connection = context.config.attributes["connection"]
schema = context.config.attributes["schema"]
if schema:
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7310142021)")  # two programs may start at once
    if connection.exec_driver_sql(f"SELECT to_regnamespace('{schema}')").scalar() is None:  # asked, as making one takes a right
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
context.configure(connection=connection, version_table=VERSION_TABLE, version_table_schema=schema, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
