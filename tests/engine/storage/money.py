"""Random dealings on the real ledger: fills that add, reduce and reverse, and nights that cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from engine.domain import facts as f
from engine.domain.facts import Fact
from engine.domain.instrument import INSTRUMENTS, Instrument
from engine.portfolio.ledger import Ledger


@dataclass
class Dealing:
    """Facts as the pipeline would write them, and the ledger that took them."""

    ledger: Ledger = field(default_factory=lambda: Ledger(INSTRUMENTS))
    facts: list[Fact] = field(default_factory=list)
    fills: int = 0

    def take(self, fact: Fact) -> None:
        self.ledger.apply(fact)
        self.facts.append(fact)

    def deal(self, symbol: str, side: str, price: int, quantity: int, commission: int) -> None:
        """An order that is filled at once, and what it does to the position."""
        self.fills += 1
        order = f"order-{self.fills}"
        terms = (symbol, side, "market", quantity, "entry", None, None, "GTC", None, False, "", "", "")
        self.take(f.OrderIntended(order, *terms))
        self.take(f.OrderSent(order))
        fill = f.OrderFilled(order, f"x-{self.fills}", symbol, side, price, quantity, commission)
        change = self.ledger.change(fill)
        self.take(fill)
        self.take(change)


def listed(instrument: Instrument) -> f.InstrumentListed:
    return f.InstrumentListed(
        instrument.symbol,
        str(instrument.tick_size),
        str(instrument.lot_step),
        str(instrument.contract_size),
        instrument.currency,
        instrument.tick_value,
    )


@st.composite
def dealings(draw: st.DrawFn, most: int = 12) -> Dealing:
    """An account of gold and silver with up to `most` fills and nights."""
    dealing = Dealing()
    dealing.take(f.AccountOpened("paper", "USD", draw(st.integers(0, 10**13))))
    for symbol in ("XAUUSD", "XAGUSD"):
        dealing.take(listed(INSTRUMENTS[symbol]))
    for _ in range(draw(st.integers(0, most))):
        symbol = draw(st.sampled_from(["XAUUSD", "XAGUSD"]))
        held = dealing.ledger.position(symbol)
        if held and draw(st.integers(0, 4)) == 0:
            dealing.take(f.FinancingCharged(symbol, held, 1, draw(st.integers(-(10**8), 10**8))))
        else:
            dealing.deal(
                symbol,
                draw(st.sampled_from(["buy", "sell"])),
                draw(st.integers(150_000, 250_000)),
                draw(st.integers(1, 7)),
                draw(st.integers(0, 10**6)),
            )
    return dealing
