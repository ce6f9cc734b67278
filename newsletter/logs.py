"""What the log looks like: lines of text or of JSON, everybody's records, no address and no token."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import TextIO

from newsletter.links import Way
from newsletter.watch import discreet

# What every record has; anything else was given as `extra` and is told by its name.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_TOKEN = re.compile(rf"\b({'|'.join(Way)})/[^\s\"'<>?#]+")
# They say much that helps nobody; urllib3 would tell the path of a webhook, which is a secret.
_CHATTY = ("alembic", "apscheduler", "asyncio", "procrastinate", "uvicorn", "watchfiles")
_SILENT = ("urllib3", "requests", "PIL")
# It warns of each attempt to use a database that is gone or full; we tell it once.
_MUTE = ("psycopg",)
_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode


def set_up(kind: str, level: str, stream: TextIO) -> None:
    """Every logger of the process writes to `stream` from now on, and only there.

    Args:
        kind: `text` or `json`.
        level: `debug`, `info`, `warning` or `error`; libraries tell warnings, at `debug` all.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if kind == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        _hand_up(name, logging.NOTSET if level == "debug" else logging.WARNING)
    for name in _SILENT:
        _hand_up(name, logging.WARNING)
    for name in _MUTE:
        _hand_up(name, logging.ERROR)


def clean(text: str) -> str:
    """The text without addresses, without the signed part of our links, and without characters that
    steer a terminal (see `discreet`): exceptions quote papers, relays and requests.
    """
    text = discreet(text)
    return _TOKEN.sub(r"\1/(hidden)", text) if "/" in text else text


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, what was given as `extra`, the error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": clean(record.getMessage()),
            **{name: _plain(value) for name, value in _extra(record).items()},
        }
        if trouble := _trouble(self, record):
            line["error"] = trouble
        return _AS_JSON(line)


class TextLines(logging.Formatter):
    """For people: time, level, logger, message, then `name=value` for what was given as `extra`.

    Further lines are indented, so that nothing which is told can pass for a record of its own.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record, with the traceback below it."""
        extra = [f"{name}={_plain(value)}" for name, value in _extra(record).items()]
        said = clean(" ".join((record.getMessage(), *extra)))
        line = f"{_time(record)} {record.levelname} {record.name}: {said}"
        trouble = _trouble(self, record)
        return (f"{line}\n{trouble}" if trouble else line).replace("\n", "\n  ")


def _hand_up(name: str, level: int) -> None:
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(level)


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _USUAL}


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float) else clean(str(value))


def _trouble(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return clean(formatter.formatException(record.exc_info))
