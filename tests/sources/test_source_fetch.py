"""Polite fetching, against a real server on this machine."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime

import pytest
import requests
import urllib3
from dripping_server import dripping_headers
from source_server import NOW, Answer, Reader, World

from newsletter.errors import SourceError
from newsletter.sources.fetch import FetchRules
from newsletter.sources.retry import asked_pause, backoff, meaning
from newsletter.sources.trouble import broken_by
from newsletter.sources.urls import checked, followed, host_of, shown

OK = Answer(body="fine")


def failure(call, *args, **kwargs) -> str:
    with pytest.raises(SourceError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_an_answer_comes_with_its_address_status_and_headers(world: World, reader: Reader):
    world.routes["/x?a=1"] = Answer(body="fine", headers={"Content-Type": "text/html", "X-Y": "z"})
    answer = reader.fetcher().get(f"{world.base}/x?a=1", accept="text/html")
    assert (answer.status, answer.body, answer.content_type) == (200, b"fine", "text/html")
    assert answer.headers["x-y"] == "z"
    assert answer.url == f"{world.base}/x?a=1"


def test_the_reader_says_who_it_is_and_keeps_no_cookies(world: World, reader: Reader):
    world.routes["/x"] = Answer(body="fine", headers={"Set-Cookie": "period=week; Path=/"})
    fetcher = reader.fetcher(user_agent="newsletter/0.1 (me@example.org)")
    fetcher.get(f"{world.base}/x")
    fetcher.get(f"{world.base}/x")
    sent = world.headers[-1]
    assert sent["user-agent"] == "newsletter/0.1 (me@example.org)"
    assert "cookie" not in sent


def test_an_unchanged_page_is_not_sent_again_even_in_the_next_run(world: World, reader: Reader):
    link = '<{base}/x?p=1>; rel="next"'
    world.routes["/x"] = Answer(body="long page", headers={"ETag": '"v1"', "Link": link})
    first = reader.fetcher().get(f"{world.base}/x")
    again = reader.fetcher().get(f"{world.base}/x")
    assert (first.status, again.status) == (200, 304)
    assert again.body == b"long page"
    assert again.headers["link"] == first.headers["link"]


def test_last_modified_is_asked_for_too(world: World, reader: Reader):
    stamp = "Fri, 03 Apr 2026 04:00:00 GMT"
    world.routes["/x"] = [
        Answer(body="feed", headers={"Last-Modified": stamp}),
        Answer(status=304),
    ]
    reader.fetcher().get(f"{world.base}/x")
    assert reader.fetcher().get(f"{world.base}/x").body == b"feed"
    assert world.headers[-1]["if-modified-since"] == stamp


@pytest.mark.parametrize("damage", [b"", b"{", b"{}\nlong page", b"\xff\n", b'["a"]\nlong page'])
def test_a_damaged_cache_file_counts_as_missing(world: World, reader: Reader, damage):
    world.routes["/x"] = Answer(body="long page", headers={"ETag": '"v1"'})
    reader.fetcher().get(f"{world.base}/x")
    (file,) = reader.cache.glob("*.answer")
    file.write_bytes(damage)
    assert reader.fetcher().get(f"{world.base}/x").status == 200


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(world: World, reader: Reader):
    reader.cache.write_text("a file where the directory should be")
    world.routes["/x"] = Answer(body="fine", headers={"ETag": '"v1"'})
    assert reader.fetcher().get(f"{world.base}/x").body == b"fine"


def test_the_cache_keeps_only_the_newest_answers_and_no_address(world: World, reader: Reader):
    fetcher = reader.fetcher()
    for number in range(103):
        world.routes[f"/x?token={number}"] = Answer(body="b", headers={"ETag": '"v1"'})
        fetcher.get(f"{world.base}/x?token={number}")
    files = list(reader.cache.iterdir())
    assert len(files) == 100
    assert not any(b"token" in file.read_bytes() for file in files)


def test_a_rate_limit_is_waited_out_with_one_second_on_top(world: World, reader: Reader):
    limited = Answer(
        status=429,
        headers={"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";q=500;w=300'},
    )
    world.routes["/x"] = [limited, OK]
    assert reader.fetcher().get(f"{world.base}/x").body == b"fine"
    assert reader.slept == [56.0]
    assert "too many requests" in reader.told[0]


@pytest.mark.parametrize("after", ["30", format_datetime(NOW + timedelta(seconds=30), usegmt=True)])
def test_retry_after_is_honoured_as_seconds_and_as_a_date(world: World, reader: Reader, after):
    world.routes["/x"] = [Answer(status=503, headers={"Retry-After": after}), OK]
    reader.fetcher().get(f"{world.base}/x")
    assert reader.slept == [30.0]


def test_a_longer_pause_than_allowed_is_given_up_at_once(world: World, reader: Reader):
    world.routes["/x?token=s3cret"] = Answer(status=429, headers={"Retry-After": "3600"})
    said = failure(reader.fetcher().get, f"{world.base}/x?token=s3cret")
    assert "HTTP 429: too many requests" in said
    assert "3600 s, longer than the 90 s" in said
    assert "s3cret" not in said
    assert reader.slept == []


def test_server_trouble_is_tried_again_with_growing_pauses(world: World, reader: Reader):
    world.routes["/x"] = [Answer(status=500), Answer(status=502), Answer(status=504), OK]
    assert reader.fetcher().get(f"{world.base}/x").body == b"fine"
    assert reader.slept == [2.0, 4.0, 8.0]


def test_after_the_last_attempt_the_status_is_explained(world: World, reader: Reader):
    world.routes["/x"] = Answer(status=500)
    said = failure(reader.fetcher(attempts=3).get, f"{world.base}/x")
    assert said.endswith("HTTP 500: the server has a problem of its own (tried 3 times)")
    assert len(world.asked_for("/x")) == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "HTTP 400: the question was refused as wrong"),
        (401, "HTTP 401: a login is asked for"),
        (403, "HTTP 403: access was refused"),
        (404, "HTTP 404: there is nothing at this address"),
        (418, "HTTP 418: this answer cannot be used"),
        (202, "HTTP 202: a challenge page for browsers"),
        (204, "HTTP 204"),
        (304, "HTTP 304"),
    ],
)
def test_a_status_that_cannot_help_is_not_tried_again(world: World, reader: Reader, status, words):
    world.routes["/x"] = Answer(status=status)
    fetcher = reader.fetcher()
    assert words in failure(fetcher.get, f"{world.base}/x")
    assert len(world.asked_for("/x")) == 1


def test_a_challenge_behind_a_good_status_is_seen_by_its_header(world: World, reader: Reader):
    world.routes["/x"] = Answer(body="x", headers={"x-amzn-waf-action": "challenge"})
    assert "challenge page" in failure(reader.fetcher().get, f"{world.base}/x")


def test_a_status_the_caller_understands_is_handed_back(world: World, reader: Reader):
    world.routes["/x"] = Answer(status=400)
    assert reader.fetcher().get(f"{world.base}/x", also=(400,)).status == 400


def test_redirects_within_the_host_are_followed(world: World, reader: Reader):
    world.routes["/papers"] = Answer(status=307, headers={"Location": "/papers/date/2026-04-03"})
    world.routes["/papers/date/2026-04-03"] = OK
    answer = reader.fetcher().get(f"{world.base}/papers")
    assert answer.url.endswith("/papers/date/2026-04-03")


def test_a_redirect_to_another_host_is_not_followed(world: World, reader: Reader):
    place = "http://evil.example/x?token=s3cret"
    world.routes["/x"] = Answer(status=302, headers={"Location": place})
    said = failure(reader.fetcher().get, f"{world.base}/x")
    assert "evil.example is not among the allowed hosts" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://["])
def test_a_redirect_to_no_web_address_is_not_followed(world: World, reader: Reader, place):
    world.routes["/x"] = Answer(status=302, headers={"Location": place})
    failure(reader.fetcher().get, f"{world.base}/x")
    assert world.asked_for("/x") == ["/x"]


def test_redirects_in_a_circle_end(world: World, reader: Reader):
    world.routes["/a"] = Answer(status=302, headers={"Location": "/b"})
    world.routes["/b"] = Answer(status=302, headers={"Location": "/a"})
    assert "more than 5 redirects" in failure(reader.fetcher().get, f"{world.base}/a")
    assert len(world.asked) <= 7


def test_the_body_of_a_redirect_is_not_read(world: World, reader: Reader):
    endless = {"Location": "/y", "Content-Length": "1000000000000"}
    world.routes["/x"] = Answer(status=302, headers=endless)
    world.routes["/y"] = OK
    assert reader.fetcher().get(f"{world.base}/x").body == b"fine"


def test_https_never_falls_to_http():
    with pytest.raises(SourceError, match="from https to an unprotected"):
        followed("https://huggingface.co/a", "http://huggingface.co/b", {"huggingface.co"})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://huggingface.co/x",
        "https://user:pw@huggingface.co/x",
        "https://user@huggingface.co/x",
        "https://other.example/x",
        "https://huggingface.co.evil.example/x",
        "https://huggingface.co:99999/x",
        "https://[::1/x",
        "https://huggingface.co\\@evil.example/",
        "https://hugging face.co/",
        "https:///x",
        "https://\udcff/",
        "",
    ],
)
def test_an_address_that_may_not_be_asked_is_refused(url):
    with pytest.raises(SourceError) as caught:
        checked(url, FetchRules().allowed_hosts)
    assert "pw" not in str(caught.value)


def test_secrets_are_not_shown():
    assert shown("https://me:pw@host.example/x?token=1#y") == "https://host.example/x?…"
    assert shown("https://host.example/x") == "https://host.example/x"


def test_an_oversized_answer_is_refused_before_and_while_it_arrives(world: World, reader: Reader):
    world.routes["/announced"] = Answer(body=b"x" * 2000)
    packed = gzip.compress(b"x" * 200_000)
    world.routes["/packed"] = Answer(body=packed, headers={"Content-Encoding": "gzip"})
    fetcher = reader.fetcher(max_bytes=1000)
    assert "larger than 1000 bytes" in failure(fetcher.get, f"{world.base}/announced")
    assert len(packed) < 1000
    assert "larger than 1000 bytes" in failure(fetcher.get, f"{world.base}/packed")


def test_an_answer_that_only_drips_is_given_up(world: World, reader: Reader):
    world.routes["/x"] = OK
    fetcher = reader.fetcher(obey_robots=False)
    clock = iter([NOW, NOW, NOW + timedelta(minutes=10)])
    fetcher._now = lambda: next(clock)
    assert "comes in too slowly" in failure(fetcher.get, f"{world.base}/x")


def test_a_drop_is_looked_at_before_the_next_one_comes(reader: Reader):
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        gave_up = threading.Event()

        def drips() -> None:
            asker, _ = listening.accept()
            with asker:
                asker.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonce")
                gave_up.wait(30)

        pool.submit(drips)
        here = f"http://127.0.0.1:{listening.getsockname()[1]}"
        fetcher = reader.fetcher(named=(here,), obey_robots=False, attempts=1)
        clock = iter([NOW, NOW, NOW + timedelta(minutes=10)])
        fetcher._now = lambda: next(clock)
        said = failure(fetcher.get, f"{here}/x")
        gave_up.set()

    assert "comes in too slowly" in said


def test_headers_that_only_drip_are_given_up(reader: Reader, monkeypatch):
    monkeypatch.setattr("newsletter.sources.fetch._TRANSFER", 0.05)
    with dripping_headers() as here:
        fetcher = reader.fetcher(named=(here,), obey_robots=False, attempts=1)
        said = failure(fetcher.get, f"{here}/x")

    assert "comes in too slowly" in said


def test_a_broken_answer_is_tried_again(world: World, reader: Reader):
    cut = Answer(body="short", headers={"Content-Length": "100"})
    packed = Answer(body="no gzip", headers={"Content-Encoding": "gzip"})
    world.routes["/x"] = [cut, packed, OK]
    assert reader.fetcher().get(f"{world.base}/x").body == b"fine"
    assert "broke in the middle" in reader.told[0]
    assert "packed in a broken way" in reader.told[1]


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_packed_answer_that_ends_in_the_middle_is_tried_again_and_never_kept(
    world: World, reader: Reader, pack
):
    whole = pack(b"one card after another " * 99)
    said = {"Content-Encoding": "gzip" if pack is gzip.compress else "deflate", "ETag": '"1"'}
    world.routes["/x"] = [Answer(body=whole[:-20], headers=said), Answer(body=whole, headers=said)]

    assert reader.fetcher().get(f"{world.base}/x").body == b"one card after another " * 99
    assert "packed in a broken way" in reader.told[0]


def test_a_closed_door_is_told_without_the_query(reader: Reader):
    fetcher = reader.fetcher(attempts=2, obey_robots=False)
    said = failure(fetcher.get, "http://127.0.0.1:1/x?token=s3cret")
    assert said == "http://127.0.0.1:1/x?…: the connection failed (tried 2 times)"


def test_robots_txt_is_obeyed_and_asked_once(world: World, reader: Reader):
    rules = "User-agent: *\nDisallow: /private\n\nUser-agent: newsletter\nDisallow: /x\n"
    world.routes["/robots.txt"] = Answer(body=rules)
    world.routes["/private"] = OK
    fetcher = reader.fetcher(user_agent="newsletter/0.1 (+https://example.org)")
    assert "robots.txt of the host forbids" in failure(fetcher.get, f"{world.base}/x")
    assert fetcher.get(f"{world.base}/private").body == b"fine"
    assert world.asked == ["/robots.txt", "/private"]


def test_robots_txt_is_not_asked_when_it_need_not_be_obeyed(world: World, reader: Reader):
    world.routes["/x"] = OK
    reader.fetcher(obey_robots=False).get(f"{world.base}/x")
    assert world.asked == ["/x"]


@pytest.mark.parametrize(
    ("answer", "is_told"),
    [
        (Answer(status=404), False),
        (Answer(status=403), False),
        (Answer(status=503), True),
        (Answer(status=302, headers={"Location": "http://evil.example/"}), True),
        (Answer(status=302, headers={"Location": "/robots.txt"}), True),
        (Answer(body="<html>challenge</html>"), False),
    ],
)
def test_without_readable_robots_txt_reading_goes_on(world, reader, answer, is_told):
    world.routes["/robots.txt"] = answer
    world.routes["/x"] = OK
    assert reader.fetcher().get(f"{world.base}/x").body == b"fine"
    assert bool(reader.told) is is_told


def test_a_crawl_delay_keeps_requests_apart(world: World, reader: Reader):
    world.routes["/robots.txt"] = Answer(body="User-agent: *\nCrawl-delay: 15\n")
    world.routes["/x"] = OK
    fetcher = reader.fetcher()
    fetcher.get(f"{world.base}/x")
    reader.now += timedelta(seconds=5)
    fetcher.get(f"{world.base}/x")
    assert reader.slept == [10.0]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"ratelimit": '"api";r=0;t=55'}, 56),
        ({"ratelimit": '"api";r=490;t=200'}, 0),
        ({"ratelimit": '"pages";r=10;t=99, "api";r=0;t=7', "retry-after": "5"}, 8),
        ({"retry-after": "120"}, 120),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "Thu, 02 Apr 2026 00:00:00 GMT"}, 0),
    ],
)
def test_the_pause_a_server_asks_for(headers, seconds):
    assert asked_pause(headers, NOW) == seconds


def test_backoff_grows_to_a_limit_and_jitters_over_its_whole_width():
    assert [backoff(attempt, 1.0) for attempt in (1, 2, 3, 20, 10_000)] == [2, 4, 8, 30, 30]
    assert backoff(3, 0.0) == 0


@pytest.mark.parametrize(
    ("error", "words", "is_final"),
    [
        (requests.exceptions.SSLError("https://x/?token=1"), "certificate", True),
        (requests.exceptions.ProxyError("https://x/?token=1"), "the proxy", False),
        (requests.exceptions.ReadTimeout("https://x/?token=1"), "no answer within 5 s", False),
        (requests.exceptions.ConnectionError(), "the connection failed", False),
        (urllib3.exceptions.ReadTimeoutError(None, "/?token=1", ""), "no answer within", False),
        (requests.exceptions.InvalidURL("https://x/?token=1"), "cannot be used", True),
    ],
)
def test_a_broken_connection_is_told_in_words_without_its_address(error, words, is_final):
    broken = broken_by(error, 5.0)
    assert words in broken.reason
    assert "token" not in broken.reason
    assert broken.is_final is is_final


def test_a_proxy_and_own_certificates_can_be_named(reader: Reader):
    fetcher = reader.fetcher(proxy="http://proxy.example:3128", ca_file="own.pem")
    assert fetcher._session.proxies["https"] == "http://proxy.example:3128"
    assert fetcher._session.verify == "own.pem"


def test_certificates_that_are_not_there_are_told_in_words(reader: Reader, tmp_path):
    here = "https://127.0.0.1:1"
    fetcher = reader.fetcher(ca_file=str(tmp_path / "no.pem"), named=(here,), obey_robots=False)

    with pytest.raises(SourceError, match=r"certificates of sources\.ca_file cannot be read$"):
        fetcher.get(f"{here}/list")


def test_an_address_without_host_has_none():
    assert host_of("http://[") == host_of("words") == ""


def test_every_status_has_words():
    assert meaning(599) == "HTTP 599: the server has a problem"
