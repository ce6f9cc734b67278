"""Polite HTTP: robots.txt, conditional GET, retries, rate limits, size and redirect limits, public hosts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar

from newsletter.errors import SourceError
from newsletter.patience import within
from newsletter.sources.addresses import PublicAdapter, is_this_machine
from newsletter.sources.cache import AnswerCache, Stored
from newsletter.sources.retry import RETRYABLE, asked_pause, backoff, meaning
from newsletter.sources.robots import NO_RULES, Rules
from newsletter.sources.trouble import Broken, broken_by
from newsletter.sources.urls import checked, followed, host_of, shown

KNOWN_HOSTS = frozenset({"huggingface.co", "rss.arxiv.org", "export.arxiv.org", "arxiv.org"})
"""May always be asked; the base address and `FetchRules.hosts` come on top."""

_MOST_REDIRECTS = 5
_CHUNK = 65_536
_ROBOTS_BYTES = 512_000  # RFC 9309 section 2.5 asks readers for at least 500 KiB
_TRANSFER = 6  # times the timeout: headers or a body that only drip are given up then
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRules:
    """How politely and how far to read.

    Attributes:
        base_url: its host may be asked.
        timeout_seconds: for connecting, and for each pause within an answer.
        max_bytes: of one answer, unpacked.
        attempts: tries for one address, the first included.
        longest_wait_seconds: a server that asks for a longer pause is given up.
        allow_private: local and private addresses too (tests, a local mirror).
        hosts: further hosts that may be asked or redirected to, compared exactly.
        named: addresses the operator named as a source: their hosts may be asked, and of private
            addresses this machine's own (`http://127.0.0.1:8000/page.html`).
        proxy: address of a forward proxy; it resolves names itself, so it must do the address check.
        ca_file: certificates to trust instead of the usual ones.
    """

    base_url: str = "https://huggingface.co"
    user_agent: str = "newsletter"
    timeout_seconds: float = 20.0
    max_bytes: int = 12_000_000
    attempts: int = 4
    longest_wait_seconds: float = 90.0
    obey_robots: bool = True
    allow_private: bool = False
    hosts: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    proxy: str = ""
    ca_file: str = ""

    @property
    def allowed_hosts(self) -> frozenset[str]:
        by_address = map(host_of, (self.base_url, *self.named))
        return KNOWN_HOSTS | {host.lower() for host in (*self.hosts, *by_address) if host}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer.

    Attributes:
        url: where it came from after redirects.
        status: 304 means: unchanged, `body` is the stored one.
        headers: names in lower case.
    """

    url: str
    status: int
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str:
        """Where a redirect leads; empty for every other answer."""
        return self.headers.get("location", "") if self.status in _REDIRECTS else ""


