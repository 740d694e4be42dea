"""The ticket's part that folds out, in the window: what is typed there is placed, and the window remembers that it was open."""

from __future__ import annotations

from pathlib import Path

from engine.domain import facts as f
from engine.domain.order import Side
from engine.services.bookkeeping import audit
from engine.signals.desk import Mode
from tests.app.rig import Desk, live, request
from tests.catalogue.invariants import records_on_disk


def test_a_pair_with_three_targets_is_previewed_placed_and_the_ticket_stays_folded_out(qapp, home: Path) -> None:
    wanted = request(home, mode=Mode.MANUAL)

    async def placing(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(3)
        ticket = desk.panel("ticket")
        form, more = ticket.form, ticket.form.advanced
        await desk.until(lambda: ticket.quote is not None, "a quote")
        assert not more.is_open
        more.button.click()
        bid, price = ticket.quote.bid, lambda ticks: f"{ticket.instrument.price(ticks):f}"
        form.sides.buttons[Side.BUY].click()
        form.type.buttons["Limit"].click()
        form.amount.show_value("0.30")
        form.price.show_value(price(bid - 500))
        form.stop_loss.show_value(price(bid - 1_500))
        for away in (500, 1_000, 1_500):
            more.targets.add.click()
            more.targets.rows[-1].price.show_value(price(bid + away))
        more.second.tie.buttons["or (OCO)"].click()
        more.second.price.show_value(price(bid + 500))
        more.second.stop_loss.show_value(price(bid + 1_500))
        await desk.until(lambda: ticket.preview.state()["sentence"].startswith("Passes"), "a verdict on the pair")
        await desk.until(lambda: ticket.margin.figures.text(), "our estimate of its margin")
        assert ticket.margin.state()["head"].endswith("our estimate")
        desk.click(ticket.submit)
        await desk.until(lambda: len([row for row in desk.rows("orders") if row["price"]]) >= 2, "orders that work")

    async def once_more(desk: Desk) -> None:
        await desk.opened()
        assert desk.panel("ticket").form.advanced.is_open

    live(wanted, placing)
    intended = [it.fact for it in records_on_disk(wanted.db) if isinstance(it.fact, f.OrderIntended)]
    entries = [fact for fact in intended if fact.role == "entry"]
    assert [fact.side for fact in entries] == ["buy", "sell"]
    assert len({fact.oco for fact in entries}) == 1
    assert entries[0].oco
    targets = [fact.quantity for fact in intended if fact.role == "target" and fact.parent == entries[0].order]
    assert (len(targets), sum(targets)) == (3, entries[0].quantity)
    live(wanted, once_more)
    assert audit(wanted.db, None).is_clean
