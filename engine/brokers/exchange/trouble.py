"""What the library raises, as one sentence of ours: by the venue's own code first, then by the kind of exception."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.core.errors import BrokerError, NiceGoldError, NotAdmitted

_CODE = re.compile(r"\"code\":\s*\"?(-?\d+)")
_WORDS = re.compile(r"\"msg\":\s*\"([^\"]*)\"")
_ASKED_TO_WAIT = ("DDoSProtection", "RateLimitExceeded")

CODES = {
    "-1021": "says that the time of our request is off; set this machine's clock by the network",
    "-1022": "says that the signature is wrong: the secret does not belong to the key; store both again",
    "-2014": "does not take the key for one of its own; store key and secret again",
    "-2015": "does not accept the key: it was deleted, or is not allowed from this address or for this; make a new one there",
}
"""Binance's codes that mean more than the library's exception says."""

KINDS = {
    "InvalidNonce": CODES["-1021"],
    "PermissionDenied": "does not allow this key to do that; look at the key's permissions there",
    "AuthenticationError": "does not accept the key; store key and secret again, or make a new key there",
    "RateLimitExceeded": "was asked too often; {wait}",
    "DDoSProtection": "was asked too often; {wait}",
    "RequestTimeout": "did not answer in time; look at the connection and try again",
    "OnMaintenance": "is being maintained; try again later",
    "ExchangeNotAvailable": "cannot be reached or is out of order; look at the connection and try again",
    "NetworkError": "cannot be reached; look at the connection and try again",
    "OperationFailed": "could not carry that out; try again",
    "BadResponse": "answered with something that cannot be understood; try again",
    "NotSupported": "does not offer that through its interface",
    "ExchangeError": "refused; look at the exchange's status page",
}
"""By the name of an exception's class or of the nearest of its parents."""

REFUSALS = (
    "InsufficientFunds",
    "InvalidOrder",
    "BadRequest",
    "PermissionDenied",
    "AuthenticationError",
    "MarketClosed",
    "RestrictedLocation",
    "ManualInteractionNeeded",
    "ArgumentsRequired",
    "NotSupported",
)
"""Kinds of exceptions, with all that are of their kind, after which an order is certainly not at the exchange."""
_NOT_REFUSALS = ("DuplicateOrderId", "OrderNotFound", "OrderNotCached", "OperationFailed")
_KEY_CODES = ("-1022", "-2014", "-2015")


class Garbled(Exception):
    """An answer of status 200 that is not what was asked for."""


class Hopeless(NotAdmitted):
    """The key is not accepted, or there is no such place."""


class AskedToWait(BrokerError):
    """Nothing was sent, because the exchange asked to be left alone and that time is not over."""


def told(error: BaseException, where: str, doing: str, wait: str = "try again in a minute") -> BrokerError:
    """The sentence for an exception met at `where` while `doing`; the library's own text, which may name keys, is left out."""
    sentence = f"{where} {_meaning(error).format(wait=wait)} ({doing})"
    return Hopeless(sentence) if is_about_key(error) else BrokerError(sentence)


def is_refusal(error: BaseException) -> bool:
    """Whether an order that met this is certainly not at the exchange; everything that is not listed may be there.

    -1021 is a refusal though the library calls it a matter of the network: Binance answers so at the door, before the book.
    A deleted key, which the library takes for too many questions, likewise.
    """
    if code_of(error) == "-1021" or is_about_key(error):
        return True
    if "duplicate" in str(error).lower():  # another order of that id is there, and it may be this one
        return False
    return _is_a(error, *REFUSALS) and not _is_a(error, *_NOT_REFUSALS)


def is_about_key(error: BaseException) -> bool:
    """Whether the key itself is not accepted (any more)."""
    return code_of(error) in _KEY_CODES or (_is_a(error, "AuthenticationError") and not _is_a(error, "PermissionDenied"))


def is_unknown_order(error: BaseException) -> bool:
    """Whether the exchange says that it has no such order."""
    return _is_a(error, "OrderNotFound")


def refusal_of(error: BaseException) -> str:
    """What the exchange said against an order: its own words where they are plain, without the library's prefix."""
    found = _WORDS.search(str(error))
    words = found.group(1) if found else str(error).partition(" ")[2]
    return words.strip().rstrip(".") or type(error).__name__


def asks_to_wait(error: BaseException) -> bool:
    """Whether the exchange wants to be left alone for a while; a deleted key looks the same but for its code."""
    return _is_a(error, *_ASKED_TO_WAIT) and code_of(error) not in CODES


def is_about_time(error: BaseException) -> bool:
    """Whether the clocks differ too much."""
    return code_of(error) == "-1021" or _is_a(error, "InvalidNonce")


def is_unreadable(error: BaseException) -> bool:
    """Whether the library stumbled over an answer: whatever it raises on purpose is of its own kind."""
    return not isinstance(error, Garbled | TimeoutError | NiceGoldError) and not _is_a(error, "BaseError")


def is_an_answer(error: BaseException) -> bool:
    """Whether the exchange answered at all, though with a refusal that has nothing to do with the key."""
    refused = _is_a(error, "ExchangeError") and not _is_a(error, "AuthenticationError")
    return code_of(error) not in CODES and (refused or "404" in str(error) or isinstance(error, Garbled))


def code_of(error: BaseException) -> str:
    """The venue's own code, "" where there is none."""
    found = _CODE.search(str(error))
    return found.group(1) if found else ""


def _meaning(error: BaseException) -> str:
    if isinstance(error, Garbled):
        return f"answered with something else than {error}; nothing was taken from it, try again"
    if isinstance(error, TimeoutError):
        return KINDS["RequestTimeout"]
    by_code: Callable[[str], str | None] = CODES.get
    named = (KINDS.get(kind.__name__) for kind in type(error).__mro__)
    return by_code(code_of(error)) or next(filter(None, named), f"failed with {type(error).__name__}; report this with the log")


def _is_a(error: BaseException, *names: str) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)
