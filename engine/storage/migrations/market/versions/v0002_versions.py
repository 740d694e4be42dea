"""Where rows came from, and every value that was replaced, removed, or offered and not taken."""

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"
LOSES = ("imports", "revisions")

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOUBLE: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
VALUES = 6


def upgrade() -> None:
    """Creates the imports and the revisions; rows stored before have no import."""
    schema = context.config.attributes["schema"]
    prefix = f"{schema}." if schema else ""
    _imports(schema, prefix)
    _revisions(schema, prefix)


def downgrade() -> None:
    """Forgets origins and earlier values; what is stored stays."""
    schema = context.config.attributes["schema"]
    op.drop_table("revisions", schema=schema)
    op.drop_table("imports", schema=schema)


def _imports(schema: str | None, prefix: str) -> None:
    op.create_table(
        "imports",
        sa.Column("id", BIGINT, sa.Identity(), primary_key=True),
        sa.Column("series_id", BIGINT, sa.ForeignKey(f"{prefix}series.id"), nullable=False),
        sa.Column("imported_at", BIGINT, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("clock", sa.Text, nullable=False),
        sa.Column("added", BIGINT, nullable=False),
        sa.Column("same", BIGINT, nullable=False),
        sa.Column("changed", BIGINT, nullable=False),
        schema=schema,
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index("imports_by_series", "imports", ["series_id", "sha256"], schema=schema)


def _revisions(schema: str | None, prefix: str) -> None:
    op.create_table(
        "revisions",
        sa.Column("id", BIGINT, sa.Identity(), primary_key=True),
        sa.Column("series_id", BIGINT, sa.ForeignKey(f"{prefix}series.id"), nullable=False),
        sa.Column("import_id", BIGINT, sa.ForeignKey(f"{prefix}imports.id")),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("n", BIGINT, nullable=False),
        *(sa.Column(f"v{number}", DOUBLE) for number in range(1, VALUES + 1)),
        sa.CheckConstraint("kind IN ('offered', 'replaced', 'removed')", name="revisions_kind"),
        schema=schema,
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index("revisions_by_series", "revisions", ["series_id", "at", "n"], schema=schema)
