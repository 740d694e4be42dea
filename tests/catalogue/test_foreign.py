"""What is at the venue and was not placed here, or is there twice: shown, counted, and never traded away."""

from __future__ import annotations

from pathlib import Path

from engine.domain import facts as f
from engine.domain.intents import ChooseProtection
from engine.domain.order import Role
from engine.live.kill import kill
from tests.catalogue.rig import GOLD, Desk, at_tws, played
from tests.catalogue.test_fills import is_protected, rests
from tests.peers.tws import Peer

NOTIONAL = 399_000 * 10_000
"""An ounce at 3990, in cash units."""


def states(desk: Desk) -> list[tuple[str, str]]:
    """Every change of the trading state, with its cause."""
    return [(fact.state, fact.cause) for fact in desk.facts(f.TradingStateChanged)]


def shown(desk: Desk) -> dict[str, str]:
    """The orders that the window shows as working, with their roles."""
    return {order.id: order.role.value for order in desk.session.picture().working}


async def looked(desk: Desk, times: int = 4) -> None:
    """Returns when the venue was compared with the books so often, more than it takes to believe anything."""
    for _ in range(times):
        await desk.session.keeper.reconcile()


@played
async def test_fault_27_an_order_that_is_at_the_venue_twice_is_shown_twice_and_halts(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        twin = await peer.clone(peer.order(name))
        await looked(desk)
        assert states(desk) == [("HALTED", "twin")]
        assert shown(desk)[name] == "entry"
        assert shown(desk)[f"EXT-{twin.perm_id}"] == "external"
        assert desk.session.pipeline.stakes.of(GOLD).pending_notional == 4 * NOTIONAL
        desk.session.keeper.look()
        await desk.until(lambda: not desk.session.trouble)
        await peer.fill(twin, 2, 3990)
        await desk.until(lambda: desk.position == 2)
        assert (desk.state(f"EXT-{twin.perm_id}"), desk.state(name)) == ("FILLED", "ACCEPTED")
        assert desk.session.pipeline.protection.waiting(GOLD) == 2


@played
async def test_fault_27_a_twin_that_fills_as_soon_as_it_is_known_is_told_apart(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        twin = await peer.clone(peer.order(name))
        await desk.session.keeper.reconcile()
        await peer.fill(twin, 2, 3990)
        await desk.until(lambda: desk.position == 2)
        assert (desk.state(f"EXT-{twin.perm_id}"), desk.state(name)) == ("FILLED", "ACCEPTED")


@played
async def test_fault_27_a_twin_that_fills_before_it_is_known_is_booked_once_and_the_other_is_shown(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        first = peer.order(name)
        await peer.fill(await peer.clone(first), 2, 3990)
        await desk.until(lambda: desk.position == 2)
        await looked(desk)
        assert len(desk.facts(f.OrderFilled)) == 1
        assert states(desk) == [("HALTED", "reconciliation")]
        assert shown(desk)[f"EXT-{first.perm_id}"] == "external"


@played
async def test_fault_31_orders_typed_into_tws_and_other_clients_orders_are_external_and_counted(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        typed = await peer.place(GOLD, "BUY", 3, "LMT", limit=3990, tif="GTC")
        other = await peer.place(GOLD, "BUY", 1, "LMT", limit=3990, tif="GTC", client_id=7, order_id=1, ref="theirs")
        await looked(desk, 1)
        names = [f"EXT-{order.perm_id}" for order in (typed, other)]
        assert [desk.order(name).role for name in names] == [Role.EXTERNAL, Role.EXTERNAL]
        assert [shown(desk)[name] for name in names] == ["external", "external"]
        assert desk.session.pipeline.stakes.of(GOLD).pending_notional == 4 * NOTIONAL
        assert states(desk) == []
        await peer.fill(typed, 2, 3990)
        await looked(desk)
        assert (desk.position, desk.order(names[0]).filled) == (2, 2)
        assert desk.session.pipeline.stakes.of(GOLD).quantity == 2
        assert [alarm.action for alarm in desk.facts(f.ProtectionMissing)] == [
            "it was adopted; attach a stop, leave it as it is, or close it"
        ]
        assert states(desk) == []
        assert peer.received("placeOrder") == []
        desk.do(ChooseProtection(GOLD, "attach"))
        await is_protected(desk, 2)


@played
async def test_fault_31_a_foreign_trade_that_is_over_is_booked_and_does_not_halt(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy()
        await is_protected(desk, 2)
        typed = await peer.place(GOLD, "BUY", 1)
        await looked(desk)
        assert desk.position == 3
        assert desk.order(f"EXT-{typed.perm_id}").filled == 1
        assert desk.order(name).filled == 2
        assert desk.session.pipeline.protection.waiting(GOLD) == 1
        assert desk.session.pipeline.protection.at_venue(GOLD) == 2
        assert states(desk) == []


@played
async def test_fault_32_a_position_that_nothing_explains_is_adopted_and_halts_and_is_never_traded_away(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        desk.buy()
        await is_protected(desk, 2)
        sent = len(peer.received("placeOrder"))
        await peer.hold(GOLD, 3, 4000)
        await looked(desk)
        (adopted,) = desk.facts(f.PositionAdopted)
        assert (adopted.symbol, adopted.quantity, desk.position) == (GOLD, 5, 5)
        assert states(desk) == [("HALTED", "reconciliation")]
        assert desk.session.pipeline.protection.waiting(GOLD) == 3
        assert desk.session.pipeline.protection.at_venue(GOLD) == 2
        assert any("2 on record" in line for fact in desk.facts(f.Reconciled) for line in fact.mismatches)
        await peer.quote(GOLD, "3990.00", "3990.30")
        await looked(desk)
        assert len(peer.received("placeOrder")) == sent
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        assert (desk.position, desk.session.pipeline.guard.state) == (5, "HALTED")
        assert len(peer.received("placeOrder")) == sent


@played
async def test_fault_32_a_position_that_is_gone_takes_its_stop_with_it_and_is_not_bought_again(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        stop = f"{desk.buy()}-stop"
        await is_protected(desk, 2)
        sent = len(peer.received("placeOrder"))
        await peer.hold(GOLD, -2, 4000)
        await looked(desk)
        assert desk.position == 0
        assert states(desk) == [("HALTED", "reconciliation")]
        await desk.until(lambda: desk.state(stop) == "CANCELLED")
        assert peer.order(stop).status == "Cancelled"
        assert len(peer.received("placeOrder")) == sent


@played
async def test_fault_32_a_position_that_changed_between_two_sessions_is_adopted_before_anything_is_traded(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        desk.buy()
        await is_protected(desk, 2)
    sent = len(peer.received("placeOrder"))
    await peer.hold(GOLD, -3, 4000)
    async with at_tws(peer, folder) as desk:
        await desk.until(lambda: desk.position == -1)
        await desk.ready()
        assert states(desk) == [("HALTED", "reconciliation")]
        assert len(peer.received("placeOrder")) == sent


@played
async def test_a_stop_that_others_placed_counts_and_the_kill_switch_leaves_it_with_its_target(peer: Peer, folder: Path) -> None:
    await peer.hold(GOLD, 1, 4000)
    stop = await peer.place(GOLD, "SELL", 1, "STP", stop=3950, tif="GTC")
    target = await peer.place(GOLD, "SELL", 1, "LMT", limit=4100, tif="GTC")
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        await desk.until(lambda: desk.position == 1 and desk.session.pipeline.protection.covered(GOLD) == 1)
        (view,) = desk.session.picture().positions
        assert (view.stop, view.protected, desk.session.pipeline.protection.waiting(GOLD)) == (395_000, 1, 0)
        refused = desk.do(ChooseProtection(GOLD, "attach"))
        assert [fact.reason for fact in refused if isinstance(fact, f.IntentRefused)] == [
            f"nothing of {GOLD} was adopted without a stop; there is nothing to choose"
        ]
        entry = await rests(desk)
        report = await kill(desk.session)
        assert (report.state, report.cancelled, report.leftovers) == ("HALTED", 1, ())
        assert report.kept == (f"{GOLD} +1, 1 of it under a stop",)
        assert desk.state(entry) == "CANCELLED"
        assert [order.is_done for order in (stop, target)] == [False, False]
