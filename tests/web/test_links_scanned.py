"""Signed links: scanners change nothing, and no byte, purpose or subscriber can be exchanged."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from urllib.parse import quote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given
from hypothesis import strategies as st
from web_world import CONSENT, HOME, Site, links_in

from newsletter.links import Way
from newsletter.mail.digest import digest_id
from newsletter.membership import Wishes

POSTS = (
    *("/confirm/{}", "/unsubscribe/{}", "/unsubscribe/{}/undo", "/preferences/{}", "/pause/{}"),
    *("/preferences/{}/come-back", "/preferences/{}/forget", "/more/{}", "/less/{}"),
    *("/more/{}/undo", "/less/{}/undo", "/tune/{}/follow", "/tune/{}/mute"),
)
_ADDRESSES = re.compile(rf"{re.escape(HOME)}[^\s\"'<>\\)]*")


def found_in(text: str, at: str) -> Iterator[str]:
    """Every address of this site in a page or mail, as a path: also what forms would post to."""
    for found in _ADDRESSES.findall(text):
        yield found.removeprefix(HOME) or "/"
    soup = BeautifulSoup(text, "html.parser")
    for tag in soup.find_all(True):
        for name in ("href", "src", "action", "formaction", "data-proof", "data-preview"):
            if value := tag.get(name):
                whole = urlsplit(urljoin(HOME + at, value))
                if f"{whole.scheme}://{whole.netloc}" == HOME:
                    yield whole.path + (f"?{whole.query}" if whole.query else "")


def scan(web: Site, paths: set[str], most: int = 400) -> set[str]:
    """GETs and HEADs everything, and whatever is found in the answers."""
    seen: set[str] = set()
    waiting = sorted(paths)
    while waiting and len(seen) < most:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        assert web.client.head(path).status_code < 500
        answer = web.client.get(path)
        assert answer.status_code < 500, path
        if "html" in answer.headers.get("content-type", ""):
            waiting += [one for one in found_in(answer.text, path) if one not in seen]
    return seen


def test_scanner_that_follows_everything_changes_nothing(web):
    reader = web.reader()
    left = web.reader("left@reader.example")
    web.app.subscriptions.unsubscribe(left.id, now=web.at)
    subscribe = web.app.subscriptions.subscribe
    subscribe("new@reader.example", Wishes(), CONSENT, now=web.at)
    subscribe("ines@reader.example", Wishes(), CONSENT, now=web.at)  # mails the way to settings
    mails = web.deliver()
    assert len(mails) == 3
    paths = {path for mail in mails for path in links_in(mail)}
    for mail in mails:
        html = mail.get_body(("html",))
        paths |= set(found_in(html.get_content(), "/")) if html else set()
        paths |= set(found_in(str(mail["List-Unsubscribe"] or ""), "/"))
    paths |= {web.path(way, left.id) for way in (Way.UNSUBSCRIBE, Way.PREFERENCES, Way.PAUSE)}
    before = web.dump()
    seen = scan(web, paths)
    assert web.dump() == before
    assert {path.split("/")[1] for path in seen} >= {way.value for way in Way}
    assert web.path(Way.UNSUBSCRIBE, reader.id) in seen
    assert len(seen) > 40
    assert web.deliver() == []


class Tokens:
    """One true token for each way, and a second reader to be confused with."""

    def __init__(self, web: Site) -> None:
        self.web = web
        reader, other = web.reader(), web.reader("rafael@reader.example")
        asked = web.app.subscriptions.subscribe("n@reader.example", Wishes(), CONSENT, now=web.at)
        self.subjects = {
            Way.CONFIRM: (asked.token_id,),
            Way.UNSUBSCRIBE: (reader.id,),
            Way.PREFERENCES: (reader.id,),
            Way.PAUSE: (reader.id,),
            Way.VIEW: (digest_id(reader.id, "2026-04-03"),),
            **{
                way: (digest_id(reader.id, "2026-04-03"), "2604.00001")
                for way in (Way.MORE, Way.LESS, Way.TUNE)
            },
        }
        self.others = {
            way: tuple(
                part.replace(reader.id, other.id).replace(
                    digest_id(reader.id, "2026-04-03"), digest_id(other.id, "2026-04-03")
                )
                for part in subject
            )
            for way, subject in self.subjects.items()
        }
        self.before = web.dump()

    def token(self, way: Way) -> str:
        return self.web.site.links.token(way, *self.subjects[way])

    def refused(self, way: str, token: str) -> None:
        """GET, and every POST there is for this way, must be 404."""
        safe = quote(token, safe="")
        assert self.web.client.get(f"/{way}/{safe}").status_code == 404
        for path in (path for path in POSTS if path.startswith(f"/{way}/")):
            assert self.web.client.post(path.format(safe)).status_code in (404, 405)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/preferences/x", "GET, HEAD, POST"),
        ("/preferences/x/resume", "POST"),
        ("/subscribe", "POST"),
        ("/archive", "GET, HEAD"),
        ("/api/v1/topics", "GET, HEAD"),
        ("/api/v1/preview", "POST"),
    ],
)
def test_a_wrong_method_is_told_every_right_one(shown, path, allowed):
    answer = shown.client.put(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory) -> Iterator[Tokens]:
    web = Site(tmp_path_factory.mktemp("tokens"))
    held = Tokens(web)
    yield held
    assert web.dump() == held.before, "a forged request changed something"
    web.close()


def test_true_tokens_are_let_in(tokens):
    for way in Way:
        assert tokens.web.client.get(f"/{way}/{tokens.token(way)}").status_code == 200


# not "/": a slash makes another path, which is another question
BYTES = st.sampled_from("ABCxyz0189-_.~=+!*:@ %&?#\\\"'<>ä€\x00\x7f")


def signed(token: str) -> int:
    """How much of a token the signature covers: all but the paper behind `~`."""
    return len(token.partition("~")[0])


@given(way=st.sampled_from(Way), data=st.data())
def test_every_flipped_byte_is_refused(tokens, way, data):
    token = tokens.token(way)
    place = data.draw(st.integers(0, signed(token) - 1))
    byte = data.draw(BYTES.filter(lambda byte: byte != token[place]))
    tokens.refused(way, token[:place] + byte + token[place + 1 :])


@given(way=st.sampled_from(Way), data=st.data())
def test_every_removed_byte_is_refused(tokens, way, data):
    token = tokens.token(way)
    place = data.draw(st.integers(0, signed(token) - 1))
    tokens.refused(way, token[:place] + token[place + 1 :])


@given(way=st.sampled_from(Way), byte=BYTES, data=st.data())
def test_every_added_byte_is_refused(tokens, way, byte, data):
    token = tokens.token(way)
    place = data.draw(st.integers(0, signed(token)))
    tokens.refused(way, token[:place] + byte + token[place:])


@given(way=st.sampled_from([Way.MORE, Way.LESS]), paper=st.text(BYTES, max_size=30))
@example(way=Way.MORE, paper="MjYwNC4wMDAxMQ")  # 2604.00011, another stored paper
def test_another_paper_in_a_link_is_one_of_ours_or_nothing(tokens, way, paper):
    token = tokens.token(way).partition("~")[0]
    answer = tokens.web.client.get(f"/{way}/{quote(f'{token}~{paper}', safe='')}")
    assert answer.status_code in (200, 404)
    if answer.status_code == 200:
        known = tokens.web.app.store.find_papers([urlsafe_b64decode(paper + "==").decode()])
        assert len(known) == 1


@given(
    way=st.sampled_from(Way), junk=st.text(min_size=1, max_size=80).filter(lambda t: "/" not in t)
)
def test_junk_is_refused(tokens, way, junk):
    if junk.strip(".") and "\ud800" not in junk:
        tokens.refused(way, junk.encode("utf-8", "replace").decode())


@pytest.mark.parametrize("to", list(Way))
@pytest.mark.parametrize("way", list(Way))
def test_purpose_cannot_be_swapped(tokens, way, to):
    if way is not to:
        tokens.refused(to, tokens.token(way))


@pytest.mark.parametrize("way", [way for way in Way if way is not Way.CONFIRM])
def test_subscriber_cannot_be_swapped(tokens, way):
    mine = tokens.token(way)
    theirs = tokens.web.site.links.token(way, *tokens.others[way])
    assert mine != theirs
    payload, signature = theirs.rpartition(".")[0], mine.rpartition(".")[2]
    tokens.refused(way, f"{payload}.{signature}")


def test_signature_of_another_installation_is_refused(tokens, tmp_path):
    stranger = Site(tmp_path)
    for way in Way:
        tokens.refused(way, stranger.site.links.token(way, *tokens.subjects[way]))
    stranger.close()
