"""What must hold of the loopback TWS's parts whatever comes: frames, accounts, the price path."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import ManualClock
from tests.peers.tws import A_THURSDAY
from tests.peers.tws.accounts import Account, Fill
from tests.peers.tws.codec import Frames, frame
from tests.peers.tws.market import Market

MARKET = Market(ManualClock(A_THURSDAY), seed=1)
START = A_THURSDAY // 1_000_000_000

quantities = st.integers(-9, 9).filter(bool).map(Decimal)
prices = st.integers(399_000, 401_000).map(lambda cents: Decimal(cents) / 100)
fills = st.lists(st.tuples(st.sampled_from(("XAUUSD", "GC")), quantities, prices), min_size=1, max_size=12)


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 30), min_size=1))
def test_frames_are_the_same_in_whatever_pieces_they_come(payloads: list[bytes], sizes: list[int]) -> None:
    wire = b"".join(frame(payload) for payload in payloads)
    frames, found, at = Frames(), [], 0
    while at < len(wire):
        size = sizes[len(found) % len(sizes)]
        frames.feed(wire[at : at + size])
        found += list(frames)
        at += size
    assert found == payloads
    assert frames.rest == b""


@given(fills)
def test_money_is_conserved(done: list[tuple[str, Decimal, Decimal]]) -> None:
    account = _booked(done)
    paid = sum(_fill(*each).commission for each in done)
    gained = sum(
        signed * MARKET.contract(name).multiplier * (account.mark(MARKET.contract(name)) - price) for name, signed, price in done
    )
    assert abs(account.net_liquidation - (1_000_000 + gained - paid)) < Decimal("1e-15")
    assert abs(account.realized + account.unrealized - (gained - paid)) < Decimal("1e-15")


@given(fills, st.data())
def test_a_correction_leaves_what_would_be_had_it_been_right_at_once(
    done: list[tuple[str, Decimal, Decimal]], data: st.DataObject
) -> None:
    which = data.draw(st.integers(0, len(done) - 1))
    right = (done[which][0], data.draw(quantities), data.draw(prices))
    corrected = _booked(done)
    corrected.book(str(which), _fill(*right))
    at_once = _booked([*done[:which], right, *done[which + 1 :]])
    assert (corrected.cash, corrected.realized) == (at_once.cash, at_once.realized)
    assert {it.contract.symbol: it.quantity for it in corrected.positions.values() if it.quantity} == {
        it.contract.symbol: it.quantity for it in at_once.positions.values() if it.quantity
    }


@given(st.integers(-1000, 0), st.integers(1, 30))
def test_bars_agree_with_shorter_ones_and_foresee_nothing(minutes: int, count: int) -> None:
    path = MARKET.paths[MARKET.contract("XAUUSD").con_id]
    starts = [START + 60 * (minutes + number) for number in range(count)]
    short = path.bars(starts, 60, starts[-1] + 60)
    (whole,) = path.bars(starts[:1], 60 * count, starts[-1] + 60)
    assert (whole.open, whole.close) == (short[0].open, short[-1].close)
    assert short[-1].close == path.mid(starts[-1] + 60)
    (cut,) = path.bars(starts[-1:], 60, starts[-1] + 20)
    assert cut.close == path.mid(starts[-1] + 20)


def _booked(done: list[tuple[str, Decimal, Decimal]]) -> Account:
    account = Account("DU1", MARKET)
    for number, each in enumerate(done):
        account.book(str(number), _fill(*each))
    return account


def _fill(name: str, signed: Decimal, price: Decimal) -> Fill:
    contract = MARKET.contract(name)
    return Fill(contract, signed, price, contract.fee(abs(signed), price))
