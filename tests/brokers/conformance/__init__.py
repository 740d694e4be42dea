"""One conformance suite that every broker passes: the same sentences, whoever deals.

`cases` is the table. Every case is played by `desk.Desk`, which is the engine's own pipeline in front of a broker: what the
broker's Abilities lack, the engine holds, so that no case is left out for any of them. `python -m tests.brokers.conformance`
prints who holds what: "venue", or "engine" where it is held here.

A broker joins with a `stage.Stage` of its own (see `paper_stage` for the shortest) and one line in `settings.SETTINGS`.
"""
