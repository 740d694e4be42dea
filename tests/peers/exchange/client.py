"""The real ccxt, pointed at the loopback exchange."""

from __future__ import annotations

import importlib
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.peers.exchange.server import Exchange

SPOT_ONLY = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}


def binance(exchange: Exchange, **more: Any) -> Any:
    """A `ccxt.pro.binance` with the exchange's key, all of whose addresses are the exchange's; the caller closes it."""
    options = {**SPOT_ONLY, **more.pop("options", {})}
    words = {"apiKey": exchange.key, "secret": exchange.secret, "enableRateLimit": False, "options": options, **more}
    words.setdefault("timeout_on_exit", 0)  # ccxt waits a quarter of a second for TLS, which there is none of
    client = importlib.import_module("ccxt.pro").binance(words)
    client.urls["api"] = _moved(client.urls["api"], exchange)
    streams = client.urls["api"]["ws"]
    streams["spot"], streams["ws-api"]["spot"] = f"{exchange.socket_url}/stream/ws", f"{exchange.socket_url}/ws-api/v3"
    return client


def _moved(urls: Any, exchange: Exchange) -> Any:
    """Every address with the exchange's scheme and host."""
    if isinstance(urls, dict):
        return {name: _moved(url, exchange) for name, url in urls.items()}
    base = urlsplit(exchange.socket_url if urls.startswith("ws") else exchange.rest_url)
    return urlunsplit(urlsplit(urls)._replace(scheme=base.scheme, netloc=base.netloc))
