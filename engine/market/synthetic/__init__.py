"""A market that does not exist: seeded, endless, the same on every run, and labelled SIMULATED wherever it is shown.

What it has of a real one
    Sessions and weekends of the instrument (daylight saving included), a busy and a quiet time of day, clustered
    volatility (log-normal, a part that lasts an hour and a part that lasts days, pushed up by jumps), gaps over closed hours,
    jumps (rare, but likely at 08:30 and 10:00 New York), a spread that is wide in quiet hours, after jumps, and five
    times its usual width at the roll at 17:00 New York, and a level that a weak pull keeps plausible for years.

What can be learned from it (and nothing else can: the rest is noise)
    1. Momentum after bursts of volume. Hidden order-flow imbalance decays with a half-life of 12 minutes. Bursts (rare in
       quiet hours) and jumps push it to one side: volume rises with its size, the price jolts its way at once and drifts
       on with it. Returns of 1 to 20 minutes, RSI, MACD and the volume ratio see part of it.
    2. Reversion in quiet hours. A volume-weighted fair value forgets with a half-life of 45 minutes; in the quiet hours
       (most of the Asian session, late New York) the price is pulled back to it. Distances from moving averages,
       Bollinger bands and RSI see it, and the hour says when it counts.
    3. The hour of the day says how large moves will be, and the spread what they cost.

The constants are at the top of `kernel.py`; what differs between instruments is in `parameters.py`.
"""

from engine.market.synthetic.market import DEFAULT_START, SyntheticChunk, SyntheticMarket

__all__ = ["DEFAULT_START", "SyntheticChunk", "SyntheticMarket"]
