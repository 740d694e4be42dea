"""The read views know what venues outside this process say: orders held, released, adopted; fills corrected; positions and cash
taken over. As before, <f.name> stands for a fact's field as text and <f.name#> for an integer field.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from runpy import run_path

from alembic import op

revision = "0004"
down_revision = "0003"
LOSES: tuple[str, ...] = ()

VIEWS = ("v_account", "v_positions", "v_fills", "v_orders")

MOVES = """
    SELECT w.book_id, w.order_id, CAST(sum(w.quantity) AS <BIGINT>) AS filled, CAST(sum(w.value) AS <BIGINT>) AS filled_value,
        sum(CASE WHEN w.seq <= w.fill_seq THEN w.quantity END) AS at_fill, max(w.corrected_seq) AS corrected_seq
    FROM (
        SELECT f.book_id, f.seq, <f.order> AS order_id,
            <f.quantity#> - coalesce(<b.quantity#>, 0) AS quantity,
            <f.price#> * <f.quantity#> - coalesce(<b.price#> * <b.quantity#>, 0) AS value,
            max(CASE f.kind WHEN 'OrderFilled' THEN f.seq END) OVER (PARTITION BY f.book_id, <f.order>) AS fill_seq,
            CASE f.kind WHEN 'FillCorrected' THEN f.seq END AS corrected_seq
        FROM facts f
        LEFT JOIN facts b ON b.book_id = f.book_id AND b.seq = CASE f.kind WHEN 'FillCorrected' THEN (
            SELECT max(e.seq) FROM facts e
            WHERE e.book_id = f.book_id AND e.seq < f.seq AND e.kind IN ('OrderFilled', 'FillCorrected')
                AND <e.execution> = <f.replaces> AND <e.symbol> = <f.symbol>) END
        WHERE f.kind IN ('OrderFilled', 'FillCorrected')
    ) w
    GROUP BY w.book_id, w.order_id
"""

STATES = """
    SELECT f.book_id, f.order_id,
        min(f.seq) AS first_seq, max(CASE WHEN f.kind <> 'OrderTrailed' THEN f.seq END) AS last_seq,
        max(CASE f.kind WHEN 'OrderDenied' THEN f.seq END) AS denied_seq,
        max(CASE f.kind WHEN 'OrderSent' THEN f.seq END) AS sent_seq,
        max(CASE f.kind WHEN 'OrderHeld' THEN f.seq END) AS held_seq,
        max(CASE f.kind WHEN 'OrderReleased' THEN f.seq END) AS released_seq,
        max(CASE f.kind WHEN 'OrderTrailed' THEN f.seq END) AS trailed_seq,
        max(CASE f.kind WHEN 'OrderUnknown' THEN f.seq END) AS unknown_seq,
        max(CASE f.kind WHEN 'OrderRejected' THEN f.seq END) AS rejected_seq,
        max(CASE f.kind WHEN 'OrderCancelled' THEN f.seq END) AS cancelled_seq,
        max(CASE f.kind WHEN 'OrderExpired' THEN f.seq END) AS expired_seq,
        max(CASE f.kind WHEN 'ModifyRequested' THEN f.seq END) AS modify_seq,
        max(CASE f.kind WHEN 'OrderModified' THEN f.seq END) AS modified_seq,
        max(CASE WHEN f.kind = 'CancelRequested' AND f.found >= f.lost THEN f.seq END) AS cancel_seq,
        max(CASE f.kind WHEN 'CancelRejected' THEN f.seq END) AS uncancelled_seq,
        max(CASE f.kind WHEN 'ModifyRejected' THEN f.seq END) AS unmodified_seq,
        max(CASE WHEN f.kind IN ('OrderAccepted', 'OrderAdopted') THEN f.seq END) AS accepted_seq,
        max(f.found) AS found_seq,
        max(CASE WHEN f.kind IN ('OrderDenied', 'OrderHeld', 'OrderRejected', 'OrderUnknown', 'OrderCancelled', 'ModifyRejected',
            'CancelRejected') THEN f.seq END) AS reason_seq,
        max(CASE f.kind WHEN 'OrderFilled' THEN f.seq END) AS fill_seq
    FROM (
        SELECT g.book_id, <g.order> AS order_id, g.seq, g.kind,
            max(CASE g.kind WHEN 'OrderUnknown' THEN g.seq ELSE 0 END) OVER told AS lost,
            max(CASE WHEN g.kind IN ('OrderAccepted', 'OrderAdopted', 'OrderFilled', 'OrderModified') THEN g.seq ELSE 0 END)
                OVER told AS found
        FROM facts g
        WHERE g.kind IN ('OrderDenied', 'OrderIntended', 'OrderAdopted', 'OrderHeld', 'OrderReleased', 'OrderSent',
            'OrderAccepted', 'OrderRejected', 'OrderUnknown', 'OrderFilled', 'OrderTrailed', 'ModifyRequested', 'OrderModified',
            'ModifyRejected', 'CancelRequested', 'CancelRejected', 'OrderCancelled', 'OrderExpired')
        WINDOW told AS (PARTITION BY g.book_id, <g.order> ORDER BY g.seq)
    ) f
    GROUP BY f.book_id, f.order_id
