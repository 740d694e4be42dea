"""What a file's name claims: an instrument and a timeframe, where it names them."""

from __future__ import annotations

import re

from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import TIMEFRAMES, Symbol, Timeframe

_CURRENCIES = "XAU|XAG|XPT|XPD|EUR|USD|JPY|GBP|CHF|AUD|NZD|CAD|SEK|NOK|CNH|MXN|ZAR|TRY|BTC|ETH"
_PAIR = re.compile(rf"(?<![A-Z])((?:{_CURRENCIES})(?:{_CURRENCIES}))(?=[^A-Z]|$|M(?![A-Z]))")
_WRITTEN = re.compile(r"(?<![A-Z0-9])(M1|M5|M15|M30|H1|H4|D1)(?![A-Z0-9])")
_REVERSED = re.compile(r"(?<![A-Z0-9])(1M|5M|15M|30M|1H|4H|1D)(?![A-Z0-9])")
_MINUTES = {"1": "M1", "5": "M5", "15": "M15", "30": "M30", "60": "H1", "240": "H4", "1440": "D1"}
_MT4_NAME = re.compile(rf"[A-Z]+({'|'.join(sorted(_MINUTES, key=len, reverse=True))})$")


def named_symbol(name: str, expected: Symbol) -> Symbol | None:
    """The instrument that the file's name speaks of; `expected` when it occurs in it, None when the name says nothing."""
    stem = _stem(name)
    if expected in stem:
        return expected
    listed = [symbol for symbol in INSTRUMENTS if _stands_in(symbol, stem)]
    if listed:
        return max(listed, key=len)
    pair = _PAIR.search(stem)
    return pair[1] if pair else None


def _stands_in(symbol: Symbol, stem: str) -> bool:
    """Symbols of three letters and fewer must stand alone; longer ones may be joined to other words."""
    return symbol in stem and (len(symbol) > 3 or re.search(rf"(?<![A-Z]){symbol}(?![A-Z])", stem) is not None)


def named_timeframe(name: str) -> Timeframe | None:
    """The timeframe that the file's name speaks of: `_H1_`, `_5m`, or MetaTrader's minutes as in `XAUUSD60`."""
    stem = _stem(name)
    if match := _WRITTEN.search(stem):
        return TIMEFRAMES[match[1]]
    if match := _REVERSED.search(stem):
        return TIMEFRAMES[match[1][-1] + match[1][:-1]]
    if match := _MT4_NAME.match(stem):
        return TIMEFRAMES[_MINUTES[match[1]]]
    return None


def _stem(name: str) -> str:
    return name.upper().split(".", 1)[0]
