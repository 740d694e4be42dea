"""The console's picture of the engine, in rich: account, limits, position, orders, waiting signals and the last facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from engine.domain.instrument import Cash, Instrument
from engine.domain.order import Order, Side
from engine.domain.views import AccountView, CardView, EngineView, Gauge, PositionView
from widgets import format as written

_STATE_STYLES = {"ACTIVE": "bold green", "REDUCING": "bold yellow", "HALTED": "bold white on red"}
_GAUGE_STYLES = {"ok": "green", "warn": "yellow", "trip": "bold red"}
_BADGE_STYLE = "bold black on yellow"
_BAR_WIDTH = 8
_GAUGE_WIDTH = 40
_MOST_ROWS = 6
_OTHER_LINES = 11
"""Lines of the picture besides limits, rows of tables and facts."""


@dataclass(frozen=True, slots=True)
class Frame:
    """All that one picture shows: `badges` such as PAPER and SIMULATED stand first, `lines` are facts, the newest last."""

    view: EngineView
    lines: Sequence[str]
    badges: Sequence[str]
    instruments: Mapping[str, Instrument]
    zone: str


def picture(frame: Frame, width: int, height: int) -> RenderableType:
    """The frame as something rich can draw in `width` columns, no taller than `height` lines where the tables allow it."""
    view = frame.view
    abreast = max(1, width // _GAUGE_WIDTH)
    tables = [_positions(frame), _orders(frame)]
    rows = -(-len(view.gauges) // abreast) + len(view.positions[:_MOST_ROWS]) + len(view.working[:_MOST_ROWS])
    if view.cards:
        tables.append(_cards(frame))
        rows += len(view.cards[:_MOST_ROWS]) + 2
    room = max(3, height - _OTHER_LINES - rows)
    facts = Text("\n".join(frame.lines[-room:]) or "Nothing has happened yet.", overflow="ellipsis", no_wrap=True)
    return Group(
        _header(frame),
        _account(view.account),
        _limits(view.gauges, abreast),
        *tables,
        Panel(facts, title="Facts", title_align="left"),
    )


def _header(frame: Frame) -> RenderableType:
    view = frame.view
    line = Text()
    for badge in frame.badges:
        line.append(f" {badge} ", style=_BADGE_STYLE).append(" ")
    line.append(f"{view.account.account}  ").append(written.moment_with_zone(view.at, frame.zone), style="bold")
    line.append(f"  {view.mode}  ").append(view.state, style=_STATE_STYLES.get(view.state, "bold"))
    if view.state_reason:
        line.append(f"  {view.state_reason}", style="dim")
    for quote in view.quotes:
        instrument = frame.instruments[quote.symbol]
        prices = f"{written.price(quote.bid, instrument)} / {written.price(quote.ask, instrument)}"
        line.append(f"\n{quote.symbol} ", style="bold").append(prices)
    return line


def _account(account: AccountView) -> RenderableType:
    grid = Table.grid(expand=True)
    day = account.equity - account.day_start
    cells = [
        ("Equity", Text(f"{written.money(account.equity)} {account.currency}", style="bold")),
        ("Day", _coloured(day)),
        ("Open", _coloured(account.unrealised)),
        ("Realised", _coloured(account.realised)),
        ("Costs", Text(written.money(account.costs))),
        ("Drawdown", Text(written.percent(account.drawdown))),
    ]
    for _ in cells:
        grid.add_column()
    grid.add_row(*(Text(name, style="dim") for name, _ in cells))
    grid.add_row(*(cell for _, cell in cells))
    return grid


def _coloured(amount: Cash) -> Text:
    style = "green" if amount > 0 else "red" if amount < 0 else ""
    return Text(written.signed_money(amount), style=style)


def _limits(gauges: Sequence[Gauge], abreast: int) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    cells = [_gauge(gauge) for gauge in gauges]
    for start in range(0, len(cells), abreast):
        grid.add_row(*cells[start : start + abreast])
    return grid


def _gauge(gauge: Gauge) -> Text:
    used = gauge.value / gauge.cap if gauge.cap else 0.0
    filled = min(_BAR_WIDTH, max(0, int(used * _BAR_WIDTH)))  # full only at the cap
    text = Text(f"{gauge.name.replace('_', ' '):<11.11} ", no_wrap=True)
    text.append("█" * filled + "░" * (_BAR_WIDTH - filled), style=_GAUGE_STYLES.get(gauge.state, ""))
    return text.append(f" {written.share(gauge.name, gauge.value)} / {written.share(gauge.name, gauge.cap)}", style="dim")


def _table(title: str, empty: str, columns: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> RenderableType:
    if not rows:
        return Text.assemble((title, "bold"), "  ", (empty, "dim"))
    table = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, header_style="dim", justify="left" if number == 0 else "right")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*row)
    return table


def _positions(frame: Frame) -> RenderableType:
    columns = ("Position", "Lots", "Average", "Price", "Stop", "Target", "Open P/L")
    return _table("Positions", "none", columns, [_position(frame, each) for each in frame.view.positions])


def _position(frame: Frame, position: PositionView) -> tuple[str | Text, ...]:
    instrument = frame.instruments[position.symbol]
    prices = [written.price(ticks, instrument) for ticks in (position.average, position.mark, position.stop, position.target)]
    lots = Text(written.signed_lots(position.quantity, instrument), style=_side_style(position.quantity > 0))
    return (position.symbol, lots, *prices, _coloured(position.unrealised))


def _orders(frame: Frame) -> RenderableType:
    columns = ("Order", "Side", "Lots", "Filled", "Type", "Price", "State")
    return _table("Orders", "none working", columns, [_order(frame, each) for each in frame.view.working])


def _order(frame: Frame, order: Order) -> tuple[str | Text, ...]:
    instrument = frame.instruments[order.symbol]
    asked = order.limit if order.limit is not None else order.stop
    return (
        f"{order.symbol} {order.role.value}",
        Text(order.side.value, style=_side_style(order.side is Side.BUY)),
        written.lots(order.quantity, instrument),
        written.lots(order.filled, instrument),
        order.type.value,
        written.price(asked, instrument),
        order.state.value,
    )


def _cards(frame: Frame) -> RenderableType:
    columns = ("Signal", "Side", "Probability", "Stop", "Target", "Until")
    return _table("Waiting signals", "none", columns, [_card(frame, each) for each in frame.view.cards])


def _card(frame: Frame, card: CardView) -> tuple[str | Text, ...]:
    signal, instrument = card.signal, frame.instruments[card.signal.symbol]
    return (
        signal.symbol,
        Text(signal.side, style=_side_style(signal.side == Side.BUY.value)),
        written.percent(signal.probability, 1),
        written.price(signal.stop, instrument),
        written.price(signal.target, instrument),
        written.clock(card.expires, frame.zone),
    )


def _side_style(is_long: bool) -> str:
    return "green" if is_long else "red"
