"""Market data: series, and their bars and quotes as packed blocks (SQLite) or rows (PostgreSQL)."""

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None
LOSES = ("series", "blocks")

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BAR_PRICES = ("open", "high", "low", "close", "volume", "spread")


def upgrade() -> None:
    """Creates everything."""
    schema = context.config.attributes["schema"]
    _series(schema)
    if schema is None:
        _blocks()
    else:
        _rows("bars", schema, BAR_PRICES)
        _rows("quotes", schema, ("bid", "ask"))


def downgrade() -> None:
    """Removes everything, data included."""
    schema = context.config.attributes["schema"]
    for table in ("blocks",) if schema is None else ("quotes", "bars"):
        op.drop_table(table, schema=schema)
    op.drop_table("series", schema=schema)


def _series(schema: str | None) -> None:
    op.create_table(
        "series",
        sa.Column("id", BIGINT, sa.Identity(), primary_key=True),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("rows", BIGINT, nullable=False),
        sa.UniqueConstraint("symbol", "timeframe", "source"),
        schema=schema,
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("series_id", BIGINT, sa.ForeignKey("series.id"), primary_key=True, autoincrement=False),
        sa.Column("start", BIGINT, primary_key=True, autoincrement=False),
        sa.Column("first", BIGINT, nullable=False),
        sa.Column("last", BIGINT, nullable=False),
        sa.Column("rows", BIGINT, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )


def _rows(table: str, schema: str, values: tuple[str, ...]) -> None:
    op.create_table(
        table,
        sa.Column("series_id", BIGINT, sa.ForeignKey(f"{schema}.series.id"), primary_key=True, autoincrement=False),
        sa.Column("at", BIGINT, primary_key=True, autoincrement=False),
        sa.Column("n", BIGINT, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Double, nullable=False) for name in values),
        schema=schema,
    )
