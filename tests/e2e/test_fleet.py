"""Many workers over one PostgreSQL are as careful as one: each digest and each tick is one's."""

from __future__ import annotations

from datetime import datetime

from chaos import Plan
from fleet_world import fleet


def test_two_workers_deliver_each_digest_once_though_one_is_killed_and_the_database_cut(
    tmp_path, postgres
):
    with fleet(tmp_path, postgres, Plan(readers=200, kills=1, connections=2)) as made:

        def kill() -> bool:
            made.workers[0].kill()
            return True

        made.relay.at_moment = kill
        made.start()
        made.runs_until(lambda: len(made.relay.readers) >= 60)
        assert made.cut_connections() > 0
        made.runs_until(made.is_done)
        exits = made.ends()

        assert made.workers[0].starts == 2
        assert made.workers[1].starts == 1, "a cut connection ends nobody"
        assert len(made.relay.readers) == 200
        assert len(made.relay.copies) == 200, "one digest each, whoever made it"
        copies = sum(len(copies) - 1 for copies in made.relay.copies.values())
        assert copies <= made.relay.in_hand
        assert made.undone() == 0
        assert made.ask("SELECT state, count(*) FROM deliveries GROUP BY state") == [("sent", 200)]
        assert exits == [0, 0]


def test_a_tick_is_one_workers_business(tmp_path, postgres):
    seldom = "[schedule]\ningest_minutes = 1440"
    with fleet(tmp_path, postgres, Plan(readers=2), seldom) as made:
        looks = made.ask("SELECT count(DISTINCT seen_at) FROM sightings")[0][0]
        made.start()
        made.runs_until(made.is_done)
        assert made.ends() == [0, 0]

        ticks = made.ask(
            "SELECT DISTINCT defer_timestamp FROM procrastinate_periodic_defers "
            "WHERE task_name = 'ingest'"
        )
        assert len(ticks) == 1
        assert made.ask("SELECT count(DISTINCT seen_at) FROM sightings")[0][0] == looks + 1
        assert made.ask("SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'") == [(0,)]


def test_the_rates_hold_for_all_workers_together(tmp_path, postgres):
    more = "rate_per_second = 10.0"
    with fleet(tmp_path, postgres, Plan(readers=80, connections=2), more) as made:
        made.start()
        made.runs_until(made.is_done)
        assert made.ends() == [0, 0]

        times = made.ask("SELECT sent_at FROM deliveries ORDER BY sent_at")
        at: list[datetime] = [row[0] for row in times]
        seconds = (at[-1] - at[0]).total_seconds()
        # Each worker may begin with one mail at once; a sent_at is when the relay answered.
        assert len(at) == 80
        assert seconds > (80 - 4) / 10 - 1
        assert made.ask("SELECT count(*) FROM crew") == [(0,)], "who ends gives its part back"