"""

CHANGED = """
    SELECT f.book_id, <f.order> AS order_id, max(f.at) AS changed_at
    FROM facts f
    WHERE f.kind IN ('OrderDenied', 'OrderIntended', 'OrderAdopted', 'OrderHeld', 'OrderReleased', 'OrderSent', 'OrderAccepted',
        'OrderRejected', 'OrderUnknown', 'OrderFilled', 'OrderTriggered', 'OrderTrailed', 'FillCorrected', 'CommissionCharged',
        'ModifyRequested', 'OrderModified', 'ModifyRejected', 'CancelRequested', 'CancelRejected', 'OrderCancelled',
        'OrderExpired')
    GROUP BY f.book_id, <f.order>
"""

ORDERS = f"""
CREATE VIEW v_orders AS
SELECT s.book_id, s.order_id, s.symbol, s.side, s.type, s.quantity, s.role, s.limit_price, s.stop_price, s.tif, s.parent, s.oco,
    s.signal,
    CASE
        WHEN s.fill_seq = s.last_seq AND s.fill_seq > s.terms_seq AND s.at_fill + s.adopted >= s.quantity THEN 'FILLED'
        WHEN s.denied_seq IS NOT NULL THEN 'DENIED'
        WHEN s.cancelled_seq IS NOT NULL THEN 'CANCELLED'
        WHEN s.expired_seq IS NOT NULL THEN 'EXPIRED'
        WHEN s.corrected_seq > s.terms_seq AND s.filled >= s.quantity THEN 'FILLED'
        WHEN s.rejected_seq = s.last_seq THEN 'REJECTED'
        WHEN s.unknown_seq > s.found_seq THEN 'UNKNOWN'
        WHEN s.cancel_seq > coalesce(s.uncancelled_seq, 0) AND s.cancel_seq > coalesce(s.unknown_seq, 0)
            AND s.cancel_seq > coalesce(s.rejected_seq, 0) THEN 'PENDING_CANCEL'
        WHEN s.modify_seq > coalesce(s.modified_seq, 0) AND s.modify_seq > coalesce(s.unmodified_seq, 0)
            AND s.modify_seq > coalesce(s.uncancelled_seq, 0) AND s.modify_seq > coalesce(s.unknown_seq, 0)
            AND s.modify_seq > coalesce(s.rejected_seq, 0) THEN 'PENDING_MODIFY'
        WHEN s.filled > 0 THEN 'PARTIALLY_FILLED'
        WHEN coalesce(s.accepted_seq, s.uncancelled_seq, s.unmodified_seq, s.unknown_seq) IS NOT NULL THEN 'ACCEPTED'
        WHEN s.sent_seq IS NOT NULL THEN 'SENT'
        WHEN s.held_seq > coalesce(s.released_seq, 0) THEN 'HELD'
        ELSE 'INTENT'
    END AS state,
    s.filled, s.filled_value, s.placed_at, s.changed_at, s.reason
