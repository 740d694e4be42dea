"""The chain of a book's facts: each row carries a link over all that came before it, the book a seal over the last one.

    link 0 = H("nicegold book", number, when it was opened)    so that no book passes for another
    link n = H(link n-1, the committed line of fact n)
    seal   = H("nicegold seal", n, link n)                     so that a tail cannot be cut with the books row moved back

H is SHA-256, or HMAC-SHA256 for a book that was begun with a key. Without one, who may write to the database can compute the
whole chain anew; that shows only against a head kept elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from engine.core.clock import Nanos
from engine.core.errors import UserError
from engine.storage.personal import PERSONAL, committed, salted

Prepared = tuple[int, int, int, Nanos, str, str]
"""What a writer is handed of a fact: book_id, seq, step, at, kind, fact."""
Chained = tuple[int, int, int, Nanos, str, str, str | None, bytes]
"""A row of the table facts: what was prepared, then salts and link."""

PLAIN, KEYED = "sha256", "hmac-sha256"

_SEE = "main.py audit verify --book {} says what is broken, and --new begins a new book"
_FINGERPRINT = 8
_BLOCK = 64
"""Bytes that SHA-256 takes at a time."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How links are made. `name` says it in a seal: sha256, or hmac-sha256/FINGERPRINT OF THE KEY."""

    name: str
    digest: Callable[[bytes], bytes]

    @property
    def is_keyed(self) -> bool:
        return self.name != PLAIN

    def first(self, book_id: int, created_at: Nanos) -> bytes:
        """The link before the first fact."""
        return self.digest(b"nicegold book %d %d" % (book_id, created_at))

    def seal(self, seq: int, link: bytes) -> str:
        """What the books row keeps of the last fact."""
        return f"{self.name}:{self.digest(b'nicegold seal %d ' % seq + link).hex()}"


def _sha256(data: bytes) -> bytes:
    return sha256(data).digest()


def _hmac_sha256(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA256 (RFC 2104) with both halves of the key taken in beforehand: less than half the time of hmac.digest."""
    block = (key if len(key) <= _BLOCK else _sha256(key)).ljust(_BLOCK, b"\0")
    inner, outer = sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(data: bytes) -> bytes:
        within, around = inner.copy(), outer.copy()
        within.update(data)
        around.update(within.digest())
        return around.digest()

    return digest


def scheme(key: bytes | None) -> Scheme:
    """The scheme of a new book."""
    if key is None:
        return Scheme(PLAIN, _sha256)
    return Scheme(f"{KEYED}/{fingerprint(key)}", _hmac_sha256(key))


def fingerprint(key: bytes) -> str:
    """By what a key is told from another; it gives nothing of the key away."""
    return sha256(b"nicegold key " + key).hexdigest()[:_FINGERPRINT]


def is_keyed(seal: str | None) -> bool:
    """Whether a book with this seal is chained with a key."""
    return seal is not None and seal.startswith(f"{KEYED}/")


def scheme_of(book_id: int, seal: str | None, key: bytes | None) -> Scheme:
    """The scheme a book goes on with: the one it was begun with. UserError where its key is not at hand."""
    if seal is None:
        return scheme(key)
    if seal.startswith(f"{PLAIN}:"):
        return scheme(None)
    if not is_keyed(seal):
        raise UserError(f"the seal of book {book_id} was edited: it names no chain; {_SEE.format(book_id)}")
    if key is None:
        raise UserError(f"book {book_id} is chained with a key of the keyring, which is not at hand; unlock the keyring")
    found = scheme(key)
    if seal.partition(":")[0] != found.name:
        raise UserError(
            f"book {book_id} is chained with the key {seal.partition(':')[0].partition('/')[2]} and the keyring holds "
            f"{fingerprint(key)}; restore the key it was begun with, or begin a new book with --new"
        )
    return found


def changed_outside(book_id: int, seq: int) -> UserError:
    """What to raise where the last fact of a book is not the one it was sealed with."""
    return UserError(
        f"book {book_id} was changed outside this program: fact {seq} is not the one it was sealed with; {_SEE.format(book_id)}"
    )


class Lengthened(NamedTuple):
    """Rows with their links, the last link and the seal over it."""

    rows: list[Chained]
    link: bytes
    seal: str


@dataclass(slots=True)
class Chain:
    """The end of a book's chain, as its writer carries it on. `link` is that of the last fact stored."""

    scheme: Scheme
    link: bytes

    def lengthen(self, rows: Sequence[Prepared]) -> Lengthened:
        """What to store for these rows, at least one; the chain itself is moved by who stored them."""
        link, digest, chained = self.link, self.scheme.digest, list[Chained]()
        for row in rows:
            line, salts = row[5], None
            if row[4] in PERSONAL and (salts := salted(row[4], line, os.urandom)):
                line = committed(line, salts)
            link = digest(link + line.encode())
            chained.append((*row, salts, link))
        return Lengthened(chained, link, self.scheme.seal(rows[-1][1], link))
