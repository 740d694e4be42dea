"""A connection that has died without a word is found out and ended."""

from __future__ import annotations

import asyncio

from engine.brokers.ib.link import Link
from engine.core.errors import BrokerError


async def watch(link: Link, every: float) -> str:
    """Asks for the time every so many seconds until the connection is over, and says why it is.

    One that does not answer within the link's timeout is ended here: a socket may stay open for hours after its end has gone.
    """
    while True:
        try:
            return await asyncio.wait_for(link.lost(), every)
        except TimeoutError:
            try:
                await link.ask_alone("the time", link.ib.reqCurrentTimeAsync)
            except BrokerError:
                await link.close(f"{link.name} has stopped answering; look at TWS and the network")
