"""python -m tests.soak --minutes N --seed S --venue tws|exchange|both: random trouble, and what must hold at every checkpoint.

Each life is a book at a venue of its own, a minute from checkpoint to checkpoint. Exit code 1 when something was violated; the
seed of the life and the last facts stand above the summary, which is one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from engine.brokers.secrets import KEY_VARIABLE, SECRET_VARIABLE
from engine.core.clock import SystemClock
from engine.core.log import start_log
from tests.catalogue.rig import minutes
from tests.peers.exchange import KEY, SECRET, Exchange
from tests.peers.tws import Peer
from tests.soak.exchange import Spot
from tests.soak.life import Life
from tests.soak.stage import Stage
from tests.soak.tally import Tally
from tests.soak.tws import QUICKER, Tws

CHECKPOINTS = 4
VENUES = ("tws", "exchange")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first life; each after it counts one up")
    parser.add_argument("--venue", choices=(*VENUES, "both"), default="both")
    parser.add_argument("--span", type=float, default=45.0, help="seconds of trouble before a checkpoint")
    parser.add_argument(
        "--log", type=Path, default=Path(tempfile.gettempdir()) / "nicegold-soak", help="folder of the program's log"
    )
    parser.add_argument("--keep", type=Path, help="folder for the books of lives in which something was violated")
    options = parser.parse_args(arguments)
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)
    log = start_log(options.log)
    os.environ.update({KEY_VARIABLE: KEY, SECRET_VARIABLE: SECRET})
    venues = VENUES if options.venue == "both" else (options.venue,)
    if "exchange" in venues:
        importlib.import_module("ccxt.pro")  # takes seconds, which are nobody's fault
    tally = Tally()
    try:
        asyncio.run(_soak(tally, venues, options))
    finally:
        log.close()
    print(json.dumps({"seed": options.seed, "venue": options.venue, **tally.summary()}))
    return 1 if tally.violations else 0


async def _soak(tally: Tally, venues: tuple[str, ...], options: argparse.Namespace) -> None:
    loop, seed = asyncio.get_running_loop(), options.seed
    until = loop.time() + options.minutes * 60
    while loop.time() < until:
        venue = venues[seed % len(venues)]
        _say(f"seed {seed} at {venue}")
        with tempfile.TemporaryDirectory() as folder:
            async with _stage(venue, Random(seed)) as stage:
                found = await Life(stage, Path(folder), tally, _say).live(CHECKPOINTS, options.span, until)
            if found and options.keep:
                shutil.copytree(folder, options.keep / f"{venue}-{seed}", dirs_exist_ok=True)
        tally.violations += [f"seed {seed} at {venue}: {each}" for each in found]
        seed += 1


@asynccontextmanager
async def _stage(venue: str, chance: Random) -> AsyncIterator[Stage]:
    if venue == "tws":
        async with Peer(clock=SystemClock(), always_open=True, seed=chance.randint(0, 9)) as peer:
            stage = Tws(peer, chance)
            await stage.move()
            yield stage
        return
    async with Exchange() as exchange:
        exchange.history("PAXGUSDT", minutes(200))
        exchange.desk.gate.weight_limit *= QUICKER
        exchange.desk.gate.order_limit *= 1_000  # it counts by its clock, which here is set back
        await exchange.quote("PAXGUSDT", "4000.00", "4000.10", depth=100)
        yield Spot(exchange, chance)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
