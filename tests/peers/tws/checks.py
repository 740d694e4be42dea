"""Why an order is refused: codes and texts as TWS words them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from engine.core.clock import SECOND
from tests.peers.tws.accounts import Account
from tests.peers.tws.codec import plain
from tests.peers.tws.contracts import Contract
from tests.peers.tws.hours import NEW_YORK, session_bounds, trading_day
from tests.peers.tws.orders import TIMES_IN_FORCE, TYPES, Order


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error code with its text, and the JSON that newer servers add to a reject."""

    code: int
    text: str
    detail: str = ""


NOT_FOUND = Refusal(200, "No security definition has been found for the request")
NO_EXCHANGE = Refusal(321, "Error validating request.-'bQ' : cause - Missing order exchange")
DUPLICATE = Refusal(103, "Duplicate order id")
CANNOT_MODIFY_FILLED = Refusal(104, "Cannot modify a filled order.")
NOT_THE_ORIGINAL = Refusal(105, "Order being modified does not match original order.")
NO_ACCOUNT = Refusal(435, "You must specify an account.")
UNKNOWN_ACCOUNT = Refusal(321, "Error validating request.-'bH' : cause - Invalid account code")
NO_PARENT = Refusal(10006, "Missing parent order.")
CANCELLED = Refusal(202, "Order Canceled - reason:")
TIF_WAS_SET = Refusal(10349, "Order TIF was set to DAY based on order preset.")


def malformed(order: Order, contract: Contract) -> Refusal | None:
    """What is wrong with the order itself."""
    if order.action not in ("BUY", "SELL") or order.quantity <= 0:
        return Refusal(434, "The order size cannot be zero.")
    if order.quantity % contract.size_increment:
        return Refusal(201, "Order rejected - reason:The order size does not conform to the minimum size increment.")
    if order.type not in TYPES:
        return Refusal(387, "Unsupported order type for this exchange and security type.")
    if order.tif not in ("", *TIMES_IN_FORCE):
        return Refusal(201, f"Order rejected - reason:Invalid time in force {order.tif}")
    if order.tif == "GTD" and parse_time(order.good_till) is None:
        return Refusal(391, "The time-in-force of GTD needs a good till date.")
    if any(price is not None and price % contract.tick for price in (order.limit, order.stop)) and order.type != "TRAIL":
        return Refusal(110, "The price does not conform to the minimum price variation for this contract.")
    return _without_price(order)


def _without_price(order: Order) -> Refusal | None:
    needs = {"LMT": (order.limit,), "STP": (order.stop,), "STP LMT": (order.limit, order.stop)}
    if any(price is None for price in needs.get(order.type, ())):
        return Refusal(321, "Error validating request.-'bH' : cause - Price is missing for the order type.")
    if order.type == "TRAIL" and order.stop is None and order.trail_percent is None:
        return Refusal(321, "Error validating request.-'bH' : cause - Trailing amount or percent is missing.")
    return None


def too_big(order: Order, account: Account) -> Refusal | None:
    """The margin that the order lacks. What only reduces is never too big."""
    signed = order.sign * order.quantity
    after, now = account.margin(order.contract, signed), account.margin()
    if after.initial <= now.initial or after.equity >= after.initial:
        return None
    reason = (
        "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
        f"[{plain(after.equity)} USD] MUST EXCEED THE INITIAL MARGIN [{plain(after.initial)} USD]"
    )
    return Refusal(201, f"Order rejected - reason:{reason}", f'{{"rejects":[{{"reason":"margin","need":{after.initial}}}]}}')


def cannot_modify(order: Order, wanted: Order) -> Refusal | None:
    """Why a change of a known order is refused."""
    if order.status == "Filled":
        return CANNOT_MODIFY_FILLED
    if order.is_done:
        return DUPLICATE
    if (order.contract, order.action) != (wanted.contract, wanted.action):
        return NOT_THE_ORIGINAL
    if order.status == "PendingCancel":
        return Refusal(161, f"Cancel attempted when order is not in a cancellable state. Order permId = {order.perm_id}")
    if wanted.quantity <= order.filled:
        return Refusal(201, "Order rejected - reason:The modified quantity is not above what is filled.")
    return malformed(wanted, wanted.contract)


def ends_at(order: Order) -> datetime | None:
    """When the clock ends the order, in UTC; None when it does not."""
    if order.tif == "GTD":
        return parse_time(order.good_till)
    placed = datetime.fromtimestamp(order.placed_at / SECOND, UTC)
    return session_bounds(trading_day(placed))[1] if order.tif == "DAY" else None


def waits_for_the_open(order: Order) -> Refusal:
    """The warning for an order that was placed while the market is closed."""
    words = f"{order.action} {plain(order.quantity)} {order.contract.local_symbol} @ {order.contract.listing}"
    return Refusal(399, f"Order Message:\n{words}\nWarning: your order will not be placed at the exchange until it opens.")


def parse_time(text: str) -> datetime | None:
    """A time as requests have it, in UTC: `20251120 14:00:00 US/Eastern`, `20251120-14:00:00` (UTC), or None for nothing.

    A time without a zone is New York's. Raises ValueError for anything else.
    """
    if not text:
        return None
    if text[8:9] == "-":
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    day, clock, *zone = text.split()
    place = ZoneInfo(zone[0]) if zone else NEW_YORK
    return datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M:%S").replace(tzinfo=place).astimezone(UTC)


def cannot_cancel(order_id: int, order: Order | None) -> Refusal:
    """The refusal of a cancel."""
    if order is None:
        return Refusal(10147, f"OrderId {order_id} that needs to be cancelled is not found.")
    return Refusal(10148, f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {order.status}.")