FROM (
    SELECT o.*, <t.symbol> AS symbol, <t.side> AS side, <t.type> AS type, <t.role> AS role, <t.tif> AS tif,
        <t.parent> AS parent, <t.oco> AS oco, <t.signal> AS signal, t.at AS placed_at, c.changed_at,
        CASE WHEN l.seq > coalesce(m.seq, 0) THEN <l.quantity#> WHEN m.seq IS NULL THEN <t.quantity#>
            ELSE <m.quantity#> END AS quantity,
        CASE WHEN m.seq IS NULL THEN <t.limit#> ELSE <m.limit#> END AS limit_price,
        CASE WHEN d.seq > coalesce(m.seq, 0) THEN <d.stop#> WHEN m.seq IS NULL THEN <t.stop#> ELSE <m.stop#> END AS stop_price,
        CASE WHEN l.seq > coalesce(m.seq, 0) THEN l.seq ELSE coalesce(m.seq, 0) END AS terms_seq,
        CASE t.kind WHEN 'OrderAdopted' THEN <t.filled#> ELSE 0 END AS adopted,
        CASE t.kind WHEN 'OrderAdopted' THEN <t.filled#> ELSE 0 END + coalesce(x.filled, 0) AS filled,
        coalesce(x.filled_value, 0) AS filled_value, x.at_fill, x.corrected_seq, coalesce(<r.reason>, '') AS reason
    FROM ({STATES}) o
    JOIN facts t ON t.book_id = o.book_id AND t.seq = o.first_seq
    JOIN ({CHANGED}) c ON c.book_id = o.book_id AND c.order_id = o.order_id
    LEFT JOIN ({MOVES}) x ON x.book_id = o.book_id AND x.order_id = o.order_id
    LEFT JOIN facts m ON m.book_id = o.book_id AND m.seq = o.modified_seq
    LEFT JOIN facts l ON l.book_id = o.book_id AND l.seq = o.released_seq
    LEFT JOIN facts d ON d.book_id = o.book_id AND d.seq = o.trailed_seq
    LEFT JOIN facts r ON r.book_id = o.book_id AND r.seq = o.reason_seq
) s
"""

FILLED = """
SELECT e.book_id, e.word_seq AS seq, w.at, e.execution, <w.order> AS order_id, e.symbol, <w.side> AS side, <w.price#> AS price,
    <w.quantity#> AS quantity, CAST(<w.commission#> + e.charged AS <BIGINT>) AS commission, e.realised, e.trade
