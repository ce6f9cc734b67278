"""A process that carries mails takes its part of the rates, keeps it while it can, and gives it back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.app import App
from newsletter.errors import StoreError
from newsletter.postman import PartOfRates, Round


def limited(crew, **smtp) -> App:
    """One more process of the installation, with limits."""
    given = crew.app.settings
    more = {"smtp": given.smtp.model_copy(update=smtp or {"rate_per_second": 10.0})}
    return App(given.model_copy(update=more), now=lambda: crew.at)


def test_a_newcomer_carries_nothing_until_the_other_has_made_room(crew):
    first, second = limited(crew), limited(crew)
    old, new = PartOfRates(first), PartOfRates(second)

    assert old.renew()
    assert not new.renew()
    assert not second.pace.has_part(crew.at)
    assert Round(second, carrier=None, alarm=None).go() is None, "nothing is claimed"
    assert old.renew()
    assert new.renew()

    assert second.pace.has_part(crew.at)
    for app in (first, second):
        assert app.pace._all.limits.rate == 5.0
        app.store.close()


def test_who_cannot_renew_its_part_stops_before_others_take_it(crew):
    app = limited(crew)
    part = PartOfRates(app)
    assert part.renew()
    crew.ask("ALTER TABLE crew RENAME part TO lost")

    with pytest.raises(StoreError):
        part.renew()
    assert app.pace.has_part(crew.at)
    crew.at += timedelta(seconds=15)

    assert not app.pace.has_part(crew.at)
    app.store.close()


def test_who_ends_gives_its_part_back(crew):
    first, second = limited(crew), limited(crew)
    old, new = PartOfRates(first), PartOfRates(second)
    old.renew()
    new.renew()

    old.give_up()

    assert new.renew()
    assert second.pace._all.limits.rate == 10.0
    first.store.close()
    second.store.close()


def test_a_warm_up_is_carried_by_one_and_goes_on_where_another_was(crew):
    plan = {"warm_up": (3, 5), "warm_up_from": crew.at.date()}
    first, second = limited(crew, **plan), limited(crew, **plan)
    old, new = PartOfRates(first), PartOfRates(second)
    assert old.renew()
    old.renew()
    assert not new.renew()
    crew.papers()
    crew.readers(2)
    crew.jobs.compose()
    crew.ask(f"UPDATE deliveries SET state = 'sent', sent_at = '{crew.at:%Y-%m-%d %H:%M}'")

    old.give_up()

    assert new.renew()
    assert second.pace._warm_up._left[crew.at.date()] == 2
    first.store.close()
    second.store.close()


def test_where_nothing_is_limited_nobody_waits_for_anybody(crew):
    part = PartOfRates(crew.app)

    assert crew.app.pace.has_part(crew.at)
    assert part.renew()
    part.give_up()

    assert crew.ask("SELECT to_regclass('crew')") == [(None,)]
