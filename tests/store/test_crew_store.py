"""Parts of the rates: whoever comes and goes, they never add up to more than one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from newsletter.store import Store, open_store
from newsletter.store.crew import PATIENCE


@pytest.fixture
def shared(postgres):
    """A store that several processes may use."""
    url = postgres.fresh()
    opened = open_store(url)
    yield opened
    opened.close()
    postgres.drop(url)


def part(store: Store, name: str, *, one_only: bool = False) -> float:
    return store.take_part(name, one_only=one_only)


def passes(store: Store, seconds: float) -> None:
    """Time passes for everybody who has a part."""
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE crew SET seen_at = seen_at - :by"), {"by": seconds})


def test_who_is_alone_has_all_of_it(shared):
    assert part(shared, "a") == 1
    assert part(shared, "a") == 1


def test_a_newcomer_waits_until_the_other_has_made_room(shared):
    assert part(shared, "a") == 1
    assert part(shared, "b") == 0

    assert part(shared, "a") == 0.5
    assert part(shared, "b") == 0.5


def test_who_leaves_sets_a_part_free_at_once(shared):
    part(shared, "a")
    part(shared, "b")
    part(shared, "a")
    part(shared, "b")

    shared.give_up_part("a")

    assert part(shared, "b") == 1


def test_the_part_of_who_is_gone_is_free_after_a_while_and_not_before(shared):
    part(shared, "a")
    part(shared, "b")

    passes(shared, PATIENCE.total_seconds() - 5)
    assert part(shared, "b") == 0
    passes(shared, 5)
    assert part(shared, "b") == 1


def test_where_one_only_may_carry_it_is_who_came_first_until_it_is_gone(shared):
    assert part(shared, "a", one_only=True) == 1
    assert part(shared, "b", one_only=True) == 0
    assert part(shared, "a", one_only=True) == 1

    shared.give_up_part("a")

    assert part(shared, "b", one_only=True) == 1
    assert part(shared, "a", one_only=True) == 0


def test_many_who_ask_at_once_never_have_more_than_all_of_it(shared):
    names = [f"w{number}" for number in range(6)]

    def ask(name: str) -> None:
        part(shared, name)
        with shared._engine.connect() as connection:
            sums.append(connection.execute(text("SELECT sum(part) FROM crew")).scalar_one())

    sums: list[float] = []
    with ThreadPoolExecutor(6) as pool:
        for _ in range(4):
            list(pool.map(ask, names))

    assert max(sums) <= 1 + 1e-9
    assert [part(shared, name) for name in names] == pytest.approx([1 / 6] * 6)


def test_on_one_file_nobody_shares():
    alone = open_store("sqlite://")

    assert not alone.is_shared
    assert part(alone, "a") == part(alone, "b") == 1
    alone.give_up_part("a")
    alone.close()
