"""Ticks come at the same times for everybody, about as often as was asked for."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from croniter import croniter

from newsletter.fleet.ticks import cron


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (0.2, "* * * * * */1"),
        (10, "* * * * * */10"),
        (60, "*/1 * * * *"),
        (90, "*/2 * * * *"),
        (1800, "*/30 * * * *"),
        (3600, "0 */1 * * *"),
        (6 * 3600, "0 */6 * * *"),
        (86400, "0 0 * * *"),
        (10**7, "0 0 * * *"),
    ],
)
def test_a_period_becomes_the_nearest_line(seconds, line):
    assert cron(timedelta(seconds=seconds)) == line
    assert croniter.is_valid(line)


@pytest.mark.parametrize("seconds", [10, 60, 300, 1800, 3600])
def test_the_line_ticks_as_often_as_the_period_says(seconds):
    ticks = croniter(cron(timedelta(seconds=seconds)), start_time=1_775_217_600)

    at = [ticks.get_next(float) for _ in range(20)]

    assert {later - earlier for earlier, later in pairwise(at)} == {seconds}
