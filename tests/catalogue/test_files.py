"""Faults 74 and 75: files that leave are safe for spreadsheets, and files that come in are read exactly or not at all."""

from __future__ import annotations

import csv
import zipfile
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest

from engine.core.clock import from_iso
from engine.core.errors import DataError
from engine.domain.instrument import instrument_of
from engine.domain.intents import Halt, SubmitOrder
from engine.market.formats import open_source
from engine.market.importing import History, read_history
from engine.services.library import import_file
from engine.services.sheets import write_sheet
from engine.storage.market import open_market
from tests.catalogue.rig import at_tws, played
from tests.catalogue.timed import timed
from tests.engine.market.histories import gold, mt4, mt5, write
from tests.live.rig import GOLD
from tests.live.rig import played as on_paper
from tests.peers.faults import Answer
from tests.peers.tws import Peer

XAUUSD = instrument_of("XAUUSD")
ROWS = gold("2024-05-06", "2024-05-11")
FORMULAS = ['=HYPERLINK("http://x")', "@SUM(A1)"]


def sheet(db: str, table: str, folder: Path) -> list[dict[str, str]]:
    """The rows of an export."""
    file = folder / f"{table}.csv"
    write_sheet(db, None, table, file, None, overwrite=True)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("text", FORMULAS)
def test_fault_74_what_a_venue_says_is_quoted_in_an_export(tmp_path: Path, text: str) -> None:
    @played
    async def scenario(peer: Peer, folder: Path) -> None:
        async with at_tws(peer, folder) as desk:
            await desk.ready()
            peer.faults.on("placeOrder", Answer(201, text))
            name = desk.buy(stop_loss=None)
            await desk.until(lambda: desk.state(name) == "REJECTED")
        rows = {row["order_id"]: row for row in sheet(desk.db, "orders", folder)}
        assert text.strip() in rows[name]["reason"]
        assert [
            cell for table in ("orders", "facts") for row in sheet(desk.db, table, folder) for cell in row.values() if _runs(cell)
        ] == []

    scenario(tmp_path)


@on_paper
async def test_fault_74_negative_numbers_of_a_live_book_stay_numbers(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with timed(folder, patch, from_iso("2024-06-11T12:00:30")) as desk:
        await desk.seen()
        await desk.until(lambda: not any(desk.session.obstacles(GOLD)))
        desk.do(SubmitOrder(GOLD, "sell", "market", 2, stop_loss=402_000))
        await desk.seen()
        await desk.until(lambda: desk.session.pipeline.ledger.position(GOLD) == -2)
        desk.do(Halt("=1+1"))
    db = f"{folder}/books.db"
    (position,) = sheet(db, "positions", folder)
    assert Decimal(position["lots"]) < 0
    facts = sheet(db, "facts", folder)
    assert any("=1+1" in cell for row in facts for cell in row.values())
    assert not any(_runs(cell) for row in facts for cell in row.values())


def _runs(cell: str) -> bool:
    """Whether a spreadsheet would take it for a formula; a negative number is none."""
    if not cell.startswith(tuple("=+-@\t\r")):
        return False
    try:
        Decimal(cell)
    except InvalidOperation:
        return True
    return not cell.startswith("-")


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../../evil.csv", "/evil-of-nicegold.csv", "..\\..\\evil.csv", "a/../../../evil.csv"])
def test_fault_75_a_name_that_leads_out_of_an_archive_leads_nowhere(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "deep" / "deeper"
    inner.mkdir(parents=True)
    path = packed(inner / "XAUUSD.zip", {name: mt4(ROWS).encode()})
    done = import_file(path, f"{inner}/books.db", XAUUSD, None, "UTC", False, None, False)
    assert done.history.bars is not None
    assert len(done.history.bars) == len(ROWS)
    assert list(tmp_path.rglob("*evil*")) == []
    assert not Path("/evil-of-nicegold.csv").exists()
    assert "/" not in open_source(path).name


def test_fault_75_what_unpacks_to_more_than_its_limit_is_never_unpacked_whole(tmp_path: Path) -> None:
    bomb = packed(tmp_path / "bomb.zip", {"XAUUSD.csv": b"0" * 20_000_000})
    assert bomb.stat().st_size < 100_000
    with pytest.raises(DataError, match="unpacks to more than 1,000,000 bytes; split the file"):
        open_source(bomb, limit=1_000_000)


def test_fault_75_a_file_that_is_larger_than_its_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"0" * 2_000)
    with pytest.raises(DataError, match="2,000 bytes are more than the 1,000 that can be read"):
        open_source(path, limit=1_000)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le with a mark"])
def test_fault_75_a_byte_order_mark_changes_no_number(tmp_path: Path, encoding: str) -> None:
    plain = read_history(write(tmp_path, mt5(ROWS), "plain.csv"), XAUUSD, clock="UTC")
    marked = tmp_path / "XAUUSD.csv"
    text = mt5(ROWS)
    marked.write_bytes("\ufeff".encode("utf-16-le") + text.encode("utf-16-le") if " " in encoding else text.encode(encoding))
    assert _numbers(read_history(marked, XAUUSD, clock="UTC")) == _numbers(plain)


@pytest.mark.parametrize(
    ("separator", "why"),
    [
        (";", "open '1900,15' is not a number"),
        ("\t", "open '1900,15' is not a number"),
        (",", "wrong number of fields (9, not 5)"),
    ],
)
def test_fault_75_a_decimal_comma_is_refused_and_nothing_is_stored(tmp_path: Path, separator: str, why: str) -> None:
    head = separator.join(("time", "open", "high", "low", "close"))
    lines = [separator.join((f"{row.at:%Y-%m-%d %H:%M:%S}", *(price.replace(".", ",") for price in row[1:5]))) for row in ROWS]
    path = write(tmp_path, "\n".join([head, *lines, ""]))
    with pytest.raises(DataError) as refused:
        import_file(path, f"{tmp_path}/books.db", XAUUSD, None, "UTC", False, None, False)
    assert why in str(refused.value)
    with open_market(f"{tmp_path}/books.db") as store:
        assert list(store.coverage()) == []


def _numbers(history: History) -> list[tuple[float, ...]]:
    bars = history.bars
    assert bars is not None
    return [tuple(bars.row(number)[1:5]) for number in range(len(bars))]
