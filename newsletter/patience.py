"""How long somebody else is waited for, whatever their answer is made of."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

_Answer = TypeVar("_Answer")


def within(seconds: float, ask: Callable[[], _Answer]) -> _Answer:
    """What `ask` answers; a question that takes longer is left to itself.

    The time limit of a socket is for each piece: headers that come octet by octet never reach it.

    Raises:
        TimeoutError: no answer in time; besides, whatever `ask` raises.
    """
    answer: Future[_Answer] = Future()

    def wait() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
            answer.set_exception(error)

    Thread(target=wait, name="question", daemon=True).start()
    return answer.result(seconds)
