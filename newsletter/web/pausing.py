"""The page that each mail links to: a pause of some weeks, or until a day, and its end."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from newsletter.links import Way
from newsletter.membership import is_subscribed
from newsletter.model import Subscriber
from newsletter.schedule import zone_of
from newsletter.web.bearers import path, reader_of
from newsletter.web.posted import PostedForm
from newsletter.web.site import Site
from newsletter.web.standing import standing

PAUSES = (("1w", "1 week"), ("2w", "2 weeks"), ("1m", "1 month"))
_DAYS = {"1w": 7, "2w": 14}
_RESUME = "resume"
_WRONG = "Please choose a day after today."


class Pausing:
    """The page that each mail links to: a pause of some weeks, or until a day, and its end."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.router = APIRouter()
        self.router.add_api_route(f"/{Way.PAUSE}/{{token}}", self.show, methods=["GET"])
        self.router.add_api_route(f"/{Way.PAUSE}/{{token}}", self.pause, methods=["POST"])

    def show(self, token: str) -> HTMLResponse:
        """The choices."""
        return self._page(token, reader_of(self._site, Way.PAUSE, token))

    def pause(self, token: str, sent: PostedForm) -> HTMLResponse:
        """Pauses, or resumes with `for=resume`."""
        reader = reader_of(self._site, Way.PAUSE, token)
        if not is_subscribed(reader.status):
            return self._page(token, reader, status=409)
        now, choice = self._site.now(), sent.last("for")
        if choice == _RESUME:
            reader = self._site.subscriptions.resume(reader.id, now=now)
            return self._page(token, reader, saved="Welcome back")
        until = pause_of(choice, sent.last("until"), reader, now)
        if until is None:
            return self._page(token, reader, status=422, wrong=_WRONG)
        reader = self._site.subscriptions.pause(reader.id, until, now=now)
        return self._page(token, reader, saved="Paused")

    def _page(
        self, token: str, reader: Subscriber, *, status: int = 200, saved: str = "", wrong: str = ""
    ) -> HTMLResponse:
        return self._site.pages.page(
            "pause.html.j2",
            status=status,
            action=f"/{Way.PAUSE}/{token}",
            settings=path(self._site, Way.PREFERENCES, reader.id),
            leave=path(self._site, Way.UNSUBSCRIBE, reader.id),
            reader=reader,
            standing=standing(reader),
            saved=saved,
            wrong=wrong,
            pauses=PAUSES,
            earliest=earliest(reader, self._site.now()).isoformat(),
        )


def earliest(reader: Subscriber, now: datetime) -> date:
    """The first day until which one can pause: tomorrow, where they live."""
    return now.astimezone(zone_of(reader.timezone)).date() + timedelta(days=1)


def pause_of(choice: str, written: str, reader: Subscriber, now: datetime) -> date | None:
    """Until when: one of `PAUSES` from today on, or the day that was written (ISO 8601).

    Returns:
        `None` for a day that is not after today, or that is none.
    """
    first = earliest(reader, now)
    today = first - timedelta(days=1)
    if choice in _DAYS:
        return today + timedelta(days=_DAYS[choice])
    if choice == "1m":
        return _a_month_after(today)
    try:
        until = date.fromisoformat(written.strip())
    except ValueError:
        return None
    return until if until >= first else None


def _a_month_after(day: date) -> date:
    """The same day of the next month, or its last one."""
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
