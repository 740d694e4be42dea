"""Facts as lines: the same bytes for the same fact, and back again."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import facts as f
from engine.domain import intents as i

NUMBERS = st.integers(-(10**18), 10**18)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": NUMBERS,
    "Nanos": NUMBERS,
    "str": st.text(max_size=20),
    "bool": st.booleans(),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "int | None": st.none() | NUMBERS,
    "Nanos | None": st.none() | NUMBERS,
    "tuple[str, ...]": st.lists(st.text(max_size=5), max_size=3).map(tuple),
    "tuple[tuple[str, float, float], ...]": st.lists(
        st.tuples(st.text(max_size=5), st.floats(-1, 1), st.floats(-1, 1)), max_size=3
    ).map(tuple),
}
TICKETS = st.builds(i.SubmitOrder, st.text(max_size=5), st.just("buy"), st.just("limit"), NUMBERS, targets=st.just(((1, 2),)))
VALUES |= {
    "tuple[tuple[int, int], ...]": st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3).map(tuple),
    "tuple[tuple[str, str], ...]": st.lists(st.tuples(*[st.text(max_size=5)] * 2), max_size=3).map(tuple),
    "tuple[tuple[str, str, str], ...]": st.lists(st.tuples(*[st.text(max_size=5)] * 3), max_size=3).map(tuple),
    "SubmitOrder": TICKETS,
    "SubmitOrder | None": st.none() | TICKETS,
}
KINDS = [kind for name, kind in sorted(f.KINDS.items()) if name not in ("OrderFact", "OrderTerms")]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_fact_comes_back_from_its_line_and_the_line_from_the_fact(data: st.DataObject, kind: type[f.Fact]) -> None:
    fact = kind(**{field.name: data.draw(VALUES[str(field.type)], label=field.name) for field in fields(kind)})
    record = f.Record(7, 3, 99, fact)
    line = f.canonical(record)
    assert f.parse(line) == record
    assert f.canonical(f.parse(line)) == line
    assert json.dumps(json.loads(line), sort_keys=True, separators=(",", ":")) == line
    assert line.isascii()
    assert "\n" not in line


def test_keys_are_sorted_and_nothing_is_padded() -> None:
    line = f.canonical(f.Record(1, 2, 3, f.DayStarted(5, 6)))
    assert line == '{"at":3,"equity":5,"kind":"DayStarted","peak":6,"seq":1,"step":2}'


def test_what_is_no_number_in_json_is_refused() -> None:
    fact = f.SignalExplained("S", float("nan"), ())
    with pytest.raises(ValueError, match="JSON"):
        f.canonical(f.Record(1, 1, 1, fact))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        f.parse('{"at":1,"kind":"MoonLanded","seq":1,"step":1}')


@pytest.mark.parametrize("name", sorted(i.KINDS))
@settings(max_examples=20)
@given(data=st.data())
def test_an_intent_comes_back_from_its_text(data: st.DataObject, name: str) -> None:
    kind = i.KINDS[name]
    intent = kind(**{field.name: data.draw(VALUES[str(field.type)], label=field.name) for field in fields(kind)})
    assert i.decode(i.encode(intent)) == intent


def test_an_interpreter_without_the_compiled_encoder_writes_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"b": (1, None, True), "a": 'é"', "c": 0.1}
    compiled = f._encoder()(values)
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    assert f._encoder()(values) == compiled == '{"a":"\\u00e9\\"","b":[1,null,true],"c":0.1}'
