"""The state chart of an order, as Mermaid text, made of the table. `python -m engine.domain.order_chart` prints it."""

from __future__ import annotations

from engine.domain.order import TERMINAL, TRANSITIONS, State

BEGIN, END = "<!-- order states: python -m engine.domain.order_chart -->", "<!-- end of order states -->"


def chart() -> str:
    """One arrow from state to state, with all that leads along it; what leaves a state as it is stands in the table only."""
    ways: dict[tuple[State, State], list[str]] = {}
    for (state, event), after in TRANSITIONS.items():
        if state is not after:
            ways.setdefault((state, after), []).append(event)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> DRAFT"]
    lines += [f"    {state.value} --> {after.value}: {', '.join(events)}" for (state, after), events in ways.items()]
    lines += [f"    {state.value} --> [*]" for state in State if state in TERMINAL]
    return "\n".join([*lines, "```"])


if __name__ == "__main__":
    print(chart())
