"""The owner's definitions of instruments, version by version."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
LOSES = ("instruments",)


def upgrade() -> None:
    """Version 0 of an instrument is the file it is shipped with, so none is written here."""
    op.create_table(
        "instruments",
        sa.Column("symbol", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("valid_from", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Forgets every edit; instruments are as shipped again."""
    op.drop_table("instruments")
