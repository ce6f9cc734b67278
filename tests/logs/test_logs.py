"""The log: one format for everybody's records, and neither an address nor a token in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Loggers are the process's own; they are put back as they were."""
    names = ("", "alembic", "apscheduler", "uvicorn", "uvicorn.error", "urllib3", "asyncio")
    names += ("requests", "watchfiles", "PIL", "psycopg")
    loggers = [logging.getLogger(name) for name in names]
    before = [(one.level, list(one.handlers), one.propagate) for one in loggers]
    yield
    for one, (level, handlers, propagate) in zip(loggers, before, strict=True):
        one.setLevel(level)
        one.handlers[:] = handlers
        one.propagate = propagate


def written(kind: str = "json", level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    logs.set_up(kind, level, stream)
    return stream


def test_a_line_of_json_holds_time_level_logger_message_and_what_was_given_beside():
    stream = written()
    logging.getLogger("newsletter.postman").info(
        "mail %s", "accepted", extra={"delivery": "d-1", "reply": 250}
    )

    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "newsletter.postman",
        "message": "mail accepted",
        "delivery": "d-1",
        "reply": 250,
    }


def test_a_line_of_text_is_for_people():
    stream = written("text")
    logging.getLogger("newsletter.x").warning("late", extra={"source": "daily"})

    assert stream.getvalue().endswith("Z WARNING newsletter.x: late source=daily\n")


@pytest.mark.parametrize("kind", ["json", "text"])
def test_no_address_and_no_token_is_written_wherever_it_stands(kind):
    stream = written(kind)
    secret = "1-c2VjcmV0.Zm9yZ2Vk"
    trouble = ValueError(f"ines@reader.example at https://x.org/unsubscribe/{secret}?a=1")
    logging.getLogger("x").error(
        "for %s", "ines@reader.example", extra={"path": f"/confirm/{secret}"}, exc_info=trouble
    )

    text = stream.getvalue()
    assert "ines@" not in text
    assert secret not in text
    assert "/unsubscribe/(hidden)?a=1" in text
    assert "/confirm/(hidden)" in text
    assert "ValueError" in text


def test_a_line_of_json_stays_one_line_whatever_is_said():
    stream = written()
    logging.getLogger("x").error("two\nlines and an object %s", object)

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["message"].startswith("two\nlines")


@given(said=st.text(st.sampled_from("ab \n\r\x1b\x9b\x00\u202e\u2028\u200b\u00e9\u200d")))
@pytest.mark.parametrize("kind", ["json", "text"])
def test_nothing_that_is_told_steers_a_terminal_or_passes_for_a_record(kind, said):
    stream = written(kind)
    for at in ("message", "extra", "error"):
        trouble = ValueError(said) if at == "error" else None
        logging.getLogger("x").error(
            "told: %s", said, extra={"paper": said} if at == "extra" else {}, exc_info=trouble
        )

    text = stream.getvalue()
    assert not set(text) & set("\r\x1b\x9b\x00\u202e\u2028\u200b")
    begun = [line for line in text.splitlines() if not line.startswith("  ")]
    assert len(begun) == 3


@pytest.mark.parametrize("name", ["uvicorn.error", "apscheduler.scheduler", "alembic.runtime"])
def test_libraries_write_to_the_same_log_and_only_what_matters(name):
    stream = written()
    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("trouble")

    (line,) = stream.getvalue().splitlines()
    assert (json.loads(line)["logger"], json.loads(line)["message"]) == (name, "trouble")


def test_at_debug_libraries_tell_all_but_the_paths_that_are_asked_for():
    stream = written(level="debug")
    logging.getLogger("apscheduler.scheduler").debug("looking for jobs")
    logging.getLogger("urllib3.connectionpool").debug('"POST /services/T0K3N HTTP/1.1" 200')

    assert "looking for jobs" in stream.getvalue()
    assert "T0K3N" not in stream.getvalue()


def test_what_is_below_the_level_is_left_out():
    stream = written(level="error")
    logging.getLogger("newsletter.x").warning("well")

    assert stream.getvalue() == ""


def test_setting_up_twice_writes_once():
    written()
    stream = written()
    logging.getLogger("newsletter.x").error("once")

    assert len(stream.getvalue().splitlines()) == 1
