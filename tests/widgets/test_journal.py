from __future__ import annotations

import pytest

from engine.domain import facts as f
from engine.domain.intents import AcceptCard, encode
from tests.widgets import samples
from widgets.tables.journal import JournalPanel
from widgets.tables.log import KEPT, LogLine, LogPanel
from widgets.tables.sentences import SENTENCES, role, sentence

TERMS = ("XAUUSD", "buy", "limit", 40, "entry", 240_950, None, "GTC", None, False, "", "", "s1")


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (f.AccountOpened("paper-1", "USD", 100_000_000_000), "Account paper-1 opened with 100,000.00 USD."),
        (f.OrderIntended("ng-1", *TERMS), "Order ng-1: buy 0.40 lot XAUUSD limit at 2,409.50 (entry)."),
        (
            f.OrderDenied("ng-1", *TERMS, "Position would be 6.1 %.", ("position",), 163),
            "Denied: buy 0.40 lot XAUUSD limit at 2,409.50 (entry): Position would be 6.1 %; "
            "the largest that passes is 1.63 lot.",
        ),
        (f.OrderFilled("ng-1", "x", "XAUUSD", "buy", 240_950, 40, 1), "Order ng-1 filled: buy 0.40 lot XAUUSD at 2,409.50."),
        (f.PositionChanged("XAUUSD", "x", -40, 0, 0, 3), "XAUUSD is short 0.40 lot."),
        (f.PositionChanged("XAUUSD", "x", 0, 0, -5_000_000, 3), "XAUUSD is flat after trade 3, −5.00 booked."),
        (f.CardDecided("s1", "vetoed", "news ahead", 0), "Signal s1 was vetoed: news ahead."),
        (f.CardDecided("s1", "expired", "nobody decided in time", 0), "Signal s1 expired: nobody decided in time."),
        (f.TradingStateChanged("HALTED", "owner", "enough"), "Trading is HALTED (owner): enough."),
        (f.IntentReceived(encode(AcceptCard("s1", "level")), "window"), "window asked for AcceptCard: signal s1, reason level."),
        (f.IntentReceived("not json", "api"), "api asked: not json."),
        (f.FinancingCharged("XAUUSD", 40, 3, 4_800_000), "Financing of XAUUSD over 3 nights: −4.80."),
        (f.ProtectionMissing("XAUUSD", 20, "closing"), "0.20 lot of XAUUSD without a stop: closing."),
        (
            samples.signal(),
            "Signal s1: long XAUUSD at 2,412.20, stop 2,405.80, target 2,421.80, probability 0.63 against 0.56.",
        ),
    ],
)
def test_a_fact_reads_as_a_sentence(fact, words):
    assert sentence(fact) == words


def test_every_kind_of_fact_has_a_sentence():
    parts = {f.Fact, f.OrderFact, f.OrderTerms, f.VenueFact, f.LimitFact}
    assert set(SENTENCES) == set(f.KINDS.values()) - parts


def test_trouble_and_the_owners_word_stand_out():
    assert role(f.OrderRejected("ng-1", "no")) == "warn"
    assert role(f.CardDecided("s1", "vetoed", "", 0)) == "gold"
    assert role(f.CardDecided("s1", "expired", "", 0)) == "text1"
    assert role(f.TradingStateChanged("HALTED", "owner", "")) == "trip"
    assert role(f.TradingStateChanged("ACTIVE", "owner", "")) == "text0"
    assert role(f.OrderSent("ng-1")) == "text0"


@pytest.fixture
def journal(qtbot, dark):
    panel = JournalPanel(dark)
    qtbot.addWidget(panel)
    panel.append([f.Record(1, 1, samples.NOW, f.OrderSent("ng-1")), f.Record(2, 2, samples.NOW, f.OrderSent("ng-2"))])
    return panel


def test_the_newest_fact_stands_first_and_none_twice(journal):
    journal.append([f.Record(2, 2, samples.NOW, f.OrderSent("ng-2")), f.Record(3, 3, samples.NOW, f.OrderExpired("ng-1"))])
    assert [row.seq for row in journal.model.rows()] == [3, 2, 1]


def test_the_journal_is_filtered_by_any_word_in_it(journal):
    box = journal.head.findChild(type(journal.add_filter("x", str)))
    box.setText("ng-2")
    assert [row.seq for row in journal.model.rows()] == [2]
    box.setText("")
    assert len(journal.model.rows()) == 2


def test_the_log_forgets_its_oldest_lines(qtbot, dark):
    panel = LogPanel(dark)
    qtbot.addWidget(panel)
    panel.append(LogLine(number, samples.NOW + number, "info", "test", "line") for number in range(2 * KEPT))
    assert panel.model.rowCount() == KEPT
    assert panel.model.row(0).number == 2 * KEPT - 1
