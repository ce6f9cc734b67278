"""Who does what in a fleet: each tick once, many digests in shards, the jobs of the dead by others."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from procrastinate.periodic import PeriodicDeferrer
from procrastinate.schema import SchemaManager

from newsletter.errors import StoreError
from newsletter.fleet import tasks as tasks_module
from newsletter.fleet.tasks import Tasks
from newsletter.store import open_store

DIGITS = [(digit,) for digit in "0123456789abcdef"]
NOW = 1_775_736_000.0


def compose_jobs(crew) -> list[tuple]:
    return crew.ask(
        "SELECT args->>'shard' FROM procrastinate_jobs WHERE task_name = 'compose_shard' ORDER BY 1"
    )


async def ticks(tasks: Tasks, at: float) -> None:
    deferrer = PeriodicDeferrer(tasks.queue.periodic_registry, **tasks.queue.periodic_defaults)
    async with tasks.queue.open_async():
        await deferrer.defer_jobs(deferrer.get_previous_tasks(at=at))


def test_a_tick_that_two_workers_see_is_written_down_once(crew):
    other = Tasks(crew.app, crew.jobs, wake=lambda: None)

    async def together() -> None:
        await asyncio.gather(ticks(crew.tasks, NOW), ticks(other, NOW + 1))

    asyncio.run(together())

    waiting = crew.ask("SELECT task_name, count(*) FROM procrastinate_jobs GROUP BY 1 ORDER BY 1")
    names = ["compose", "house", "ingest", "resume", "take_over", "watch"]
    assert waiting == [(name, 1) for name in names]


def test_a_tick_makes_the_digests_that_are_due_and_wakes_a_postman(crew):
    crew.papers()
    crew.readers(3)

    crew.tasks.compose()

    assert crew.waiting() == 3
    assert crew.ask("SELECT DISTINCT task_name FROM procrastinate_jobs") == [("deliver",)]
    crew.woken = 0
    asyncio.run(crew.works())
    assert crew.woken > 0


def test_a_transaction_that_fails_wakes_nobody(crew, monkeypatch):
    crew.papers()
    crew.readers(1)
    deliver = crew.tasks._deliver

    def breaks(register, deliveries) -> None:
        deliver(register, deliveries)
        raise StoreError("the power is gone")

    monkeypatch.setattr(crew.tasks, "_deliver", breaks)
    with pytest.raises(StoreError):
        crew.tasks.compose()

    assert crew.waiting() == 0
    assert crew.ask("SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_a_queue_that_takes_no_job_is_no_readers_fault(crew):
    crew.papers()
    crew.readers(1)
    due = crew.ask("SELECT next_due_at FROM subscribers")
    crew.ask("ALTER TABLE procrastinate_jobs RENAME TO others_jobs")

    with pytest.raises(StoreError, match="the queues in the database take no job"):
        crew.tasks.compose()

    assert crew.waiting() == 0
    assert crew.ask("SELECT next_due_at FROM subscribers") == due


def test_many_digests_are_shared_out_and_each_is_made_once(crew, monkeypatch):
    monkeypatch.setattr(tasks_module, "_FEW", 10)
    crew.papers()
    crew.readers(40)

    crew.tasks.compose()
    assert compose_jobs(crew) == DIGITS
    crew.tasks.compose()
    assert compose_jobs(crew) == DIGITS, "a shard that waits is not shared out again"
    asyncio.run(crew.works())

    assert crew.waiting() == 40
    assert crew.ask("SELECT count(DISTINCT subscriber_id) FROM digests") == [(40,)]
    assert compose_jobs(crew) == []


def test_the_job_of_a_dead_worker_is_taken_over_and_that_of_a_living_one_is_not(crew):
    async def two_take_jobs() -> list[int]:
        manager = crew.tasks.queue.job_manager
        async with crew.tasks.queue.open_async():
            workers = [await manager.register_worker() for _ in range(2)]
            for worker in workers:
                job = await manager.fetch_job(queues=None, worker_id=worker)
                assert job
        return workers[0], workers[1]

    async def looks_after_the_dead() -> None:
        async with crew.tasks.queue.open_async():
            await crew.tasks._take_over(0)

    crew.ask(
        "INSERT INTO procrastinate_jobs (queue_name, task_name) "
        "VALUES ('newsletter-chores', 'house'), ('newsletter-chores', 'watch')"
    )
    dead, _living = asyncio.run(two_take_jobs())
    crew.ask(
        "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '21 seconds' "
        f"WHERE id = {dead}"
    )

    asyncio.run(looks_after_the_dead())

    assert crew.ask("SELECT status::text FROM procrastinate_jobs ORDER BY id") == [
        ("todo",),
        ("doing",),
    ]


def test_a_job_of_the_dead_whose_successor_waits_is_put_away(crew):
    crew.ask(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, queueing_lock) VALUES "
        "('newsletter-chores', 'house', 'doing', 'house'), "
        "('newsletter-chores', 'house', 'todo', 'house')"
    )

    async def looks_after_the_dead() -> None:
        async with crew.tasks.queue.open_async():
            await crew.tasks._take_over(0)

    asyncio.run(looks_after_the_dead())

    assert crew.ask("SELECT status::text FROM procrastinate_jobs") == [("todo",)]


def test_reports_have_a_tick_where_there_is_a_mailbox(crew, tmp_path):
    bounces = crew.app.settings.bounces
    names = {task.task.name for task in crew.tasks.queue.periodic_registry.periodic_tasks.values()}
    assert "reports" not in names

    crew.app.settings = crew.app.settings.model_copy(
        update={"bounces": bounces.model_copy(update={"maildir": str(tmp_path)})}
    )

    more = Tasks(crew.app, crew.jobs, wake=lambda: None).queue.periodic_registry.periodic_tasks
    assert "reports" in {task.task.name for task in more.values()}


def test_workers_that_start_at_once_make_the_tables_once(postgres):
    url = postgres.fresh()

    def starts(_number: int) -> None:
        store = open_store(url)
        store.take_in("procrastinate_jobs", SchemaManager.get_schema())
        store.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(starts, range(4)))

    postgres.drop(url)
