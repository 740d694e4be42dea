"""What an import added, so that it can be undone, and which imports were."""

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"
LOSES = ("additions",)

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Imports of before have no list of what they added and cannot be undone."""
    schema = context.config.attributes["schema"]
    op.add_column("imports", sa.Column("undone_at", BIGINT), schema=schema)
    op.create_table(
        "additions",
        sa.Column(
            "import_id",
            BIGINT,
            sa.ForeignKey(f"{schema}.imports.id" if schema else "imports.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("keys", sa.LargeBinary, nullable=False),
        schema=schema,
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Forgets what could have been undone; an import that was undone is listed no more."""
    schema = context.config.attributes["schema"]
    prefix = f"{schema}." if schema else ""
    op.drop_table("additions", schema=schema)
    op.execute(f"DELETE FROM {prefix}imports WHERE undone_at IS NOT NULL")
    op.drop_column("imports", "undone_at", schema=schema)
