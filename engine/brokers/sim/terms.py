"""How the simulated venue deals."""

from __future__ import annotations

from dataclasses import dataclass

from engine.brokers.sim.venues import LISTED, VenueTerms
from engine.core.clock import Nanos
from engine.domain.instrument import Steps
from engine.domain.market import Ticks


@dataclass(frozen=True, slots=True)
class SimTerms:
    """The choices of a run or a paper session.

    `slippage` ticks on market and stop fills where no book is known, `through` ticks a limit must be passed by, `fill_steps` the
    most one quote fills of one order (0 = no bound, so no partial fills).
    `sizes`: no more is filled than the quote or the book shows. `queue`: "" a limit fills when the other side of the market comes
    to it; "trades" also when trades at its price have used up what stands before it; "sizes" as "trades", and a smaller size
    shown at the touch counts as traded. `latency`: what is asked takes effect so many ns later. `venue`: what it charges.
    `at_once`: an order that arrives meets the quote that stands, as at a venue that lives, and not only the next one.
    """

    slippage: Ticks = 2
    through: Ticks = 0
    fill_steps: Steps = 0
    sizes: bool = False
    queue: str = ""
    latency: Nanos = 0
    venue: VenueTerms = LISTED
    at_once: bool = False

    @property
    def is_observant(self) -> bool:
        """True where it matters what size is shown."""
        return self.sizes or bool(self.queue)
