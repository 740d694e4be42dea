"""Books, their facts, and the read views.

The views are plain SQL over the facts' own JSON. v_orders says an order's state without replaying it; that it always agrees
with `engine.domain.order.apply` is what the audit and the tests compare. In their text <f.name> stands for the fact's field as
text and <f.name#> for an integer field.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
LOSES = ("facts", "books")

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SQLITE_GUARD = """
CREATE TRIGGER facts_{verb} BEFORE {verb} ON facts
BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END
"""
POSTGRES_GUARD = """
CREATE FUNCTION facts_are_append_only() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'facts are append-only'; END $$
"""
POSTGRES_TRIGGER = """
CREATE TRIGGER facts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON facts
FOR EACH STATEMENT EXECUTE FUNCTION facts_are_append_only()
"""

ORDERS = """
CREATE VIEW v_orders AS
SELECT o.book_id, o.order_id,
    <t.symbol> AS symbol, <t.side> AS side, <t.type> AS type,
    CASE WHEN m.seq IS NULL THEN <t.quantity#> ELSE <m.quantity#> END AS quantity,
    <t.role> AS role,
    CASE WHEN m.seq IS NULL THEN <t.limit#> ELSE <m.limit#> END AS limit_price,
    CASE WHEN m.seq IS NULL THEN <t.stop#> ELSE <m.stop#> END AS stop_price,
    <t.tif> AS tif, <t.parent> AS parent, <t.oco> AS oco, <t.signal> AS signal,
    CASE
        WHEN o.fill_seq = o.last_seq
            AND o.filled >= CASE WHEN m.seq IS NULL THEN <t.quantity#> ELSE <m.quantity#> END THEN 'FILLED'
        WHEN o.denied_seq IS NOT NULL THEN 'DENIED'
        WHEN o.cancelled_seq IS NOT NULL THEN 'CANCELLED'
        WHEN o.expired_seq IS NOT NULL THEN 'EXPIRED'
        WHEN o.rejected_seq IS NOT NULL AND o.filled = 0 THEN 'REJECTED'
        WHEN o.cancel_seq > coalesce(o.kept_seq, 0)
            AND (o.unknown_seq IS NULL OR o.cancel_seq > o.found_seq) THEN 'PENDING_CANCEL'
        WHEN o.modify_seq > coalesce(o.modified_seq, 0)
            AND o.modify_seq > coalesce(o.kept_seq, 0) THEN 'PENDING_MODIFY'
        WHEN o.filled > 0 THEN 'PARTIALLY_FILLED'
        WHEN o.found_seq IS NOT NULL OR o.kept_seq IS NOT NULL THEN 'ACCEPTED'
        WHEN o.unknown_seq IS NOT NULL THEN 'UNKNOWN'
        WHEN o.sent_seq IS NOT NULL THEN 'SENT'
        ELSE 'INTENT'
    END AS state,
    o.filled, o.filled_value, t.at AS placed_at, o.changed_at, coalesce(<r.reason>, '') AS reason
