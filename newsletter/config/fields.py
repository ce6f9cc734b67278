"""The kinds of values that settings and readers' files hold, each with its check."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from newsletter.config.files import NOT_TO_BE_SHOWN
from newsletter.membership import one_line

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?"
_MOST_BEFORE_MARK = (
    14  # what stands before the @ may have 64 octets, and the marks of mails have 50
)
FROZEN = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _one_address(value: str) -> str:
    local, _, domain = value.partition("@")
    is_odd = any(c.isspace() or c in '<>,;"' or not c.isprintable() for c in value)
    if is_odd or not (local.isascii() and local and domain) or "@" in domain:
        raise ValueError("is not a plain e-mail address such as digest@example.org")
    return value


def _address_or_none(value: str) -> str:
    return _one_address(value) if value else value


def _web_address(value: str) -> str:
    try:
        url = HttpUrl(value)
    except ValidationError:
        raise ValueError("is no address such as https://papers.example.org") from None
    if url.username is not None or url.password is not None:
        raise ValueError("must be without a login: it would stand in every link")
    if "?" in value or "#" in value:
        raise ValueError("must be without ? and #, for paths are added to it")
    return value.rstrip("/")


def _home(value: str) -> str:
    """The pages and their forms name one another by paths that begin at the root of the host."""
    if value.partition("://")[2].count("/"):
        raise ValueError(
            "must be without a path: the pages need a host of their own, "
            "such as https://papers.example.org"
        )
    return value


def _proxy_address(value: str) -> str:
    """Anything else would never be met, and all readers would count as one."""
    try:
        if value != "*":
            ip_network(value)
    except ValueError:
        raise ValueError("is no address such as 10.0.0.2 or network such as 10.0.0.0/8") from None
    return value


def _path(value: str) -> str:
    """`~` is the home of whoever runs us, as in a shell."""
    try:
        return str(Path(value).expanduser()) if value.startswith("~") else value
    except RuntimeError:
        raise ValueError("names the home of somebody who has none") from None


def _header(value: str) -> str:
    if not value.isprintable() or any(ord(letter) > 0xFF for letter in value):
        raise ValueError("must be one line of Latin letters: it stands in a header")
    return value


def _in_one_line(value: str) -> str:
    """An address written over several lines, for a footer of one."""
    return ", ".join(filter(None, (line.strip(" \t,") for line in value.splitlines())))


def _domains(value: object) -> object:
    """Tables by domain. TOML makes tables within tables of a domain without quotes."""
    for name, limits in value.items() if isinstance(value, dict) else ():
        if isinstance(limits, dict) and any(isinstance(one, dict) for one in limits.values()):
            raise ValueError('the domain needs quotes, such as [smtp.domains."example.org"]')
        if "@" in name:
            raise ValueError(f"{name} is no domain such as example.org; leave out what has an @")
    return value


def _host(value: str) -> str:
    if value.startswith("["):
        raise ValueError("must be an IPv6 address without brackets, such as 2001:db8::1")
    if re.search(r"[\s/@]", value):
        raise ValueError("is no host such as mail.example.org; a login has keys of its own")
    if ":" in value:
        try:
            ip_address(value)
        except ValueError:
            raise ValueError("names a port, which has a key of its own (port)") from None
    return value


def _shaped(pattern: str, why: str) -> AfterValidator:
    """Text of one shape; of other text it is told in words what is wanted."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(why)
        return value

    return AfterValidator(check)


