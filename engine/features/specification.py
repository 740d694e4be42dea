"""What a feature row holds: names in their order, one line each, and the parameters behind them.

Distances are counted in ATRs of the same bar, so that a model carries over from quiet to wild markets and from one
price level to another. Every value is bounded to +-BOUND. Wall-clock features know daylight saving of New York
(US rule since 2007) and London (EU rule).
"""

from __future__ import annotations

import hashlib
import json

VERSION = 1
"""Raised whenever a formula changes, so that older models are refused instead of being fed other numbers."""

WARMUP = 256
"""Rows before this one (counted in usable bars) are NaN throughout; from it on every value is finite."""

BOUND = 100.0

RETURNS = (1, 3, 10, 30, 60, 240)
EMAS = (8, 21, 55, 144)
RSI_FAST, RSI_SLOW = 5, 14
MACD_FAST, MACD_SLOW, MACD_SIGNAL = 12, 26, 9
ATR_FAST, ATR, ATR_SLOW = 5, 14, 50
ADX = 14
BOLLINGER = 20
EFFICIENCY = 20
RANGES = (20, 60, 240)
"""Fixed in `windows.highest`, which builds each from the one before."""
VOLATILITIES = (10, 60, 480)
VOLUME_FAST, VOLUME_SLOW = 20, 100
PRESSURE = 10
SPREAD = 100

FEATURES: tuple[tuple[str, str], ...] = (
    *((f"return_{bars}", f"close against the close {bars} bars before, in ATRs") for bars in RETURNS),
    ("body", "close minus open, in ATRs"),
    ("upper_wick", "high minus the higher of open and close, in ATRs"),
    ("lower_wick", "the lower of open and close minus low, in ATRs"),
    ("range", "true range, in ATRs"),
    ("gap", "open minus the previous close, in ATRs"),
    *((f"ema_{bars}", f"close minus its exponential average of {bars} bars, in ATRs") for bars in EMAS),
    ("ema_slope", f"change of the {EMAS[1]}-bar average over the last bar, in ATRs"),
    ("rsi_fast", f"relative strength of {RSI_FAST} bars, -1 all losses to +1 all gains"),
    ("rsi", f"relative strength of {RSI_SLOW} bars, -1 all losses to +1 all gains"),
    ("macd", f"average of {MACD_FAST} bars minus that of {MACD_SLOW}, in ATRs"),
    ("macd_histogram", f"MACD minus its {MACD_SIGNAL}-bar signal line, in ATRs"),
    ("bollinger_position", f"close minus the mean of {BOLLINGER} bars, in half widths of the band (2 deviations)"),
    ("bollinger_width", f"width of the band (4 deviations of {BOLLINGER} closes), in ATRs"),
    ("adx", f"average directional index of {ADX} bars, 0 to 1"),
    ("di", f"plus minus minus directional movement of {ADX} bars over their sum, -1 to +1"),
    *(
        (f"range_position_{bars}", f"close within low and high of {bars} bars, -1 at the low to +1 at the high")
        for bars in RANGES
    ),
    ("atr_relative", f"ATR of {ATR} bars over the close, in basis points"),
    ("atr_ratio", f"ATR of {ATR_FAST} bars over that of {ATR_SLOW}"),
    ("volatility_ratio", f"variance of {VOLATILITIES[0]} returns over that of {VOLATILITIES[1]}"),
    ("volatility_regime", f"variance of {VOLATILITIES[1]} returns over that of {VOLATILITIES[2]}"),
    ("efficiency", f"net move over the way gone in {EFFICIENCY} bars, -1 to +1"),
    ("autocorrelation", f"correlation of successive returns, weighted over {VOLATILITIES[1]} bars"),
    ("streak", "closes in a row in one direction, signed"),
    ("volume_ratio", f"volume over its average of {VOLUME_FAST} bars; 0 where the source has none"),
    ("volume_trend", f"average volume of {VOLUME_FAST} bars over that of {VOLUME_SLOW}; 0 where the source has none"),
    ("volume_pressure", f"volume weighted by where bars closed, {PRESSURE} bars, over the average volume"),
    ("spread_atr", "spread, in ATRs"),
    ("spread_ratio", f"spread over its average of {SPREAD} bars"),
    ("hour_sin", "sine of the time of day, UTC"),
    ("hour_cos", "cosine of the time of day, UTC"),
    ("weekday_sin", "sine of the day of the week, UTC"),
    ("weekday_cos", "cosine of the day of the week, UTC"),
    ("asia", "1 while Tokyo works (09:00 to 18:00 there), else 0"),
    ("london", "1 while London works (08:00 to 17:00 there), else 0"),
    ("new_york", "1 while New York works (08:00 to 17:00 there), else 0"),
    ("since_roll", "hours since 17:00 New York"),
    ("till_roll", "hours until 17:00 New York"),
    ("pause", "hours since the previous bar opened, at most 72"),
)

NAMES: tuple[str, ...] = tuple(name for name, _ in FEATURES)
COUNT = len(NAMES)


def sha256() -> str:
    """Hash of names, order, parameters and version: equal for two programs that compute the same row."""
    parameters = (RETURNS, EMAS, RSI_FAST, RSI_SLOW, MACD_FAST, MACD_SLOW, MACD_SIGNAL, ATR_FAST, ATR, ATR_SLOW, ADX, BOLLINGER,
                  EFFICIENCY, RANGES, VOLATILITIES, VOLUME_FAST, VOLUME_SLOW, PRESSURE, SPREAD)  # fmt: skip
    content = {"version": VERSION, "names": NAMES, "parameters": parameters, "warmup": WARMUP, "bound": BOUND}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
