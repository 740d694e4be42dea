"""Whole sessions over a recorded history, for tests of where their books are kept."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from engine.config import Config
from engine.domain.market import Timeframe
from engine.request import Request
from engine.session import Session, open_session
from engine.storage.database import open_books
from engine.storage.journal import facts_sha256
from tests.engine.rig import GOLD, market
from tests.journeys.headless import write_history


def history(folder: Path, bars: int = 600) -> Path:
    return write_history(folder / "XAUUSD_M1.csv", market(bars, 5))


def request(db: str, file: Path) -> Request:
    return Request(
        db=db,
        models=file.parent / "models",
        instrument=GOLD,
        timeframe=Timeframe.of("M1"),
        config=Config(),
        replay=file,
        clock="UTC",
        policy="sma_cross",
    )


def play(db: str, file: Path, quotes: int) -> None:
    """Plays so many quotes and leaves the run open."""
    with closing(open_session(request(db, file))) as session:
        session.play(most=quotes)
        session.keep_place()
        assert not session.is_over


def finish(db: str, file: Path) -> str:
    """Plays the run to its end, from where it stands; its facts' hash."""
    with closing(open_session(request(db, file))) as session:
        return end(session)


def end(session: Session) -> str:
    session.play()
    session.finish()
    return facts_sha256(session.database, session.book.id)


def facts_of(db: str, book: int = 1) -> str:
    with open_books(db) as database:
        return facts_sha256(database, book)
