"""The market data store, apart from the books so that an import never blocks an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.core.clock import DAY, HOUR, Nanos
from engine.domain.market import Bars, Ints, QuoteColumns, Symbol, Timeframe
from engine.storage.columns import BAR_HEIGHT, QUOTE_HEIGHT, WriteResult, from_bars, from_quotes, to_bars, to_quotes
from engine.storage.database import Database, Place, locate, open_track
from engine.storage.migrate import MARKET, Track
from engine.storage.undo import Entry
from engine.storage.versions import Import, Kind, Origin, Revised
from engine.storage.watched import Watch, unwatched

if TYPE_CHECKING:
    from engine.storage.market_blocks import BlockMarket

TICK = "TICK"
"""What stands for the timeframe where a series is of quotes."""

_BARS_A_BLOCK = 1_440


class Coverage(NamedTuple):
    """A stored series: `first` and `last` are the times (ns UTC) of its outermost rows; `timeframe` is TICK for quotes."""

    symbol: Symbol
    timeframe: str
    source: str
    first: Nanos
    last: Nanos
    rows: int


class Series(NamedTuple):
    """Which series is meant, and how much time one block of it spans."""

    symbol: Symbol
    timeframe: str
    span: Nanos

    @property
    def height(self) -> int:
        """Rows of its matrix."""
        return QUOTE_HEIGHT if self.timeframe == TICK else BAR_HEIGHT


class MarketStore:
    """Bars and quotes of every source. Writing the same rows again changes nothing; safe from any thread."""

    def __init__(self, blocks: BlockMarket) -> None:
        self._blocks = blocks

    def write_bars(
        self,
        symbol: Symbol,
        timeframe: str,
        source: str,
        bars: Bars,
        replace: bool = False,
        origin: Origin | None = None,
        watch: Watch = unwatched,
    ) -> WriteResult:
        """Stores bars. Rows that are stored with other values are counted and stay as they are, unless `replace`.

        What was replaced is kept as a revision; so is what an `origin` offered and was not taken.
        """
        return self._blocks.write(_bars(symbol, timeframe), source, from_bars(bars), replace, origin, watch)

    def read_bars(
        self, symbol: Symbol, timeframe: str, start: Nanos | None = None, end: Nanos | None = None, source: str | None = None
    ) -> Bars:
        """The bars that open at `start` or later and before `end`. Without a source, those of the series with most rows."""
        return to_bars(self._blocks.read(_bars(symbol, timeframe), 7, *_range(start, end), source))

    def write_quotes(
        self,
        symbol: Symbol,
        source: str,
        quotes: QuoteColumns,
        replace: bool = False,
        origin: Origin | None = None,
        watch: Watch = unwatched,
    ) -> WriteResult:
        """Stores quotes; several may share a time. Otherwise as `write_bars`."""
        return self._blocks.write(series_of(symbol, TICK), source, from_quotes(quotes), replace, origin, watch)

    def read_quotes(
        self, symbol: Symbol, start: Nanos | None = None, end: Nanos | None = None, source: str | None = None
    ) -> QuoteColumns:
        """The quotes from `start` on and before `end`. Without a source, those of the series with most rows."""
        return to_quotes(self._blocks.read(series_of(symbol, TICK), QUOTE_HEIGHT, *_range(start, end), source))

    def remove_bars(self, symbol: Symbol, timeframe: str, source: str, at: Ints, origin: Origin) -> int:
        """Takes out the bars that open at these times and keeps them as revisions; how many there were."""
        return self._blocks.remove(_bars(symbol, timeframe), source, at, origin)

    def coverage(self) -> list[Coverage]:
        """What is stored, by symbol, timeframe and source."""
        return sorted(self._blocks.coverage())

    def spans(self, symbol: Symbol, timeframe: str, source: str) -> Ints:
        """From when to when (ns UTC) rows lie in each block of a series, in time order, of shape (blocks, 2); no row is read."""
        return self._blocks.spans(symbol, timeframe, source)

    def imports(self) -> list[Import]:
        """Every file that was written and not undone, and what it met, the first one first."""
        versions, lock = self._blocks.versions()
        with lock:
            return versions.imports()

    def entries(self) -> list[Entry]:
        """Every import by its number, those that were undone too."""
        return self._blocks.entries()

    def undo(self, number: int, at: Nanos) -> Entry:
        """Takes the import `number` back, at the time `at`: its series is then what it was before, to the last bit.

        UserError where there is none, where it was undone, and where a later import builds on it.
        """
        return self._blocks.undo(number, at)

    def revised(self) -> list[Revised]:
        """How many values of each series were offered and not taken, replaced or removed."""
        versions, lock = self._blocks.versions()
        with lock:
            return versions.counts()

    def revision_bars(self, symbol: Symbol, timeframe: str, source: str, kind: Kind) -> Bars:
        """The newest revision of `kind` at every place of a series of bars."""
        versions, lock = self._blocks.versions()
        with lock:
            return to_bars(versions.last((symbol, Timeframe.of(timeframe).name, source), kind, BAR_HEIGHT))

    def close(self) -> None:
        """Ends the connection."""
        self._blocks.close()

    def __enter__(self) -> MarketStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_market(url: str) -> MarketStore:
    """The market data beside the books at `url`: `books.market.db` for the file `books.db`, the schema `market` on PostgreSQL.

    Raises UserError and StoreError as `open_books` does.
    """
    from engine.storage.market_blocks import BlockMarket

    place = place_of(url, MARKET)
    return MarketStore(BlockMarket(open_track(Database(place), MARKET), None if place.path else MARKET.schema))


def place_of(url: str, track: Track) -> Place:
    """Where the tables of a track lie: the market data of a SQLite file are in a file beside it."""
    books = locate(url)
    if books.path is None or track is not MARKET:
        return books
    path = books.path.with_name(f"{books.path.stem}.market{books.path.suffix}")
    return Place(f"sqlite:///{path}", path)


def series_of(symbol: Symbol, timeframe: str) -> Series:
    """The series of bars, or of quotes where `timeframe` is TICK, whose blocks are of an hour."""
    return Series(symbol, TICK, HOUR) if timeframe == TICK else _bars(symbol, timeframe)


def _bars(symbol: Symbol, timeframe: str) -> Series:
    """A block is a day of M1 bars and as many bars of any longer timeframe."""
    frame = Timeframe.of(timeframe)
    return Series(symbol, frame.name, max(DAY, _BARS_A_BLOCK * frame.span))


def _range(start: Nanos | None, end: Nanos | None) -> tuple[Nanos, Nanos]:
    return (-(2**62) if start is None else start), (2**62 if end is None else end)
