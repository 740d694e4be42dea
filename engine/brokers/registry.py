"""Which brokers and feeds a live session can be given, by the names that --broker and --feed take.

A new one is a line here; its library is imported when it is made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from engine.brokers.exchange.keys import ApiKey
from engine.core.clock import Clock
from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol
from engine.market.rolling import Rolling
from engine.ports.broker import ReportSink
from engine.ports.outside import LiveFeed, OutsideBroker
from engine.ports.venue import VenueAddress


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every adapter is given: the instruments dealt in, the session's clock, and chance for the pauses between attempts.

    `months` are the contracts of futures that their owner has named, `rolling` how contracts follow each other.
    """

    instruments: Mapping[Symbol, Instrument]
    clock: Clock
    random: Random
    patience_s: float
    heartbeat_s: float
    months: Mapping[Symbol, str] = field(default_factory=dict)
    rolling: Mapping[Symbol, Rolling] = field(default_factory=dict)


def _ib_broker(address: VenueAddress, around: Surroundings, sink: ReportSink) -> OutsideBroker:
    from engine.brokers.ib.broker import IbBroker, IbOptions

    return IbBroker(
        address,
        around.instruments,
        sink,
        clock=around.clock,
        timeout_s=around.patience_s,
        random=around.random,
        options=IbOptions(
            months=around.months,
            rolling=around.rolling,
            binds_manual=address.client_id == 0 and not address.is_read_only,
            heartbeat_s=around.heartbeat_s,
        ),
    )


def _ib_feed(address: VenueAddress, around: Surroundings) -> LiveFeed:
    from engine.brokers.ib.feed import IbFeed

    return IbFeed(
        address,
        around.instruments,
        clock=around.clock,
        random=around.random,
        heartbeat_s=around.heartbeat_s,
        months=around.months,
        rolling=around.rolling,
        ticks=address.ticks,
    )


def _exchange_broker(address: VenueAddress, around: Surroundings, sink: ReportSink) -> OutsideBroker:
    from engine.brokers.exchange.broker import ExchangeBroker

    key, why = exchange_key(address)
    if key is None:
        raise UserError(f"orders at {address.broker} need a key: {why}")
    return ExchangeBroker(
        address, key, around.instruments, sink, clock=around.clock, random=around.random, timeout_s=around.patience_s
    )


def _exchange_feed(address: VenueAddress, around: Surroundings) -> LiveFeed:
    from engine.brokers.exchange.feed import ExchangeFeed

    return ExchangeFeed(address, around.instruments, clock=around.clock, random=around.random)


BROKERS: Mapping[str, Callable[[VenueAddress, Surroundings, ReportSink], OutsideBroker]] = {"ib": _ib_broker}
FEEDS: Mapping[str, Callable[[VenueAddress, Surroundings], LiveFeed]] = {"ib": _ib_feed}


def broker_at(address: VenueAddress, around: Surroundings, sink: ReportSink) -> OutsideBroker:
    """The broker, not yet connected: one of `BROKERS`, else an exchange. UserError where it has no key."""
    return BROKERS.get(address.broker.lower(), _exchange_broker)(address, around, sink)


def feed_at(address: VenueAddress, around: Surroundings) -> LiveFeed:
    """The feed, not yet connected: one of `FEEDS`, else an exchange's public prices."""
    return FEEDS.get(address.broker.lower(), _exchange_feed)(address, around)


def exchange_key(address: VenueAddress) -> tuple[ApiKey | None, str]:
    """The key for an exchange, or one sentence that says why there is none."""
    from engine.brokers.exchange.addresses import place_of
    from engine.brokers.secrets import find_key

    place = place_of(address.url, address.ws_url)
    at_hand = place is not None and place.is_loopback
    found = find_key(address.broker.lower(), os.environ, loopback=at_hand, sandbox=address.sandbox)
    return found.key, found.why