def _origin(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s*?#@]+", value):
        raise ValueError("is no origin such as https://lab.example.org, without path or *")
    return value.lower()


def _day(value: object) -> object:
    """TOML knows days; in the environment they are text."""
    if not value:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("must be a day such as 2026-12-01") from None


def _weekday(value: object) -> object:
    """A day may be written as a word, whole or its first three letters."""
    word = str(value).strip().lower()
    days = (number for number, day in enumerate(_DAYS) if word in (day, day[:3], str(number)))
    number = next(days, None)
    if number is None:
        raise ValueError("must be a day such as mon or tuesday, or 0 (Monday) to 6")
    return number


def _local_time(value: object) -> object:
    """Hours and minutes; seconds, which TOML allows, are left out."""
    if isinstance(value, str) and (found := re.fullmatch(_CLOCK, value.strip())):
        return time(int(found[1]), int(found[2]))
    if isinstance(value, time) and value.tzinfo is None:
        return value.replace(second=0, microsecond=0)
    raise ValueError("must be a local time such as 08:00")


def _plain(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def _no_truth(value: object) -> object:
    """To Python, `true` is 1."""
    if isinstance(value, bool):
        raise PydanticKnownError("float_type")
    return value


def _secret(value: object) -> object:
    if not isinstance(value, str | SecretStr):
        raise PydanticCustomError(NOT_TO_BE_SHOWN, "must be text in quotes")
    return value


def _webhook(value: SecretStr) -> SecretStr:
    """It is not shown, for it may be a secret."""
    try:
        HttpUrl(value.get_secret_value() or "https://none.example")
    except ValidationError:
        raise PydanticCustomError(NOT_TO_BE_SHOWN, "must begin with https:// or http://") from None
    return value


def _with_marks(value: str) -> str:
    if len(value.partition("@")[0]) > _MOST_BEFORE_MARK:
        raise ValueError(
            f"must have {_MOST_BEFORE_MARK} characters at most before the @, for a mark is added"
        )
    return value


@cache  # the names are read from many files, which never change while we run
def _zones() -> Mapping[str, str]:
    """Every time zone by its name as people write it: in any case, with blanks."""
    return {_folded(name): name for name in sorted(available_timezones())}


def _folded(name: str) -> str:
    return name.strip().replace(" ", "_").casefold()


def _known_zone(name: str) -> str:
    known = _zones().get(_folded(name))
    if known is None:
        close = _close_zone(_folded(name))
        hint = f"; did you mean {close}?" if close else ""
        raise ValueError(f"is no IANA time zone such as Europe/Berlin{hint}")
    return known


def _close_zone(folded: str) -> str:
    """The zone of a city or one spelled alike. Never an offset: the sign of Etc/GMT+2 misleads."""
    places = {n: zone for n, zone in _zones().items() if "/" in n and not n.startswith("etc/")}
    cities = (name for name in places if name.endswith(f"/{folded}"))
    alike = difflib.get_close_matches(folded, places, 1)
    return next((places[name] for name in (*cities, *alike)), "")


Whole = Annotated[int, BeforeValidator(_no_truth)]
Number = Annotated[float, BeforeValidator(_no_truth)]
Interest = Annotated[str, BeforeValidator(_plain), StringConstraints(min_length=1, max_length=1000)]
# The longest sensible list is a whole library pasted as liked papers.
Interests = Annotated[tuple[Interest, ...], Field(max_length=5000)]
Address = Annotated[str, AfterValidator(_one_address)]
MaybeAddress = Annotated[str, AfterValidator(_address_or_none)]
Marked = Annotated[MaybeAddress, AfterValidator(_with_marks)]
Web = Annotated[str, AfterValidator(_web_address)]
Home = Annotated[Web, AfterValidator(_home)]
Place = Annotated[str, AfterValidator(_path)]
Header = Annotated[str, AfterValidator(_header)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]*$")]
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
Webhook = Annotated[Secret, AfterValidator(_webhook)]
Day = Annotated[date | None, BeforeValidator(_day)]
Weekday = Annotated[int, BeforeValidator(_weekday), Field(ge=0, le=6)]
LocalTime = Annotated[time, BeforeValidator(_local_time)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Origin = Annotated[str, AfterValidator(_origin)]
Proxy = Annotated[str, AfterValidator(_proxy_address)]
Host = Annotated[str, AfterValidator(_host)]
ByDomain = BeforeValidator(_domains)
NamedHost = Annotated[Host, StringConstraints(min_length=1)]
Forwarder = Annotated[
    str,
    _shaped(r"(https?://[^\s/]+/?)?", "must be an address such as http://proxy.example.org:3128"),
]
PostalAddress = Annotated[str, AfterValidator(_in_one_line), StringConstraints(min_length=1)]
ListId = Annotated[
    str,
    _shaped(
        r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "must be a name with dots such as digest.example.org"
    ),
]
SenderId = Annotated[
    str, _shaped(r"[A-Za-z0-9-]{5,15}", "must be 5 to 15 letters, digits or hyphens")
]
Selector = Annotated[
    str, _shaped(r"[A-Za-z0-9._-]*", "may hold letters, digits, dots, _ and hyphens only")
]
Categories = Annotated[
    str, _shaped(r"([A-Za-z.-]+(\+[A-Za-z.-]+)*)?", "must be categories such as cs.AI+cs.CL")
]