class Fetcher:
    """Reads addresses with GET, one session for a run, without cookies.

    Args:
        sleep: waits the given seconds.
        now: the clock, aware.
        cache_dir: where answers are kept for conditional requests; `None` keeps none.
        progress: told in a sentence when something takes time or is out of the ordinary.
        chance: random numbers in 0..1 for the jitter.
    """

    def __init__(
        self,
        rules: FetchRules,
        *,
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
        cache_dir: Path | None = None,
        progress: Callable[[str], None] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.rules = rules
        self._sleep = sleep
        self._now = now
        self._cache = AnswerCache(cache_dir) if cache_dir else None
        self._tell = progress or (lambda _: None)
        self._chance = chance
        self._session = _session(rules)
        self._robots: dict[str, Rules] = {}
        self._asked_at: dict[str, datetime] = {}

    def close(self) -> None:
        """Ends the kept-open connections."""
        self._session.close()

    def get(self, url: str, *, accept: str = "*/*", also: tuple[int, ...] = ()) -> Fetched:
        """Reads one address, following redirects within the allowed hosts.

        Args:
            also: statuses of failure that the caller understands and wants handed back.

        Raises:
            SourceError: the address may not be asked, or no usable answer came; tells why and
                what the status means, never a secret of the address.
        """
        at = checked(url, self.rules.allowed_hosts)
        for _ in range(_MOST_REDIRECTS + 1):
            self._ask_robots(at)
            answer = self._persistent(at, accept)
            if not answer.location:
                return _verdict(answer, also)
            at = followed(at, answer.location, self.rules.allowed_hosts)
        raise _failed(url, f"more than {_MOST_REDIRECTS} redirects, maybe in a circle")

    def _persistent(self, url: str, accept: str) -> Fetched:
        """The answer after as many tries as the rules allow."""
        attempt = 0
        while True:
            attempt += 1
            answer = self._once(url, accept, self.rules.max_bytes)
            if isinstance(answer, Fetched) and answer.status not in RETRYABLE:
                return answer
            problem = answer.reason if isinstance(answer, Broken) else meaning(answer.status)
            is_final = isinstance(answer, Broken) and answer.is_final
            if is_final or attempt >= self.rules.attempts:
                raise _failed(url, f"{problem}{_tried(attempt)}")
            self._pause(url, attempt, answer, problem)

    def _pause(self, url: str, attempt: int, answer: Fetched | Broken, why: str) -> None:
        asked = asked_pause(answer.headers, self._now()) if isinstance(answer, Fetched) else 0.0
        longest = self.rules.longest_wait_seconds
        if asked > longest:
            raise _failed(
                url, f"{why}: {asked:.0f} s, longer than the {longest:.0f} s we would wait"
            )
        seconds = asked or min(longest, backoff(attempt, self._chance()))
        self._tell(f"{host_of(url)}: {why}; trying again in {seconds:.0f} s.")
        self._sleep(seconds)

    def _once(self, url: str, accept: str, limit: int) -> Fetched | Broken:
        """One request and its whole answer, or why there is none.

        Raises:
            SourceError: the answer is larger than allowed or comes too slowly.
        """
        stored = self._cache.get(url, accept) if self._cache else None
        headers = {"Accept": accept, **(stored.conditions if stored else {})}
        self._asked_at[_origin(url)] = self._now()
        seconds = self.rules.timeout_seconds
        ask = partial(
            self._session.get,
            url,
            headers=headers,
            stream=True,
            allow_redirects=False,
            timeout=seconds,
        )
        try:
            with within(seconds * _TRANSFER, ask) as response:
                return self._read(url, accept, response, stored, limit)
        except (OSError, urllib3.exceptions.HTTPError, UnicodeError) as error:
            return broken_by(error, seconds)

    def _read(
        self, url: str, accept: str, response: requests.Response, stored: Stored | None, limit: int
    ) -> Fetched:
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = b""
        if response.status_code == 304 and stored:
            headers = {**stored.headers, **headers}
            body = stored.body
        elif response.status_code == 200:
            body = self._body(url, response, limit)
            if self._cache:
                self._cache.put(url, accept, body, headers)
        return Fetched(
            url=url,
            status=response.status_code,
            body=body,
            content_type=headers.get("content-type", ""),
            headers=headers,
        )

    def _body(self, url: str, response: requests.Response, limit: int) -> bytes:
        deadline = self._now() + timedelta(seconds=self.rules.timeout_seconds * _TRANSFER)
        announced = response.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:18]) > limit:
            raise _too_large(url, limit)
        parts = bytearray()
        for piece in _pieces(response):
            parts += piece
            if len(parts) > limit:
                raise _too_large(url, limit)
            if self._now() > deadline:
                raise _failed(url, "the answer comes in too slowly")
        if _is_cut_short(response):
            raise urllib3.exceptions.DecodeError("the packed answer has no end")
        return bytes(parts)

    def _ask_robots(self, url: str) -> None:
        """Raises when robots.txt forbids the address; waits when it asks for slow reading."""
        if not self.rules.obey_robots:
            return
        origin = _origin(url)
        if origin not in self._robots:
            self._robots[origin] = self._robots_of(origin)
        rules = self._robots[origin]
        if not rules.allow(url):
            raise _failed(url, "robots.txt of the host forbids this address to this reader")
        self._keep_distance(origin, rules.delay)

    def _keep_distance(self, origin: str, delay: float) -> None:
        last = self._asked_at.get(origin)
        if not delay or last is None:
            return
        rest = min(delay, self.rules.longest_wait_seconds) - (self._now() - last).total_seconds()
        if rest > 0:
            self._sleep(rest)

    def _robots_of(self, origin: str) -> Rules:
        """The rules of a host, asked once for a run.

        RFC 9309 section 2.3.1.4 forbids everything while robots.txt answers 5xx. That is meant for
        crawlers; we read a handful of lists for one person, like a feed reader. So it counts as
        allowed, is told, and a host in trouble will refuse the page itself soon enough.
        """
        answer = self._robots_answer(f"{origin}/robots.txt")
        self._asked_at.pop(origin, None)  # the first real request need not keep a distance to this
        if isinstance(answer, Fetched) and answer.status in (200, 304):
            return Rules(answer.body.decode("utf-8", "replace"), self.rules.user_agent)
        problem = answer.reason if isinstance(answer, Broken) else meaning(answer.status)
        if isinstance(answer, Broken) or answer.status >= 500:
            self._tell(f"{host_of(origin)}: robots.txt could not be read ({problem}); going on.")
        return NO_RULES

    def _robots_answer(self, url: str) -> Fetched | Broken:
        try:
            for _ in range(_MOST_REDIRECTS):
                answer = self._once(url, "text/plain, */*", _ROBOTS_BYTES)
                if isinstance(answer, Broken) or not answer.location:
                    return answer
                url = followed(url, answer.location, self.rules.allowed_hosts)
        except SourceError as error:
            return Broken(reason=error.problem)
        return Broken(reason="too many redirects")


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes in; `iter_content` waits for whole pieces, however slowly they fill."""
    while piece := response.raw.read1(_CHUNK, decode_content=True):
        yield piece


def _is_cut_short(response: requests.Response) -> bool:
    """Whether an answer that was packed ends in the middle: urllib3 hands out what there is."""
    unpacking = getattr(getattr(response.raw, "_decoder", None), "_obj", None)
    return getattr(unpacking, "eof", True) is False


class _Session(requests.Session):
    """Sees no redirects: requests would read their whole body and parse where they lead."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        return None


