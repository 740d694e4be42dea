"""What is done about open units that have no stop."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.clock import SECOND, Nanos


@dataclass(frozen=True, slots=True)
class ProtectionTerms:
    """`policy` repair places a stop, close leaves the market. What `attempts` stops did not mend, or none did `within` (ns), is
    closed too. `pause` (ns) lies between two attempts."""

    policy: str = "repair"
    within: Nanos = 30 * SECOND
    attempts: int = 3
    pause: Nanos = 2 * SECOND
