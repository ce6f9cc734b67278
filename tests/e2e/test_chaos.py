"""Killed with SIGKILL again and again, the real service loses no mail and doubles one a kill at most."""

from __future__ import annotations

from chaos import ordeal


def test_a_service_killed_while_it_sends_loses_nothing_and_doubles_only_the_mail_in_flight(
    tmp_path,
):
    end = ordeal(tmp_path, readers=40, kills=6)

    assert (end.kills, end.waiting) == (6, 0)
    assert end.arrived == end.wanted == 40
    assert end.duplicates <= end.kills
    assert end.changed == 0, "a second copy must be recognisable, octet for octet"
