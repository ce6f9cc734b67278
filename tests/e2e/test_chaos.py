"""Killed, refused, dropped, out of time and out of disk, the real service loses no mail.

`bench/chaos.py` is the long form.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from chaos import FAKETIME, Outcome, Plan, ordeal, small_disk

REFUSALS = tuple(
    f"{step} {code}"
    for step in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "TEXT")
    for code in (421, 450, 451, 452, 550, 552)
)
SILENCES = (
    *(f"{step} drop" for step in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "TEXT")),
    "TEXT cut",
    "TEXT taken",
    "TEXT late",
    "RCPT hang",
    "TEXT hang",
)


def lived(folder: Path, plan: Plan) -> Outcome:
    with ordeal(folder, plan) as made:
        return made.runs_until_all_is_done()


def nothing_is_lost(end: Outcome) -> None:
    assert end.lost == 0
    assert end.arrived + end.refused == end.readers
    assert end.changed == 0, "a second copy must be recognisable, octet for octet"
    assert end.repeated == 0, "who was refused for good is not asked for again"


def test_a_service_killed_while_it_sends_loses_nothing_and_doubles_only_the_mail_in_flight(
    tmp_path,
):
    end = lived(tmp_path, Plan(readers=40, kills=4))

    nothing_is_lost(end)
    assert end.kills == 4
    assert end.duplicates <= end.in_hand


def test_each_way_a_relay_can_refuse_loses_nothing_and_repeats_no_final_word(tmp_path):
    end = lived(tmp_path, Plan(readers=40, once=REFUSALS))

    nothing_is_lost(end)
    assert set(end.faults) == set(REFUSALS)
    assert end.refused == 6, "550 and 552 from RCPT on; before it is us they mean"
    assert end.duplicates == 0


def test_each_way_a_relay_can_fall_silent_doubles_only_what_it_kept_without_a_word(tmp_path):
    end = lived(tmp_path, Plan(readers=20, once=SILENCES))

    nothing_is_lost(end)
    assert set(end.faults) == set(SILENCES)
    assert (end.arrived, end.duplicates, end.unanswered) == (20, 2, 2)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_an_hour_while_mails_leave_loses_and_doubles_nothing(tmp_path, hours):
    with ordeal(tmp_path, Plan(readers=20, kills=1), machine_clock=FAKETIME.exists()) as made:
        made.relay.at_moment = lambda: made.clock.moves(timedelta(hours=hours))
        end = made.runs_until_all_is_done()

    nothing_is_lost(end)
    assert end.duplicates == 0


def test_a_disk_that_fills_up_while_mails_leave_stops_them_until_there_is_room(tmp_path):
    with small_disk(tmp_path / "state", 64) as disk:
        if disk is None:
            pytest.skip("no small disk can be mounted here (that needs root)")
        with ordeal(tmp_path, Plan(readers=40, kills=1)) as made:
            made.relay.at_moment = lambda: disk.fill() or True
            made.service.start()
            made.service.waits_to_say("database or disk is full")
            taken = sum(map(len, made.relay.copies.values()))
            assert made.service.is_alive
            disk.empty()
            made.clock.moves(timedelta(minutes=11))  # what was in hand is free again
            end = made.runs_until_all_is_done()

    nothing_is_lost(end)
    assert taken < 40
    assert end.duplicates <= end.in_hand
    assert any("disk" in subject for subject in made.relay.alarms)