FROM (
    SELECT f.book_id, <f.order> AS order_id,
        min(f.seq) AS first_seq, max(f.seq) AS last_seq, max(f.at) AS changed_at,
        max(CASE f.kind WHEN 'OrderDenied' THEN f.seq END) AS denied_seq,
        max(CASE f.kind WHEN 'OrderSent' THEN f.seq END) AS sent_seq,
        max(CASE f.kind WHEN 'OrderUnknown' THEN f.seq END) AS unknown_seq,
        max(CASE f.kind WHEN 'OrderRejected' THEN f.seq END) AS rejected_seq,
        max(CASE f.kind WHEN 'OrderCancelled' THEN f.seq END) AS cancelled_seq,
        max(CASE f.kind WHEN 'OrderExpired' THEN f.seq END) AS expired_seq,
        max(CASE f.kind WHEN 'ModifyRequested' THEN f.seq END) AS modify_seq,
        max(CASE f.kind WHEN 'OrderModified' THEN f.seq END) AS modified_seq,
        max(CASE f.kind WHEN 'CancelRequested' THEN f.seq END) AS cancel_seq,
        max(CASE WHEN f.kind IN ('ModifyRejected', 'CancelRejected') THEN f.seq END) AS kept_seq,
        min(CASE WHEN f.kind IN ('OrderAccepted', 'OrderFilled') THEN f.seq END) AS found_seq,
        max(CASE WHEN f.kind IN ('OrderDenied', 'OrderRejected', 'OrderUnknown', 'OrderCancelled', 'ModifyRejected',
            'CancelRejected') THEN f.seq END) AS reason_seq,
        max(CASE f.kind WHEN 'OrderFilled' THEN f.seq END) AS fill_seq,
        CAST(coalesce(sum(CASE f.kind WHEN 'OrderFilled' THEN <f.quantity#> END), 0) AS <BIGINT>) AS filled,
        CAST(coalesce(sum(CASE f.kind WHEN 'OrderFilled' THEN <f.price#> * <f.quantity#> END), 0) AS <BIGINT>) AS filled_value
    FROM facts f
    WHERE f.kind IN ('OrderDenied', 'OrderIntended', 'OrderSent', 'OrderAccepted', 'OrderRejected', 'OrderUnknown',
        'OrderFilled', 'ModifyRequested', 'OrderModified', 'ModifyRejected', 'CancelRequested', 'CancelRejected',
        'OrderCancelled', 'OrderExpired')
    GROUP BY f.book_id, <f.order>
) o
JOIN facts t ON t.book_id = o.book_id AND t.seq = o.first_seq
LEFT JOIN facts m ON m.book_id = o.book_id AND m.seq = o.modified_seq
LEFT JOIN facts r ON r.book_id = o.book_id AND r.seq = o.reason_seq
"""


FILLS = """
CREATE VIEW v_fills AS
SELECT f.book_id, min(CASE f.kind WHEN 'OrderFilled' THEN f.seq END) AS seq,
    min(CASE f.kind WHEN 'OrderFilled' THEN f.at END) AS at, <f.execution> AS execution,
    min(CASE f.kind WHEN 'OrderFilled' THEN <f.order> END) AS order_id, <f.symbol> AS symbol,
    min(CASE f.kind WHEN 'OrderFilled' THEN <f.side> END) AS side,
    min(CASE f.kind WHEN 'OrderFilled' THEN <f.price#> END) AS price,
    min(CASE f.kind WHEN 'OrderFilled' THEN <f.quantity#> END) AS quantity,
    min(CASE f.kind WHEN 'OrderFilled' THEN <f.commission#> END) AS commission,
    CAST(coalesce(sum(CASE f.kind WHEN 'PositionChanged' THEN <f.realised#> END), 0) AS <BIGINT>) AS realised,
    max(CASE f.kind WHEN 'PositionChanged' THEN <f.trade#> END) AS trade
FROM facts f
WHERE f.kind IN ('OrderFilled', 'PositionChanged')
GROUP BY f.book_id, <f.symbol>, <f.execution>
HAVING min(CASE f.kind WHEN 'OrderFilled' THEN f.seq END) IS NOT NULL
"""

POSITIONS = """
CREATE VIEW v_positions AS
SELECT s.book_id, s.symbol, coalesce(<p.quantity#>, 0) AS quantity, coalesce(<p.basis#>, 0) AS basis, s.realised, s.costs
FROM (
    SELECT f.book_id, <f.symbol> AS symbol,
        max(CASE f.kind WHEN 'PositionChanged' THEN f.seq END) AS changed_seq,
        CAST(coalesce(sum(CASE f.kind WHEN 'PositionChanged' THEN <f.realised#> END), 0) AS <BIGINT>) AS realised,
        CAST(coalesce(sum(CASE f.kind WHEN 'OrderFilled' THEN <f.commission#> WHEN 'FinancingCharged' THEN <f.amount#> END), 0)
            AS <BIGINT>) AS costs
    FROM facts f
    WHERE f.kind IN ('OrderFilled', 'PositionChanged', 'FinancingCharged')
    GROUP BY f.book_id, <f.symbol>
) s
LEFT JOIN facts p ON p.book_id = s.book_id AND p.seq = s.changed_seq
"""

ACCOUNT = """
CREATE VIEW v_account AS
SELECT s.book_id, <a.account> AS account, <a.currency> AS currency, <a.balance#> AS opening, s.realised, s.costs,
    <a.balance#> + s.realised - s.costs AS cash, s.orders, s.denied, s.fills
FROM (
    SELECT f.book_id, max(CASE f.kind WHEN 'AccountOpened' THEN f.seq END) AS opened_seq,
        CAST(coalesce(sum(CASE f.kind WHEN 'PositionChanged' THEN <f.realised#> END), 0) AS <BIGINT>) AS realised,
        CAST(coalesce(sum(CASE f.kind WHEN 'OrderFilled' THEN <f.commission#> WHEN 'FinancingCharged' THEN <f.amount#> END), 0)
            AS <BIGINT>) AS costs,
        count(CASE f.kind WHEN 'OrderIntended' THEN 1 END) AS orders,
        count(CASE f.kind WHEN 'OrderDenied' THEN 1 END) AS denied,
        count(CASE f.kind WHEN 'OrderFilled' THEN 1 END) AS fills
    FROM facts f
    WHERE f.kind IN ('AccountOpened', 'OrderIntended', 'OrderDenied', 'OrderFilled', 'PositionChanged', 'FinancingCharged')
    GROUP BY f.book_id
) s
JOIN facts a ON a.book_id = s.book_id AND a.seq = s.opened_seq
"""


def upgrade() -> None:
    """Creates everything."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    _tables()
    _guard(sqlite)
    for view in (ORDERS, FILLS, POSITIONS, ACCOUNT):
        op.execute(_spoken(view, sqlite))


def downgrade() -> None:
    """Removes everything, facts included."""
    for view in ("v_account", "v_positions", "v_fills", "v_orders"):
        op.execute(f"DROP VIEW {view}")
    op.drop_table("facts")
    op.drop_table("books")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION facts_are_append_only()")


def _tables() -> None:
    op.create_table(
        "books",
        sa.Column("id", BIGINT, sa.Identity(), primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("attempt", BIGINT, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("status", sa.Text, sa.CheckConstraint("status IN ('open', 'finished')"), nullable=False),
        sa.Column("cursor", BIGINT, nullable=False),
        sa.Column("cursor_at", BIGINT, nullable=False),
        sa.Column("facts", BIGINT, nullable=False),
        sa.Column("summary", sa.Text),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.UniqueConstraint("run_id", "attempt"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_table(
        "facts",
        sa.Column("book_id", BIGINT, sa.ForeignKey("books.id"), primary_key=True, autoincrement=False),
        sa.Column("seq", BIGINT, primary_key=True, autoincrement=False),
        sa.Column("step", BIGINT, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("fact", sa.Text, nullable=False),
        sqlite_strict=True,
    )


def _guard(sqlite: bool) -> None:
    if sqlite:
        for verb in ("UPDATE", "DELETE"):
            op.execute(SQLITE_GUARD.format(verb=verb))
    else:
        op.execute(POSTGRES_GUARD)
        op.execute(POSTGRES_TRIGGER)


def _spoken(view: str, sqlite: bool) -> str:
    """The view in the words of the database at hand."""

    def field(found: re.Match[str]) -> str:
        table, name, whole = found.groups()
        if sqlite:
            return f"json_extract({table}.fact, '$.{name}')"
        value = f"{table}.fact::json ->> '{name}'"
        return f"({value})::bigint" if whole else f"({value})"

    return re.sub(r"<(\w)\.(\w+)(#?)>", field, view).replace("<BIGINT>", "INTEGER" if sqlite else "bigint")
