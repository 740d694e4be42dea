"""The list: what is broken, where, and who must notice."""

from __future__ import annotations

from dataclasses import dataclass

RECONCILIATION = "tests/engine/execution/test_reconciliation.py::"
HELD = "tests/engine/execution/test_held.py::"
IB = "tests/brokers/test_ib_faults.py::"
SPOT = "tests/brokers/test_exchange_faults.py::"
LIVE = "tests/live/"
CASES = "tests/catalogue/"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands exactly once in `file` and becomes `new`; then one of `nodes` must fail."""

    name: str
    file: str
    old: str
    new: str
    nodes: tuple[str, ...]


MUTANTS = (
    # --- orders on their way out --------------------------------------------------------------------------------------
    Mutant(
        "an order is sent before its intent is on record",
        "engine/live/session.py",
        "            self.journal.when_durable(partial(self._written, orders), safety)\n",
        '            self._written(orders, "")\n',
        (LIVE + "test_session.py::test_while_the_database_is_locked_nothing_is_opened_and_a_protective_order_leaves",),
    ),
    Mutant(
        "an Idempotency-Key is forgotten when the program ends",
        "engine/live/session.py",
        "            self.repeats.take(record)\n",
        "",
        (LIVE + "test_door.py::test_a_key_is_known_after_a_restart",),
    ),
    Mutant(
        "a request that comes again is another order",
        "engine/live/answers.py",
        "        known = self._session.repeats.of(key)\n        if known is None:\n            self._session.do",
        "        known = None\n        if known is None:\n            self._session.do",
        (LIVE + "test_door.py::test_the_same_key_is_the_same_order_in_flight_and_afterwards",),
    ),
    Mutant(
        "the door opens to any word",
        "engine/live/door.py",
        'if kind.lower() != "bearer" or not is_known:',
        'if kind.lower() != "bearer":',
        (LIVE + "test_door.py::test_nobody_comes_in_who_does_not_know_the_word_or_comes_from_a_page",),
    ),
    Mutant(
        "the door opens to a page of a browser",
        "engine/live/door.py",
        '        if "Origin" in request.headers:\n',
        '        if "Origin" in ():\n',
        (LIVE + "test_door.py::test_nobody_comes_in_who_does_not_know_the_word_or_comes_from_a_page",),
    ),
    Mutant(
        "an order leaves although it could not be recorded",
        "engine/pipeline.py",
        "        if refusal:\n            for order in orders:\n",
        "        if refusal and not orders:\n            for order in orders:\n",
        (LIVE + "test_session.py::test_while_the_database_is_locked_nothing_is_opened_and_a_protective_order_leaves",),
    ),
    Mutant(
        "an exchange that does not answer is sent the order again",
        "engine/brokers/exchange/commands.py",
        "        if not is_refusal(error):\n            self._unknown(",
        "        if not is_refusal(error):\n            await self.submit(it, None)\n            self._unknown(",
        (SPOT + "test_faults_13_14_16_17_18_19_what_may_stand_there_is_unknown_and_sent_once",),
    ),
    Mutant(
        "an order that TWS was given before is given again",
        "engine/brokers/ib/broker.py",
        "if it.id not in self._book.entries]\n        if not fresh:",
        "if it.id]\n        if not fresh:",
        ("tests/brokers/test_ib_orders.py::test_the_same_order_given_twice_is_sent_once",),
    ),
    Mutant(
        "any error of an exchange is taken for a refusal",
        "engine/brokers/exchange/commands.py",
        "        if not is_refusal(error):\n            self._unknown(",
        "        if False:\n            self._unknown(",
        (SPOT + "test_faults_13_14_16_17_18_19_what_may_stand_there_is_unknown_and_sent_once",),
    ),
    Mutant(
        "a number called a duplicate by TWS is taken for a refusal",
        "engine/brokers/ib/reports.py",
        "        elif (code in codes.REJECTED and entry.wanted is None) or (code in codes.INVALID and not entry.is_known):\n",
        "        elif entry.wanted is None and not entry.is_cancelling:\n",
        (CASES + "test_submits.py::test_fault_19_an_order_called_a_duplicate_is_looked_up_and_found",),
    ),
    Mutant(
        "an order that was cancelled before it left is sent all the same",
        "engine/execution/manager.py",
        "        due = [name for name in orders if self._register[name].state is State.INTENT]\n",
        "        due = list(orders)\n",
        ("tests/engine/execution/test_leaving.py::test_an_order_that_was_cancelled_before_it_left_never_leaves",),
    ),
    Mutant(
        "two books give their orders the same names",
        "engine/live/opening.py",
        'f"{book.run_id} {book.attempt} {book.created_at} {opened}".encode()',
        'f"{book.attempt} {opened}".encode()',
        ("tests/mutants/test_mutants.py::test_two_books_name_their_orders_differently",),
    ),
    Mutant(
        "orders are sent while TWS has lost its broker",
        "engine/brokers/ib/broker.py",
        "        venue.insist()\n        return venue\n",
        "        return venue\n",
        (IB + "test_fault_26_orders_and_changes_are_refused_here_while_tws_has_lost_ib",),
    ),
    # --- what is heard ------------------------------------------------------------------------------------------------
    Mutant(
        "a fill that is told twice counts twice",
        "engine/execution/manager.py",
        "        if isinstance(fact, f.OrderFilled) and self._register.knows(fact.execution):\n            return None\n",
        "",
        ("tests/engine/execution/test_interleavings.py",),
    ),
    Mutant(
        "TWS's second word on an execution is passed on as another fill",
        "engine/brokers/ib/reports.py",
        "        if base in entry.executions and identity(entry.executions[base][0])[1] >= revision:\n            return\n",
        "",
        (IB + "test_fault_22_an_execution_that_comes_twice_counts_once_and_a_correction_replaces",),
    ),
    Mutant(
        "a correction is added to what it corrects",
        "engine/portfolio/register.py",
        "    filled = order.filled + after.quantity - before.quantity\n",
        "    filled = order.filled + after.quantity\n",
        (CASES + "test_fills.py::test_fault_22_an_execution_told_twice_counts_once_and_its_correction_replaces_it",),
    ),
    Mutant(
        "of what is said at once, only the first is heard",
        "engine/live/session.py",
        "                self.take(self._ear.heard.popleft())\n",
        "                self.take(self._ear.heard.popleft())\n                self._ear.heard.clear()\n",
        (CASES + "test_rig.py::test_a_position_at_tws_is_protected_and_there_again_in_the_next_session",),
    ),
    Mutant(
        "a fill after the end of its order is not believed",
        "engine/domain/order.py",
        "    (S.CANCELLED, _FULL): S.FILLED,\n",
        "",
        (CASES + "test_fills.py::test_fault_23_a_fill_after_the_cancel_was_confirmed_is_booked_said_and_protected",),
    ),
    Mutant(
        "more than was ordered does not halt",
        "engine/execution/manager.py",
        "        if order.filled > order.quantity:\n",
        "        if order.filled > 2 * order.quantity:\n",
        (CASES + "test_fills.py::test_fault_28_more_than_was_ordered_is_booked_protected_and_halts",),
    ),
    Mutant(
        "an unanswered order is never said to be unknown",
        "engine/brokers/ib/reports.py",
        "        if not (entry.is_known or entry.is_cancelling or entry.is_over):\n            self.unknown(",
        "        if entry.is_over:\n            self.unknown(",
        (CASES + "test_submits.py::test_fault_16_an_order_that_is_never_answered_is_said_to_be_unknown_and_stays_reserved",),
    ),
    Mutant(
        "an order of unknown fate does not hold back others",
        "engine/risk/checks.py",
        "    if stake.is_unknown:\n",
        "    if stake.is_unknown and not draft.quantity:\n",
        (CASES + "test_submits.py::test_fault_16_an_order_that_is_never_answered_is_said_to_be_unknown_and_stays_reserved",),
    ),
    Mutant(
        "an exchange's second word on a trade is passed on as another fill",
        "engine/brokers/exchange/tracking.py",
        "        elif identity and identity not in known.trades:\n",
        "        elif identity:\n",
        ("tests/brokers/test_exchange_chaos.py",),
    ),
    Mutant(
        "a half-open socket is never declared dead",
        "engine/brokers/ib/heartbeat.py",
        '                await link.close(f"{link.name} has stopped answering; look at TWS and the network")\n',
        "                continue\n",
        (CASES + "test_link.py::test_fault_02_a_half_open_socket_is_declared_dead_by_our_own_heartbeat",),
    ),
    # --- reconciliation and restart -----------------------------------------------------------------------------------
    Mutant(
        "absence is believed at once",
        "engine/execution/look.py",
        "ABSENCES = 3\n",
        "ABSENCES = 1\n",
        (CASES + "test_submits.py::test_fault_14_an_order_that_was_not_accepted_is_rejected_only_when_it_was_missed_often",),
    ),
    Mutant(
        "an intent of a dead program is not doubted",
        "engine/live/session.py",
        "            if order.state in (State.INTENT, State.SENT):\n",
        "            if order.state is State.SENT:\n",
        (CASES + "test_crash.py",),
    ),
    Mutant(
        "an order that a dead program sent is not doubted",
        "engine/live/session.py",
        "            if order.state in (State.INTENT, State.SENT):\n",
        "            if order.state is State.INTENT:\n",
        (CASES + "test_crash.py",),
    ),
    Mutant(
        "orders of others are not taken over",
        "engine/execution/others.py",
        "            if not found.is_open or found.name in self._look.register.orders:\n",
        "            if found.is_foreign or found.name in self._look.register.orders:\n",
        (RECONCILIATION + "test_fault_31_a_manual_order_is_adopted_once_and_followed_to_its_end",),
    ),
    Mutant(
        "a position that nothing explains does not halt",
        "engine/execution/others.py",
        'is taken over, and trading is halted.")\n        self._look.halt(what)\n',
        'is taken over, and trading is halted.")\n',
        (RECONCILIATION + "test_fault_32_a_position_that_nothing_explains_is_adopted_halts_and_is_never_traded",),
    ),
    Mutant(
        "two orders under one name do not halt",
        "engine/execution/others.py",
        '            self._look.halt(f"order {ours} is at the venue twice, the second time as {found.broker_id}", TWIN)\n',
        "",
        (RECONCILIATION + "test_fault_27_two_orders_with_one_client_id_are_both_shown_and_trading_halts",),
    ),
    Mutant(
        "a fill that was missed is not booked",
        "engine/execution/executions.py",
        "            elif not fill.is_foreign or self._revised(fill):\n",
        "            elif self._revised(fill):\n",
        (RECONCILIATION + "test_fault_15_an_order_that_filled_and_is_gone_is_found_through_its_executions",),
    ),
    Mutant(
        "trading goes on while the books are in doubt",
        "engine/live/keeper.py",
        "        self.found.is_clean = False\n        self.found.trouble = trouble\n",
        "        self.found.trouble = trouble\n",
        (
            CASES
            + "test_clock.py::test_fault_55_after_three_hours_of_sleep_the_venue_is_asked_first_and_what_is_stale_is_dropped",
        ),
    ),
    # --- protection and limits ----------------------------------------------------------------------------------------
    Mutant(
        "a position without a stop is left so",
        "engine/execution/protection.py",
        "        if bare > 0:\n            self._mending.mend(",
        "        if bare < 0:\n            self._mending.mend(",
        (CASES + "test_protection.py",),
    ),
    Mutant(
        "an outage is taken for refused stops, and the position is closed",
        "engine/execution/mending.py",
        "        if self._is_cut_off():\n",
        "        if self._is_cut_off() and not bare:\n",
        (
            "tests/engine/execution/test_protection_venue.py::"
            "test_while_the_venue_is_out_of_reach_nothing_is_tried_or_closed_and_a_stop_is_placed_when_it_is_back",
        ),
    ),
    Mutant(
        "where its owner had a stop is forgotten when it is lost",
        "engine/execution/mending.py",
        "        parts = [(part, self._objection(position, part, gap)) for part in self._levels.parts(symbol, bare)]\n",
        "        parts = []\n",
        ("tests/engine/execution/test_levels.py",),
    ),
    Mutant(
        "a stop that is cancelled each time is placed without end",
        "engine/execution/mending.py",
        "        elif gap is None and before is not None and now < before.due:\n",
        "        elif gap is None and before is not None and now < 0:\n",
        (
            "tests/engine/execution/test_levels.py::test_a_stop_that_is_acknowledged_and_cancelled_each_time_is_not_placed_without_end",
        ),
    ),
    Mutant(
        "entries go on working while the books are in doubt",
        "engine/execution/manager.py",
        "        self._emit(fact)\n        self.cancel_entries(fact.reason)\n",
        "        self._emit(fact)\n",
        (RECONCILIATION + "test_an_overfill_takes_entries_back_and_leaves_stops_and_targets",),
    ),
    Mutant(
        "an adopted order of TWS has no number before the next look",
        "engine/brokers/ib/reports.py",
        "                self._told_of(entry, *stray)\n",
        "                pass\n",
        ("tests/brokers/test_ib_adopted.py",),
    ),
    Mutant(
        "a leg that is kept back leaves before what stands in its way is gone",
        "engine/execution/held.py",
        "        if excess <= 0 and locked <= 0:\n            return True\n",
        "        return True\n",
        (HELD + "test_a_target_that_is_reached_waits_until_its_stop_is_surely_gone",),
    ),
    Mutant(
        "a limit lets twice as much pass",
        "engine/risk/told.py",
        "    return fill <= cap.value or (cap.row in TAILS and fill <= now)\n",
        "    return fill <= 2 * cap.value or (cap.row in TAILS and fill <= now)\n",
        ("tests/engine/risk/test_gate.py",),
    ),
    Mutant(
        "a limit is loosened at once",
        "engine/risk/in_force.py",
        "        if not self._loosens(name, before, value):\n",
        "        if name:\n",
        ("tests/engine/risk/test_in_force.py",),
    ),
    Mutant(
        "an order that only reduces may flip the position",
        "engine/risk/checks.py",
        "    if draft.quantity > -held:\n",
        "    if draft.quantity > -2 * held:\n",
        ("tests/engine/risk",),
    ),
    Mutant(
        "an old price is as good as a new one to the gate",
        "engine/risk/checks.py",
        "    elif age > instrument.stale_after_s * SECOND:\n",
        "    elif age < 0:\n",
        ("tests/engine/risk/test_orders_checked.py", "tests/engine/risk/test_gate.py"),
    ),
    Mutant(
        "a delayed price is traded on",
        "engine/live/session.py",
        "        self._tradeable[quote.symbol] = is_tradeable\n",
        "        self._tradeable[quote.symbol] = True\n",
        (LIVE + "test_session.py::test_nothing_is_opened_before_a_price_has_come_or_on_one_that_may_not_be_traded_on",),
    ),
    # --- the switch ---------------------------------------------------------------------------------------------------
    Mutant(
        "the kill switch does not ask what is left",
        "engine/live/kill.py",
        "    state = await _asked(session)\n",
        "    state = None\n",
        (LIVE + "test_kill.py::test_a_command_of_this_machine_throws_it_and_hears_what_it_came_to",),
    ),
    Mutant(
        "the kill switch leaves positions open",
        "engine/execution/owner.py",
        "        if intent.flatten:\n            self._flatten()\n",
        "",
        (LIVE + "test_kill.py::test_the_switch_closes_every_position_where_that_is_wanted",),
    ),
    Mutant(
        "the kill switch asks for each cancel once only",
        "engine/live/kill.py",
        "            _ask_again(session, flatten)\n",
        "            pass\n",
        (CASES + "test_kill_switch.py::test_fault_38_cancels_that_fail_are_asked_for_again_until_all_orders_are_gone",),
    ),
    Mutant(
        "that trading with money was armed is remembered over a restart",
        "engine/live/session.py",
        "            self.pipeline.recall_live(record)\n",
        "            self.pipeline.recall_live(record)\n"
        "            if isinstance(record.fact, f.TradingArmed):\n"
        "                self.pipeline.arming.account = record.fact.account\n",
        (CASES + "test_window.py::test_fault_60_money_is_traded_with_only_after_the_account_was_typed_and_a_restart_forgets_it",),
    ),
    Mutant(
        "any number of orders leave in a minute",
        "engine/risk/checks.py",
        "    if count >= limits.orders_per_minute:\n",
        "    if count >= 1000 * limits.orders_per_minute:\n",
        (CASES + "test_local_checks.py::test_fault_36_of_a_burst_of_orders_only_so_many_leave_in_a_minute",),
    ),
    Mutant(
        "the kill switch does not say what is left",
        "engine/live/kill.py",
        "    leftovers = tuple(_left(session, flatten, state))\n",
        "    leftovers = ()\n",
        (CASES + "test_kill_switch.py::test_fault_38_orders_whose_cancels_fail_for_good_are_listed",),
    ),
    Mutant(
        "what a venue refuses to cancel is asked for again at once, without end",
        "engine/execution/held.py",
        "            self._again[name] = self._clock() + pause\n            return\n",
        "            self._pauses.pop(name)\n",
        (HELD + "test_a_stop_whose_cancel_is_refused_is_asked_again_after_a_while_and_ever_more_rarely",),
    ),
    Mutant(
        "what a stop may not grow over stays bare",
        "engine/execution/manager.py",
        "if leg_refused or growth_refused or isinstance(fact, _CHANGES_EXITS) else None\n",
        "if leg_refused or isinstance(fact, _CHANGES_EXITS) else None\n",
        (HELD + "test_what_a_stop_may_not_grow_over_has_a_stop_of_its_own",),
    ),
    # --- the record ---------------------------------------------------------------------------------------------------
    Mutant(
        "the chain of facts is not verified",
        "engine/storage/verification.py",
        "        if scheme.digest(self.link + chained) != bytes(link):\n",
        "        if not link:\n",
        ("tests/engine/storage/test_chain.py",),
    ),
    Mutant(
        "the seal over the last fact is not verified",
        "engine/storage/verification.py",
        "        if seal != (scheme.seal(self.seq, self.link) if self.seq else None):\n",
        "        if not self.seq and seal:\n",
        ("tests/engine/storage/test_chain.py",),
    ),
    Mutant(
        "what was spooled is not taken in",
        "engine/storage/spooling.py",
        "        new = [row for row in rows if row[1] > book.facts]\n",
        "        new = rows[:0]\n",
        ("tests/engine/storage/test_spool.py",),
    ),
    Mutant(
        "what a spool says against the book is passed over",
        "engine/storage/spooling.py",
        "            if row[1] <= book.facts and into.stored(row[1]) != row[5]:\n",
        "            if row[1] < 0:\n",
        ("tests/engine/storage/test_spool.py",),
    ),
    Mutant(
        "a second session of the same books is let in",
        "engine/live/opening.py",
        "        lock = hold(database, book.id)\n        stack.callback(lock.release)\n",
        "        lock = None\n",
        (LIVE + "test_books.py::test_fault_50_a_second_live_session_of_the_same_books_is_refused",),
    ),
    Mutant(
        "damaged books are traded on",
        "engine/live/opening.py",
        "        await asyncio.to_thread(refuse_damaged, request.db, shelf)\n",
        "",
        (LIVE + "test_books.py::test_fault_47_a_live_session_on_damaged_books_is_refused_and_leaves_them_as_they_are",),
    ),
)
