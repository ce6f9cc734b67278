"""Many mails over one connection, in three manners: every outcome is about its own mail and true."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playing_relay import (
    ANSWER_AND_HANG_UP,
    CHUNKING,
    HANG_UP,
    MANNERS,
    PIPELINING,
    Part,
    playing,
)

from newsletter.delivery import Outcome, Result
from newsletter.errors import MailError
from newsletter.mail.servers.dial import Relay, Security
from newsletter.mail.servers.smtp import SmtpTransport
from newsletter.mail.transport import Envelope

RAW = b"Subject: number %d\r\n\r\n.begins with a dot\r\n%b\r\n.\r\n"


def mail(number: int, size: int = 10) -> Envelope:
    return Envelope(
        raw=RAW % (number, b"x" * size),
        sender=f"b+{number}@newsletter.example",
        recipient=f"reader+{number}@reader.example",
    )


def mails(count: int, size: int = 10) -> list[Envelope]:
    return [mail(number, size) for number in range(count)]


def relay_at(port: int, **changes) -> Relay:
    given = {"window": 1, "timeout_seconds": 10, **changes}
    return Relay(
        host="127.0.0.1",
        port=port,
        security=Security.NONE,
        local_hostname="client.example",
        **given,
    )


def carried(part: Part, envelopes, *, small: bool = False, **changes) -> list[Outcome]:
    with playing(part, small=small) as port:
        transport = SmtpTransport(relay_at(port, **changes))
        try:
            return list(transport.carry(envelopes))
        finally:
            transport.close()


def results(outcomes: list[Outcome]) -> list[str]:
    return [one.result.value for one in outcomes]


def until_it_raises(outcomes: Iterator[Outcome]) -> tuple[list[Outcome], Exception | None]:
    told = []
    try:
        for outcome in outcomes:
            told.append(outcome)  # noqa: PERF402 - what was told before it raises is the point
    except (LookupError, MailError) as error:
        return told, error
    return told, None


@pytest.fixture(params=["lock-step", "pipelining", "chunking", "window of 8"])
def manner(request) -> dict:
    """How a relay is spoken to: what it offers and our window."""
    name = request.param
    if name == "window of 8":
        return {"offers": CHUNKING, "window": 8}
    return {"offers": MANNERS[name], "window": 1}


@pytest.fixture
def offers(manner) -> tuple[str, ...]:
    return manner["offers"]


@pytest.fixture
def window(manner) -> int:
    return manner["window"]


def test_all_arrive_as_they_were_and_in_order(offers, window):
    part = Part(offers=offers)
    outcomes = carried(part, mails(20), window=window)
    assert results(outcomes) == ["accepted"] * 20
    assert [one.detail for one in outcomes] == [f"taken as {number}" for number in range(20)]
    assert part.taken == list(range(20))
    assert part.octets == {number: mail(number).raw for number in range(20)}
    assert (part.wrongs, part.connections, part.goodbyes) == ([], 1, 1)


def test_each_manner_is_the_one_the_relay_offers():
    heard = {}
    for name, offers in MANNERS.items():
        part = Part(offers=offers)
        carried(part, mails(2))
        heard[name] = [line.partition(b" ")[0] for line in part.heard]
    assert heard["lock-step"] == heard["pipelining"]
    assert b"BDAT" not in heard["pipelining"]
    assert b"DATA" not in heard["chunking"]
    assert heard["chunking"].count(b"BDAT") == 2


def test_chunking_without_pipelining_is_spoken_to_in_lock_step():
    part = Part(offers=("CHUNKING",))
    assert results(carried(part, mails(3), window=8)) == ["accepted"] * 3
    assert b"DATA" in part.heard


def test_the_size_is_told_where_it_may_be():
    part = Part(offers=PIPELINING)
    carried(part, [mail(7)])
    told = f"MAIL FROM:<b+7@newsletter.example> SIZE={len(mail(7).raw)}"
    assert told.encode() in part.heard
    part = Part(offers=("PIPELINING",))
    carried(part, [mail(7)])
    assert b"MAIL FROM:<b+7@newsletter.example>" in part.heard


@pytest.mark.parametrize("octets", [1, 3, 50])
def test_replies_may_come_in_pieces(offers, window, octets):
    part = Part(offers=offers, fragment=octets)
    assert results(carried(part, mails(5), window=window)) == ["accepted"] * 5


def test_a_refused_mail_does_not_touch_its_neighbours(offers, window):
    acts = {
        (1, "mail"): ["451 4.3.0 later"],
        (3, "rcpt"): ["550 5.1.1 nobody"],
        (5, "end"): ["554 5.7.1 spam"],
        (7, "rcpt"): ["450 4.2.1 busy"],
    }
    part = Part(offers=offers, acts=acts)
    outcomes = carried(part, mails(9), window=window)
    expected = ["accepted"] * 9
    expected[1] = expected[7] = "deferred"
    expected[3] = expected[5] = "rejected"
    assert results(outcomes) == expected
    assert [outcomes[number].status for number in (1, 3, 5, 7)] == [
        "4.3.0",
        "5.1.1",
        "5.7.1",
        "4.2.1",
    ]
    assert [number for number, one in enumerate(outcomes) if one.unserved] == [1]
    assert (part.taken, part.wrongs, part.connections) == ([0, 2, 4, 6, 8], [], 1)


@pytest.mark.parametrize("keeps", [False, True])
def test_no_mail_gets_the_sender_of_a_refused_one(keeps):
    acts = {(number, "rcpt"): ["550 5.1.1 nobody"] for number in (1, 2, 5)}
    part = Part(offers=CHUNKING, acts=acts, keeps_refused=keeps)
    outcomes = carried(part, mails(8), window=4)
    assert results(outcomes).count("accepted") == 5
    assert (part.wrongs, part.taken) == ([], [0, 3, 4, 6, 7])


def test_content_is_not_sent_where_data_is_refused():
    part = Part(offers=PIPELINING, acts={(0, "data"): ["451 4.3.1 full"]})
    outcomes = carried(part, mails(2))
    assert results(outcomes) == ["deferred", "accepted"]
    assert (outcomes[0].detail, part.wrongs) == ("DATA: full", [])


def test_a_relay_that_asks_for_content_nobody_gets_hears_a_lone_dot():
    acts = {(0, "rcpt"): ["550 5.1.1 nobody"], (2, "rcpt"): ["450 4.2.1 busy"]}
    part = Part(offers=PIPELINING, acts=acts, asks_anyway=True)
    outcomes = carried(part, mails(3))
    assert results(outcomes) == ["rejected", "accepted", "deferred"]
    assert (part.taken, part.wrongs, b"RSET" in part.heard) == ([1], [], False)


def test_a_connection_is_left_politely_after_its_share(offers, window):
    part = Part(offers=offers)
    outcomes = carried(part, mails(10), window=window, mails_per_connection=3)
    assert results(outcomes) == ["accepted"] * 10
    assert (part.connections, part.goodbyes, part.taken) == (4, 4, list(range(10)))


def test_a_relay_that_has_enough_of_a_connection_gets_another(offers, window):
    part = Part(offers=offers, per_connection=4)
    outcomes = carried(part, mails(10), window=window)
    assert results(outcomes) == ["accepted"] * 10
    assert (part.taken, part.connections, part.wrongs) == (list(range(10)), 3, [])


def test_a_relay_that_has_enough_at_once_defers(offers, window):
    part = Part(offers=offers, per_connection=0)
    outcomes = carried(part, mails(2), window=window)
    assert results(outcomes) == ["deferred"] * 2
    assert outcomes[0].status == "4.5.3"


def test_a_connection_closed_while_idle_costs_nothing(offers, window):
    part = Part(offers=offers, acts={(2, "mail"): [HANG_UP]})
    with playing(part) as port:
        transport = SmtpTransport(relay_at(port, window=window))
        assert (
            results([*transport.carry(mails(2)), *transport.carry([mail(2), mail(3)])])
            == ["accepted"] * 4
        )
        transport.close()
    assert (part.taken, part.connections) == ([0, 1, 2, 3], 2)


def test_a_relay_that_closes_between_mails_gets_them_over_a_new_connection(offers):
    part = Part(offers=offers, acts={(2, "mail"): ["421 4.3.2 closing"], (4, "mail"): [HANG_UP]})
    outcomes = carried(part, mails(6))
    assert results(outcomes) == ["accepted"] * 6
    assert (part.taken, part.connections) == (list(range(6)), 3)


def test_what_was_said_into_a_closing_connection_is_not_claimed_to_be_safe():
    part = Part(offers=CHUNKING, acts={(2, "mail"): ["421 4.3.2 closing"]})
    outcomes = carried(part, mails(4), window=8)
    assert results(outcomes) == ["accepted", "accepted", "accepted", "deferred"]
    assert not outcomes[3].unserved


def test_what_was_said_to_a_relay_that_lost_the_thread_is_not_claimed_to_be_safe():
    part = Part(offers=CHUNKING, acts={(1, "mail"): ["354 go on"]})
    outcomes = carried(part, mails(3), window=8)
    assert results(outcomes)[:2] == ["accepted", "deferred"]
    assert not outcomes[1].unserved


STAGES = ["mail", "rcpt", "data", "end"]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("abrupt", [False, True])
def test_a_drop_leaves_open_only_what_was_wholly_said(offers, window, stage, abrupt):
    if stage == "data" and offers == CHUNKING:
        pytest.skip("nothing is asked before a chunk")
    part = Part(offers=offers, acts={(0, stage): [HANG_UP]}, abrupt=abrupt)
    outcomes = carried(part, [mail(0)], window=window)
    assert results(outcomes) == ["deferred"]
    assert outcomes[0].unserved is (stage != "end")
    assert outcomes[0].reply == 0
    assert (part.taken, part.unsaid) == ([], [0] if stage == "end" else [])


@pytest.mark.parametrize("abrupt", [False, True])
def test_what_was_answered_before_a_drop_counts(offers, window, abrupt):
    part = Part(offers=offers, acts={(3, "end"): [ANSWER_AND_HANG_UP]}, abrupt=abrupt)
    outcomes = carried(part, mails(4, size=200_000), window=window)
    assert results(outcomes) == ["accepted"] * 4
    assert part.taken == [0, 1, 2, 3]


def test_a_mail_that_kills_each_connection_does_not_take_the_others_along(offers):
    part = Part(offers=offers, acts={(1, "rcpt"): [HANG_UP] * 9})
    outcomes = carried(part, mails(4))
    assert results(outcomes) == ["accepted", "deferred", "accepted", "accepted"]
    assert outcomes[1].unserved


@pytest.mark.parametrize("stage", ["rcpt", "data", "end"])
def test_a_421_about_a_mail_is_its_outcome(offers, stage):
    if stage == "data" and offers == CHUNKING:
        pytest.skip("nothing is asked before a chunk")
    part = Part(offers=offers, acts={(1, stage): ["421 4.7.28 slow down"]})
    outcomes = carried(part, mails(3))
    assert results(outcomes) == ["accepted", "deferred", "accepted"]
    assert (outcomes[1].reply, outcomes[1].status, outcomes[1].unserved) == (421, "4.7.28", False)
    assert part.connections == 2


def test_a_421_to_the_first_word_means_nobody_was_served(offers):
    part = Part(offers=offers, acts={(0, "mail"): ["421 4.3.2 closing"]})
    (outcome,) = carried(part, [mail(0)])
    assert (outcome.result, outcome.reply, outcome.unserved) == (Result.DEFERRED, 421, True)


@pytest.mark.parametrize(
    "nonsense", ["hello", "999 what", "25", "354 go on", "250 ok\r\n250 and more"]
)
@pytest.mark.parametrize("stage", STAGES)
def test_nonsense_ends_the_connection_and_nothing_else(offers, nonsense, stage):
    part = Part(offers=offers, acts={(1, stage): [nonsense]})
    outcomes = carried(part, mails(4))
    assert len(outcomes) == 4
    assert results(outcomes)[0] == "accepted"
    assert part.taken == sorted(set(part.taken))
    for number, outcome in enumerate(outcomes):
        if outcome.result is Result.ACCEPTED or outcome.unserved:
            assert (number in part.taken) is not outcome.unserved


def test_a_reply_nobody_asked_for_is_not_taken_for_the_next_mails(offers):
    part = Part(offers=offers, acts={(0, "end"): ["451 4.3.0 later\r\n250 2.0.0 taken, really"]})
    outcomes = carried(part, mails(1))
    assert results(outcomes) == ["deferred"]


def test_a_relay_that_reads_nothing_until_it_is_read_is_no_deadlock():
    long = "\r\n".join(["250-" + "a" * 4000] * 100 + ["250 2.0.0 that was it"])
    acts = {(number, stage): [long] for number in range(8) for stage in ("mail", "rcpt", "end")}
    part = Part(offers=CHUNKING, acts=acts)
    outcomes = carried(part, mails(8, size=400_000), small=True, window=8)
    assert results(outcomes) == ["accepted"] * 8
    assert part.octets[7] == mail(7, 400_000).raw


def test_a_relay_that_falls_silent_is_not_waited_for_endlessly(offers, window):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        part = Part(offers=offers)
        transport = SmtpTransport(relay_at(port, window=window, timeout_seconds=0.2))
        outcomes = _first_words_only(listener, part, transport)
        transport.close()
    assert results(outcomes) == ["deferred"]
    assert outcomes[0].unserved
    assert outcomes[0].detail == "MAIL FROM: the relay did not answer in time"


def _first_words_only(listener, part, transport) -> list[Outcome]:
    from threading import Thread

    held = []

    def greet() -> None:
        connection, _ = listener.accept()
        held.append(connection)
        connection.sendall(b"220 hi\r\n")
        connection.recv(1000)
        offers = b"".join(b"250-%b\r\n" % word.encode() for word in part.offers)
        connection.sendall(b"250-hi\r\n" + offers + b"250 HELP\r\n")

    thread = Thread(target=greet, daemon=True)
    thread.start()
    outcomes = list(transport.carry([mail(0)]))
    thread.join(10)
    held[0].close()
    return outcomes


def test_nobody_listening_defers_each_mail_by_itself(offers):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcomes = list(SmtpTransport(relay_at(port)).carry(mails(3)))
    assert results(outcomes) == ["deferred"] * 3
    assert all(one.unserved for one in outcomes)


def test_a_mail_is_asked_for_when_it_can_be_begun_and_not_before(offers, window):
    asked, told = [], []

    def source() -> Iterator[Envelope]:
        for number in range(10):
            asked.append(number)
            yield mail(number)

    ahead = {(): 1, PIPELINING: 2}.get(offers, max(2, window))
    part = Part(offers=offers)
    with playing(part) as port:
        transport = SmtpTransport(relay_at(port, window=window))
        for outcome in transport.carry(source()):
            told.append(outcome)
            assert len(asked) - len(told) < ahead
        transport.close()
    assert len(told) == 10


def test_no_second_mail_ends_before_the_first_is_told_unless_the_window_says_so(offers):
    part = Part(offers=offers)
    with playing(part) as port:
        transport = SmtpTransport(relay_at(port))
        for told, _ in enumerate(transport.carry(mails(6))):
            assert list(part.octets) == list(range(told + 1))
        transport.close()


def test_what_the_caller_raises_comes_after_the_outcomes_of_the_mails_before(offers, window):
    def source() -> Iterator[Envelope]:
        yield from mails(3)
        raise LookupError("no more templates")

    part = Part(offers=offers)
    with playing(part) as port:
        transport = SmtpTransport(relay_at(port, window=window))
        told, error = until_it_raises(transport.carry(source()))
        transport.close()
    assert isinstance(error, LookupError)
    assert (results(told), part.connections) == (["accepted"] * 3, 1)


def test_an_address_no_envelope_can_hold_comes_after_the_outcomes_before(offers, window):
    bad = Envelope(raw=b"x", sender="b@newsletter.example", recipient="a\r\nRCPT TO:<x@y.example>")
    part = Part(offers=offers)
    with playing(part) as port:
        transport = SmtpTransport(relay_at(port, window=window))
        told, error = until_it_raises(transport.carry([mail(0), bad, mail(1)]))
        transport.close()
    assert isinstance(error, MailError)
    assert (results(told), part.taken, part.wrongs) == (["accepted"], [0], [])


def test_who_stops_in_the_middle_leaves_nothing_half_said(offers, window):
    part = Part(offers=offers)
    with playing(part) as port:
        transport = SmtpTransport(relay_at(port, window=window))
        outcomes = transport.carry(mails(5))
        assert next(outcomes).result is Result.ACCEPTED
        outcomes.close()
        assert results(list(transport.carry([mail(9)]))) == ["accepted"]
        transport.close()
    assert part.taken[-1] == 9
    assert part.wrongs == []


@pytest.mark.parametrize(
    "raw",
    [
        b".",
        b"..",
        b"\r\n.\r\n.\r\n",
        b"a\r\n.\r\nMAIL FROM:<evil@x.example>\r\n",
        b"no end of line",
        b"a\n.\nb",
        b"",
    ],
)
def test_dots_neither_end_a_mail_nor_get_lost(offers, raw):
    envelope = Envelope(raw=raw, sender="b+1@n.example", recipient="r+1@r.example")
    part = Part(offers=offers)
    assert results(carried(part, [envelope, mail(2)])) == ["accepted"] * 2
    got = part.octets[1]
    whole = raw if offers == CHUNKING or raw.endswith(b"\r\n") else raw + b"\r\n"
    assert (got, part.wrongs) == (whole, [])


def test_a_mail_known_to_be_without_such_dots_is_sent_as_it_is(offers):
    raw = b"Subject: x\r\n\r\nno dots. at all.\r\n"
    envelope = Envelope(raw=raw, sender="b+1@n.example", recipient="r+1@r.example", dotless=True)
    part = Part(offers=offers)
    assert results(carried(part, [envelope])) == ["accepted"]
    assert part.octets[1] == raw


MORE = "250 fine\r\n250 too fine"
ACTS = st.sampled_from(
    [
        "421 4.3.2 closing",
        "450 4.2.1 busy",
        "452 4.5.3 too many",
        "503 5.5.1 order",
        "550 5.1.1 nobody",
        "554 5.7.1 no",
        HANG_UP,
        ANSWER_AND_HANG_UP,
        "nonsense",
        "354 go on",
        MORE,
    ]
)
SPOTS = st.tuples(st.integers(0, 7), st.sampled_from(["mail", "rcpt", "data", "end"]))
SCRIPTS = st.dictionaries(SPOTS, st.lists(ACTS, min_size=1, max_size=3), max_size=6)
LOUD = {"nonsense", "354 go on", MORE}
SPEECH = st.sampled_from([(MANNERS["lock-step"], 1), (PIPELINING, 1), (CHUNKING, 1), (CHUNKING, 4)])


@settings(max_examples=150)
@given(
    script=SCRIPTS,
    speech=SPEECH,
    fragment=st.sampled_from([0, 0, 1, 7]),
    is_patient=st.booleans(),
    abrupt=st.booleans(),
    asks_anyway=st.booleans(),
    keeps_refused=st.booleans(),
    share=st.sampled_from([2, 3, 100]),
    size=st.sampled_from([10, 70_000]),
)
def test_whatever_a_relay_does_the_outcomes_are_true(script, speech, share, size, **character):
    offers, window = speech
    part = Part(offers=offers, acts={at: list(acts) for at, acts in script.items()}, **character)
    outcomes = carried(part, mails(8, size), window=window, mails_per_connection=share)
    taken, unsaid = set(part.taken), set(part.unsaid)
    assert len(outcomes) == 8
    assert len(part.taken) + len(part.unsaid) == len(taken | unsaid), "a mail was taken twice"
    played = {act for acts in script.values() for act in acts}
    is_loud = bool(LOUD & played)
    for number, outcome in enumerate(outcomes):
        accepted = outcome.result is Result.ACCEPTED
        if not is_loud:  # a relay that talks nonsense may well take what we could not know of
            assert accepted is (number in taken)
        elif MORE not in played:  # answers too many belong to nobody knows what
            assert accepted <= (number in taken)
        if number in taken | unsaid:
            assert accepted or (outcome.result is Result.DEFERRED and not outcome.unserved)
        if number in taken | unsaid:
            assert part.octets[number] == mail(number, size).raw
    if not is_loud:
        assert part.wrongs == []
