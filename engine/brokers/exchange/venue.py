"""An exchange as a venue."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from engine.brokers.exchange.addresses import hosts, place_of
from engine.brokers.exchange.catalogue import profile_of
from engine.brokers.exchange.client import close_client, load_library, make_client
from engine.brokers.exchange.keys import ApiKey
from engine.brokers.exchange.reading import Reader, our_names, own_ids
from engine.brokers.exchange.trouble import Hopeless, is_an_answer
from engine.brokers.exchange.wire import Wire
from engine.core.clock import Clock, SystemClock
from engine.core.errors import BrokerError, UserError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Symbol
from engine.ports.venue import VenueAddress, VenueCash, VenueState

_FAR_MS = 500
"""From here on a difference of clocks is told."""


class ExchangeVenue:
    """An exchange's spot markets, and with a key the account there.

    A coin that is held is cash of that coin: spot has no positions. `no_key` says why there is none. With `paced` a request waits
    its turn as the exchange wants it; what is on this machine answers whenever it is asked.
    """

    def __init__(
        self,
        address: VenueAddress,
        key: ApiKey | None,
        no_key: str = "",
        *,
        clock: Clock | None = None,
        paced: bool = True,
    ) -> None:
        self.profile = profile_of(address.broker)
        self.place = place_of(address.url, address.ws_url)
        self.clock = clock or SystemClock()
        self._address = address
        self._key = key
        self._no_key = no_key or "no key was given"
        self._paced = paced and not (self.place is not None and self.place.is_loopback)
        self._wire: Wire | None = None
        self._names: dict[str, Symbol] = {}
        self._notes: list[str] = []

    @property
    def is_anonymous(self) -> bool:
        """Whether only what is public can be asked."""
        return self._key is None

    @property
    def is_live(self) -> bool:
        """Whether money is at stake: not without a key, on a test exchange, or at a loopback host with a key for tests."""
        at_hand = self.place is not None and self.place.is_loopback
        return self._key is not None and not (self._address.sandbox or (at_hand and self._key.is_for_tests))

    @property
    def wire(self) -> Wire:
        """The connection; BrokerError before `connect` and after `close`."""
        if self._wire is None:
            raise BrokerError(f"{self.profile.name} is not connected; connect first")
        return self._wire

    @property
    def names(self) -> dict[str, Symbol]:
        """Our symbols by the library's, of the markets that exist there."""
        return dict(self._names)

    def new_client(self, *, signing: bool = False) -> Any:
        """Another client of the same exchange, with the markets already known; without the key unless it is for `signing`."""
        client = self._client(self._key if signing else None)
        client.set_markets(self.wire.client.markets)
        if signing and "timeDifference" in self.wire.client.options:
            client.options["timeDifference"] = self.wire.client.options["timeDifference"]
        return client

    def new_wire(self) -> Wire:
        """Another wire to the same account, which waits for nothing this one is asked; the caller closes its client."""
        wire = self.wire
        return Wire(self.new_client(signing=True), self.profile, wire.where, self.clock, self._address.timeout, wire.pause)

    async def connect(self) -> None:
        if self._wire is not None:
            return
        self._check_kind()
        await asyncio.to_thread(load_library)
        client = self._client(self._key)
        self._wire = wire = Wire(client, self.profile, self._where(client), self.clock, self._address.timeout)
        self._notes = [] if self.profile.is_supported else [f"{self.profile.id} is untested: look at what it tells with care"]
        try:
            await wire.ask("listing the markets", client.load_markets)
            if not client.markets:
                raise BrokerError(f"{wire.where} lists no markets; look at the exchange's status page")
            self._names = our_names(client.markets)
            await wire.measure_clock()
            if self._key is not None:
                await self._check_permissions(wire)
        except BaseException:
            await self.close()
            raise
        self._note_clock(wire)

    async def state(self, symbols: Container[Symbol] | None = None) -> VenueState:
        """As the port says; with `symbols` trades of these only, and of past orders not what we called them, which costs less."""
        wire = self.wire
        if self._key is None:
            raise BrokerError(f"{wire.where} shows accounts to the owner of a key only, and there is none: {self._no_key}")
        client = wire.client
        balance = await wire.ask("asking balances", client.fetch_balance, "balance")
        working = await wire.ask("asking open orders", client.fetch_open_orders, "orders")
        names = [name for name, symbol in self._names.items() if symbols is None or symbol in symbols]
        trades, known = await self._trades(wire, names, own_ids(working), past=symbols is None)
        account = _account(balance, self.profile.id)
        reader = self.reader(account)
        return VenueState(
            wire.where,
            self.is_live,
            (account,),
            reader.cash(balance),
            (),
            reader.orders(working),
            reader.executions(trades, known),
            tuple(self._notes),
        )

    async def cash(self) -> tuple[VenueCash, ...]:
        """What the account has of each coin, and nothing else."""
        balance = await self.wire.ask("asking balances", self.wire.client.fetch_balance, "balance")
        return self.reader(_account(balance, self.profile.id)).cash(balance)

    def reader(self, account: str) -> Reader:
        """What turns the library's answers into the port's values for this account."""
        return Reader(self.wire.where, account, self.wire.client.markets, self._names)

    async def public(self) -> VenueState:
        """What is seen without a key: no accounts, and the best prices of our instruments as notes."""
        wire = self.wire
        seen = [f"no account was looked at: {self._no_key}"]
        for name, symbol in self._names.items():
            book = await wire.ask(f"asking {name}", partial(wire.client.fetch_order_book, name, 5))
            if book["bids"] and book["asks"]:
                bid, ask = (_shown(symbol, book[side][0][0]) for side in ("bids", "asks"))
                seen.append(f"{symbol} {bid} bid, {ask} ask")
        return VenueState(wire.where, self.is_live, (), (), (), (), (), (*self._notes, *seen))

    async def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await close_client(wire.client)

    def _client(self, key: ApiKey | None) -> Any:
        address = self._address
        return make_client(
            self.profile,
            self.place,
            key,
            timeout_s=address.timeout,
            sandbox=address.sandbox,
            consent=address.consent,
            paced=self._paced,
        )

    def _check_kind(self) -> None:
        if self._key is None or self.is_live == self._address.is_live:
            return
        if self.is_live:
            raise UserError(f"the account at {self.profile.name} is a live one; pass --live, or --sandbox for its test exchange")
        raise UserError(f"--live was asked for, but {self.profile.name} is a test exchange here; leave --live out")

    def _where(self, client: Any) -> str:
        if self.place is not None:
            return f"{self.profile.name} at {self.place.rest.scheme}://{self.place.rest.netloc}"
        host = next(hosts(client.urls["api"])).replace("{hostname}", client.hostname or "")
        return f"{self.profile.name} at https://{host}"

    async def _check_permissions(self, wire: Wire) -> None:
        """Refuses a key that may withdraw; says where the exchange does not tell."""
        permission, withdraws = self.profile.permission, None
        if permission is not None:
            try:
                withdraws = permission.withdraws(await wire.bare(getattr(wire.client, permission.method)))
            except Exception as error:  # only an answer of a stand-in host may pass: it knows no permissions
                if self.place is None or not is_an_answer(error):
                    raise wire.error(error, "asking what the key may do") from error
        if withdraws:
            raise Hopeless(
                f"the key for {wire.where} may withdraw money and is not used; make one there that may read and trade only"
            )
        if withdraws is None:
            self._notes.append(f"{self.profile.name} does not tell whether the key may withdraw; make sure there that it may not")

    async def _trades(
        self, wire: Wire, names: Iterable[str], known: dict[str, str], *, past: bool
    ) -> tuple[list[Any], dict[str, str]]:
        """The newest page of our trades in each market, and our own ids of their orders where they are told."""
        client, found = wire.client, []
        for name in names:
            trades = await wire.ask(f"asking trades in {name}", partial(client.fetch_my_trades, name), "trades")
            found += trades
            if past and client.has.get("fetchOrders") is True and any(it.get("order") not in known for it in trades):
                known = {**known, **await self._past_ids(wire, name)}
        return found, known

    async def _past_ids(self, wire: Wire, name: str) -> dict[str, str]:
        """Our ids of past orders; none where the exchange answers but does not tell them."""
        try:
            return own_ids(await wire.bare(lambda: wire.client.fetch_orders(name), "orders"))
        except Exception as error:  # a refusal means that it does not tell; anything else is raised
            if is_an_answer(error):
                return {}
            raise wire.error(error, f"asking past orders in {name}") from error

    def _note_clock(self, wire: Wire) -> None:
        if wire.offset_ms is None:
            self._notes.append(f"{self.profile.name} did not tell its time, so the clocks were not compared")
        elif abs(wire.offset_ms) >= _FAR_MS:
            side = "ahead of" if wire.offset_ms > 0 else "behind"
            self._notes.append(
                f"{self.profile.name}'s clock is {abs(wire.offset_ms)} ms {side} this machine's, which is allowed for; "
                "set this machine's clock by the network"
            )


def _account(balance: Any, otherwise: str) -> str:
    """The account's number where it is told with the balances."""
    info = balance.get("info")
    return str(info.get("uid") or otherwise) if isinstance(info, dict) else otherwise


def _shown(symbol: Symbol, price: Any) -> str:
    """A price with the instrument's decimals."""
    return f"{Decimal(str(price)):.{INSTRUMENTS[symbol].price_decimals}f}"