FROM (
    SELECT f.book_id, f.symbol, f.execution, max(f.word_seq) AS word_seq,
        CAST(coalesce(sum(CASE WHEN f.kind = 'CommissionCharged' AND f.seq > f.word_seq THEN f.amount END), 0) AS <BIGINT>)
            AS charged,
        CAST(coalesce(sum(CASE f.kind WHEN 'PositionChanged' THEN f.realised END), 0) AS <BIGINT>) AS realised,
        max(CASE f.kind WHEN 'PositionChanged' THEN f.trade END) AS trade
    FROM (
        SELECT g.book_id, g.seq, g.kind, <g.symbol> AS symbol, <g.execution> AS execution, <g.amount#> AS amount,
            <g.realised#> AS realised, <g.trade#> AS trade,
            max(CASE WHEN g.kind IN ('OrderFilled', 'FillCorrected') THEN g.seq END)
                OVER (PARTITION BY g.book_id, <g.symbol>, <g.execution>) AS word_seq
        FROM facts g
        WHERE g.kind IN ('OrderFilled', 'FillCorrected', 'PositionChanged', 'CommissionCharged')
    ) f
    GROUP BY f.book_id, f.symbol, f.execution
    HAVING max(f.word_seq) IS NOT NULL
) e
JOIN facts w ON w.book_id = e.book_id AND w.seq = e.word_seq
LEFT JOIN (
    SELECT f.book_id, <f.symbol> AS symbol, <f.replaces> AS replaces, max(f.seq) AS seq
    FROM facts f WHERE f.kind = 'FillCorrected' GROUP BY f.book_id, <f.symbol>, <f.replaces>
) k ON k.book_id = e.book_id AND k.symbol = e.symbol AND k.replaces = e.execution AND k.seq > e.word_seq
WHERE k.seq IS NULL
"""
FILLS = f"CREATE VIEW v_fills AS {FILLED}"

POSITIONS = f"""
CREATE VIEW v_positions AS
SELECT s.book_id, s.symbol, coalesce(<p.quantity#>, 0) AS quantity, coalesce(<p.basis#>, 0) AS basis, s.realised,
    CAST(s.financing + coalesce(c.commission, 0) AS <BIGINT>) AS costs
FROM (
    SELECT f.book_id, <f.symbol> AS symbol,
        max(CASE WHEN f.kind IN ('PositionChanged', 'PositionAdopted') THEN f.seq END) AS changed_seq,
        CAST(coalesce(sum(CASE f.kind WHEN 'PositionChanged' THEN <f.realised#> END), 0) AS <BIGINT>) AS realised,
        CAST(coalesce(sum(CASE f.kind WHEN 'FinancingCharged' THEN <f.amount#> END), 0) AS <BIGINT>) AS financing
    FROM facts f
    WHERE f.kind IN ('OrderFilled', 'PositionChanged', 'PositionAdopted', 'FinancingCharged')
    GROUP BY f.book_id, <f.symbol>
) s
LEFT JOIN (SELECT n.book_id, n.symbol, sum(n.commission) AS commission FROM ({FILLED}) n GROUP BY n.book_id, n.symbol) c
    ON c.book_id = s.book_id AND c.symbol = s.symbol
LEFT JOIN facts p ON p.book_id = s.book_id AND p.seq = s.changed_seq
"""

ACCOUNT = f"""
CREATE VIEW v_account AS
SELECT s.book_id, s.account, s.currency, s.opening, s.realised, s.costs, s.opening + s.realised - s.costs AS cash, s.orders,
    s.denied, s.fills
FROM (
    SELECT d.book_id, <a.account> AS account, <a.currency> AS currency, <a.balance#> + d.adopted AS opening, d.realised,
        CAST(d.financing + coalesce(c.commission, 0) AS <BIGINT>) AS costs, d.orders, d.denied, d.fills
    FROM (
        SELECT f.book_id, max(CASE f.kind WHEN 'AccountOpened' THEN f.seq END) AS opened_seq,
            CAST(coalesce(sum(CASE f.kind WHEN 'CashAdopted' THEN <f.amount#> END), 0) AS <BIGINT>) AS adopted,
            CAST(coalesce(sum(CASE f.kind WHEN 'PositionChanged' THEN <f.realised#> END), 0) AS <BIGINT>) AS realised,
            CAST(coalesce(sum(CASE f.kind WHEN 'FinancingCharged' THEN <f.amount#> END), 0) AS <BIGINT>) AS financing,
            count(CASE f.kind WHEN 'OrderIntended' THEN 1 END) AS orders,
            count(CASE f.kind WHEN 'OrderDenied' THEN 1 END) AS denied,
            count(CASE f.kind WHEN 'OrderFilled' THEN 1 END) AS fills
        FROM facts f
        WHERE f.kind IN ('AccountOpened', 'OrderIntended', 'OrderDenied', 'OrderFilled', 'PositionChanged', 'FinancingCharged',
            'CashAdopted')
        GROUP BY f.book_id
    ) d
    JOIN facts a ON a.book_id = d.book_id AND a.seq = d.opened_seq
    LEFT JOIN (SELECT n.book_id, sum(n.commission) AS commission FROM ({FILLED}) n GROUP BY n.book_id) c
        ON c.book_id = d.book_id
) s
"""


def upgrade() -> None:
    """Makes the views anew."""
    _replace((ORDERS, FILLS, POSITIONS, ACCOUNT))


def downgrade() -> None:
    """Makes them as they were before; they read nothing of venues then."""
    _replace(_of_before())


def _replace(views: Iterable[str]) -> None:
    for view in VIEWS:
        op.execute(f"DROP VIEW {view}")
    sqlite = op.get_bind().dialect.name == "sqlite"
    for view in views:
        op.execute(_spoken(view, sqlite))


def _of_before() -> tuple[str, ...]:
    """The views of the first migration, from its file: migrations are no package."""
    first = run_path(str(Path(__file__).with_name("v0001_books.py")))
    return first["ORDERS"], first["FILLS"], first["POSITIONS"], first["ACCOUNT"]


def _spoken(view: str, sqlite: bool) -> str:
    """The view in the words of the database at hand."""

    def field(found: re.Match[str]) -> str:
        table, name, whole = found.groups()
        if sqlite:
            return f"json_extract({table}.fact, '$.{name}')"
        value = f"{table}.fact::json ->> '{name}'"
        return f"({value})::bigint" if whole else f"({value})"

    return re.sub(r"<(\w)\.(\w+)(#?)>", field, view).replace("<BIGINT>", "INTEGER" if sqlite else "bigint")
