from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt

from engine.core.errors import UserError
from widgets.format import Display
from widgets.tables.column import Column, text_column
from widgets.tables.model import KeyedTableModel

FALLING = Qt.SortOrder.DescendingOrder


@dataclass(frozen=True)
class Item:
    name: str
    value: float | None = 0.0


def rename(_row: Item, text: str) -> str:
    if text == "bad":
        raise UserError("bad is not a name.")
    return f"rename to {text}"


def in_currency(row: Item, display: Display) -> str:
    return f"{row.value} {display.currency}"


def make(*names: str) -> KeyedTableModel:
    model = KeyedTableModel(
        (
            text_column("name", "Name", lambda row: row.name, edit=rename),
            Column(
                "value", "Value", lambda row: row.value, lambda row, d: f"{row.value} {d.currency}", unit="{currency}", flash=True
            ),
        ),
        key=lambda row: row.name,
    )
    model.update([Item(name) for name in names])
    return model


def names(model: KeyedTableModel) -> list[str]:
    return [row.name for row in model.rows()]


def test_an_update_tells_of_all_changed_rows_in_one_signal(qtbot):
    model, told = make("a", "b", "c", "d"), []
    model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
    model.update([Item("a"), Item("b", 1), Item("c"), Item("d", 1)])
    assert told == [(1, 3)]


def test_an_update_without_change_tells_nothing(qtbot):
    model, told = make("a", "b"), []
    for change in (model.dataChanged, model.rowsInserted, model.rowsRemoved, model.modelReset, model.layoutChanged):
        change.connect(lambda *_: told.append(1))
    model.update([Item("a"), Item("b")])
    same = tuple(model.rows())
    model.update(same)
    model.update(same)
    assert told == []


def test_rows_that_come_and_go_leave_the_others_in_place(qtbot):
    model, resets = make("a", "b", "c"), []
    model.modelReset.connect(lambda: resets.append(1))
    model.update([Item("a"), Item("x"), Item("c"), Item("y")])
    assert names(model) == ["a", "x", "c", "y"]
    assert resets == []


def test_sorting_goes_by_raw_value_with_the_missing_last(qtbot):
    model = make()
    model.update([Item("a", 10), Item("b", 9), Item("c", None), Item("d", 100)])
    model.sort(1)
    assert names(model) == ["b", "a", "d", "c"]
    model.sort(-1)
    assert names(model) == ["a", "b", "c", "d"]


def test_the_sorted_header_says_which_way(qtbot):
    model = make("a")
    model.sort(1, FALLING)
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Value USD ↓"


def test_a_new_row_is_put_where_the_sort_wants_it(qtbot):
    model = make()
    model.update([Item("a", 1), Item("b", 3)])
    model.sort(1, FALLING)
    model.extend([Item("c", 2)])
    assert names(model) == ["b", "c", "a"]


def test_changed_values_wait_for_the_resort(qtbot):
    model = make()
    model.update([Item("a", 1), Item("b", 2)])
    model.sort(1)
    model.update([Item("a", 3), Item("b", 2)])
    assert names(model) == ["a", "b"]
    model.resort()
    assert names(model) == ["b", "a"]


def test_nothing_moves_while_the_pointer_is_over_the_table(qtbot):
    model = make()
    model.update([Item("a", 1), Item("b", 2)])
    model.sort(1)
    model.hold(True)
    model.update([Item("a", 5), Item("b", 2), Item("c", 0)])
    model.resort()
    assert names(model) == ["a", "b", "c"]
    model.hold(False)
    assert names(model) == ["c", "b", "a"]


def test_a_changed_cell_flashes_and_rests_again(qtbot):
    model = make("a")
    model.update([Item("a", 1)])
    assert model.flashes.role("a", 1) == "up"
    assert model.flashes.role("a", 0) is None
    qtbot.waitUntil(lambda: model.flashes.role("a", 1) is None, timeout=30_000)


def test_a_filter_hides_rows_and_lets_changed_ones_in(qtbot):
    model = make()
    model.update([Item("a", 1), Item("b", 2)])
    model.set_filter(lambda row: row.value > 1)
    assert names(model) == ["b"]
    model.update([Item("a", 7), Item("b", 0)])
    assert names(model) == ["a"]
    model.set_filter(None)
    assert sorted(names(model)) == ["a", "b"]


def test_texts_follow_the_display(qtbot):
    model = make("a")
    assert model.text(0, 1) == "0.0 USD"
    model.set_display(Display("UTC", "EUR"))
    assert model.text(0, 1) == "0.0 EUR"
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Value EUR"


def test_an_edit_asks_and_changes_nothing_itself(qtbot):
    model = make("a")
    with qtbot.waitSignal(model.edited) as asked:
        model.setData(model.index(0, 0), "z")
    assert asked.args == ["rename to z"]
    assert names(model) == ["a"]


def test_an_edit_that_cannot_be_understood_says_why(qtbot):
    model = make("a")
    with qtbot.waitSignal(model.refused) as said, qtbot.assertNotEmitted(model.edited):
        model.setData(model.index(0, 0), "bad")
    assert said.args == ["bad is not a name."]


def test_who_is_told_of_a_removal_can_still_look_at_every_row_left(qtbot):
    model, seen = make("a", "b", "c"), []
    model.rowsAboutToBeRemoved.connect(lambda *_: seen.append(names(model)))
    model.update([Item("a")])
    assert seen == [["a", "b", "c"], ["a", "c"]]
    assert names(model) == ["a"]


def test_a_resort_in_the_middle_of_a_removal_brings_nothing_back(qtbot):
    model = make("a", "b")
    model.rowsRemoved.connect(lambda *_: model.hold(False))
    model.update([])
    assert names(model) == []


def test_many_new_rows_come_as_one_block(qtbot):
    model, told = make(), []
    model.sort(1, FALLING)
    model.update([Item(str(number), number) for number in range(100)])
    model.rowsInserted.connect(lambda _parent, first, last: told.append((first, last)))
    model.modelReset.connect(lambda: told.append("reset"))
    model.extend(Item(str(number), number) for number in range(100, 180))
    assert told == [(0, 79)]
    assert [row.value for row in model.rows()] == list(range(179, -1, -1))


def test_extending_keeps_replaces_and_adds(qtbot):
    model = make("a", "b")
    model.extend([Item("b", 5), Item("c")])
    assert {row.name: row.value for row in model.rows()} == {"a": 0.0, "b": 5, "c": 0.0}
    assert model.flashes.role("b", 1) == "up"


def test_extending_minds_the_filter(qtbot):
    model = make()
    model.set_filter(lambda row: row.value > 1)
    model.extend([Item("a", 1), Item("b", 2)])
    assert names(model) == ["b"]
    model.extend([Item("a", 3), Item("b", 0)])
    assert names(model) == ["a"]


def test_the_oldest_rows_are_let_go(qtbot):
    model = make("a", "b", "c")
    model.forget(2)
    assert names(model) == ["b", "c"]
    assert model.size == 2


@pytest.mark.usefixtures("qapp")
@given(st.lists(st.tuples(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3)), st.booleans()), max_size=8))
def test_after_any_updates_the_model_holds_the_last_rows_in_the_order_sorted(steps):
    model = make()
    model.sort(1)
    for rows, held in steps:
        model.hold(held)
        model.update([Item(name, value) for name, value in rows.items()])
        assert {row.name: row.value for row in model.rows()} == rows
    model.hold(False)
    values = [row.value for row in model.rows()]
    assert values == sorted(values)