def _session(rules: FetchRules) -> requests.Session:
    session = _Session()
    session.trust_env = False  # no proxy, no .netrc password from the environment behind our back
    session.headers["User-Agent"] = rules.user_agent
    session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter() if rules.allow_private else PublicAdapter()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    for url in filter(is_this_machine, rules.named):
        session.mount(f"{_origin(url)}/", HTTPAdapter())
    if rules.proxy:
        session.proxies = {"http": rules.proxy, "https": rules.proxy}
    if rules.ca_file:
        session.verify = rules.ca_file
    return session


def _verdict(answer: Fetched, also: tuple[int, ...]) -> Fetched:
    """The answer if it can be used, else the error that says what its status means."""
    if "x-amzn-waf-action" in answer.headers or answer.status == 202:
        raise _failed(answer.url, f"HTTP {answer.status}: a challenge page for browsers (WAF)")
    is_unchanged = answer.status == 304 and answer.body  # without a stored body it is no answer
    if answer.status in (200, *also) or is_unchanged:
        return answer
    raise _failed(answer.url, meaning(answer.status))


def _failed(url: str, problem: str) -> SourceError:
    return SourceError(problem, source=shown(url)[:200])


def _too_large(url: str, limit: int) -> SourceError:
    return _failed(url, f"the answer is larger than {limit} bytes (sources.max_bytes)")


def _tried(attempt: int) -> str:
    return f" (tried {attempt} times)" if attempt > 1 else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
