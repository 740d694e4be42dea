"""Average-cost arithmetic of a position, exact in integers."""

from __future__ import annotations

from numba import njit


@njit(cache=True)
def share(basis: int, part: int, whole: int) -> int:
    """`basis` x part / whole, rounded half to even; what is left over stays with the rest, so nothing is lost."""
    if part == whole:
        return basis
    magnitude, sign = (basis, 1) if basis >= 0 else (-basis, -1)
    quotient, remainder = magnitude // whole, magnitude % whole
    low = quotient * part + remainder * part // whole
    twice = 2 * (remainder * part % whole)
    if twice > whole or (twice == whole and low % 2 == 1):
        low += 1
    return sign * low


@njit(cache=True)
def book(quantity: int, basis: int, signed: int, value: int) -> tuple[int, int, int]:
    """A fill of `signed` lot steps worth `value` (signed cash, price x signed x tick value) meets a position.

    Returns (quantity, basis, realised) after it. Adding moves only the basis; reducing realises the share that leaves; a fill
    through zero closes all at its price and opens the rest at the same price, with no memory of the old average.
    """
    if quantity == 0 or (quantity > 0) == (signed > 0):
        return quantity + signed, basis + value, 0
    closing = min(abs(signed), abs(quantity))
    gone = share(basis, closing, abs(quantity))
    proceeds = share(value, closing, abs(signed))
    return quantity + signed, basis - gone + (value - proceeds), -(proceeds + gone)
