"""Reports are read over IMAP, encrypted or not at all, and put away only when they are done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from imap_server import LOGIN, Mailroom, imap_running
from scripted_relay import scripted_relay

from newsletter.errors import MailError
from newsletter.mail.bounces import LOOKED_AT
from newsletter.mail.servers.dial import Security
from newsletter.mail.servers.mailboxes import ImapAccount, ImapBox

MAILS = (b"Subject: one\r\n\r\nfirst\r\n", b"Subject: two\r\n\r\nsecond\r\n")


@pytest.fixture
def room():
    return Mailroom()


def account(port: int, **changes) -> ImapAccount:
    plain = ImapAccount(
        host="127.0.0.1",
        port=port,
        username=LOGIN[0],
        password=LOGIN[1],
        security=Security.NONE,
        timeout_seconds=10,
    )
    return replace(plain, **changes)


@pytest.fixture
def box(room):
    """A box on a server for the room, with changes to the account; all closed after the test."""
    made = []
    with imap_running(room) as port:

        def make(*, most: int = 500, **changes) -> ImapBox:
            made.append(ImapBox(account(port, **changes), most=most))
            return made[-1]

        yield make
        for one in made:
            one.close()


def test_unseen_mails_are_read_oldest_first_and_stay_unseen_until_done(room, box):
    first, second = map(room.put, MAILS)
    reports = box()
    assert list(reports.read()) == [(str(first), MAILS[0]), (str(second), MAILS[1])]
    assert room.left() == {first: set(), second: set()}
    reports.done(str(first))
    assert room.left() == {first: {r"\Seen"}, second: set()}
    assert [key for key, _ in reports.read()] == [str(second)]


def test_mails_may_be_put_away_over_imap_while_reading(room, box):
    for raw in MAILS:
        room.put(raw)
    reports = box()
    for key, _ in reports.read():
        reports.done(key)
    assert list(reports.read()) == []


@pytest.mark.parametrize("abilities", ["MOVE UIDPLUS", "UIDPLUS"])
def test_a_folder_for_what_is_done_takes_them(room, box, abilities):
    room.abilities = abilities
    uid = room.put(MAILS[0])
    reports = box(processed="Processed mail")
    for key, _ in reports.read():
        reports.done(key)
    assert room.left() == {}
    assert list(room.left("Processed mail")) == [uid]
    assert ("MOVE" in room.heard) is ("MOVE" in abilities)


def test_a_server_that_cannot_remove_one_mail_marks_it(room, box):
    room.abilities = ""
    uid = room.put(MAILS[0])
    reports = box(processed="Processed mail")
    for key, _ in reports.read():
        reports.done(key)
    assert room.left() == {uid: {r"\Seen", r"\Deleted"}}
    assert "EXPUNGE" not in room.heard
    assert list(reports.read()) == []


def test_a_folder_for_what_is_done_that_is_not_there_is_told_before_anything_is_read(room, box):
    room.put(MAILS[0])
    with pytest.raises(MailError, match="its folder for processed reports, Elsewhere: no such"):
        list(box(processed="Elsewhere").read())
    assert "FETCH" not in room.heard


def test_a_huge_mail_and_a_full_mailbox_are_bounded(room, box):
    room.put(b"x" * (LOOKED_AT + 100))
    for _ in range(9):
        room.put(MAILS[0])
    read = list(box(most=3).read())
    assert [len(raw) for _, raw in read] == [LOOKED_AT, len(MAILS[0]), len(MAILS[0])]


def test_a_mail_that_somebody_took_away_is_left_out(room, box):
    _, second = map(room.put, MAILS)
    reading = box().read()
    next(reading)
    del room.folders["INBOX"][second]
    assert list(reading) == []


def deal_with_all(box, read: list) -> None:
    """What a round does."""
    for key, raw in box.read():
        read.append(raw)
        box.done(key)


@pytest.mark.parametrize("said", ["NO [SERVERBUG] internal error", "BYE FETCH failed: internal"])
def test_a_mail_that_the_server_cannot_read_holds_up_no_other_and_is_told_at_the_end(
    room, box, said
):
    first, broken, last = map(room.put, (MAILS[0], b"", MAILS[1]))
    room.unreadable = {broken: said}
    reports, read = box(), []
    with pytest.raises(MailError, match=rf"the report {broken} .*cannot be read.*internal"):
        deal_with_all(reports, read)
    assert read == list(MAILS)
    assert room.left() == {first: {r"\Seen"}, broken: set(), last: {r"\Seen"}}


def test_a_server_that_can_read_no_mail_at_all_is_not_asked_for_each(room, box):
    room.unreadable = {room.put(b""): "NO not now" for _ in range(50)}
    with pytest.raises(MailError, match="the report 1 "):
        list(box().read())
    assert room.heard.count("FETCH") == 10


def test_every_round_has_a_connection_of_its_own(room, box):
    reports = box()
    for _ in range(3):
        assert list(reports.read()) == []
    assert (room.heard.count("LOGIN"), room.heard.count("LOGOUT")) == (3, 2)


def test_the_connection_may_be_encrypted_from_the_start(room, certificate):
    path, context = certificate
    uid = room.put(MAILS[0])
    with imap_running(room, tls=context) as port:
        reports = ImapBox(account(port, security=Security.TLS, ca_file=path))
        assert [key for key, _ in reports.read()] == [str(uid)]
        reports.close()
    assert room.encrypted


def test_starttls_comes_before_the_password(room, certificate):
    path, context = certificate
    with imap_running(room, starttls=context) as port:
        reports = ImapBox(account(port, security=Security.STARTTLS, ca_file=path))
        assert list(reports.read()) == []
        reports.close()
    assert room.encrypted
    assert room.heard.index("STARTTLS") < room.heard.index("LOGIN")


def test_without_starttls_nothing_is_told(room, box):
    with pytest.raises(MailError, match="TLS not supported by server"):
        list(box(security=Security.STARTTLS).read())
    assert "LOGIN" not in room.heard


def test_a_port_without_tls_is_told_in_words():
    with scripted_relay(b"* OK hi\r\n") as port:
        reports = ImapBox(account(port, security=Security.TLS))
        with pytest.raises(MailError, match=r": it does not speak TLS on this port$"):
            list(reports.read())


def test_a_certificate_nobody_trusts_ends_it(room, certificate):
    with imap_running(room, tls=certificate[1]) as port:
        reports = ImapBox(account(port, security=Security.TLS))
        with pytest.raises(MailError, match="its certificate is not trusted: self"):
            list(reports.read())
    assert room.heard == []


def test_a_wrong_password_is_told_without_it(box):
    with pytest.raises(MailError) as caught:
        list(box(password="wr0ng").read())
    assert str(caught.value) == (
        "reports cannot be read from 127.0.0.1: [AUTHENTICATIONFAILED] wrong user or password done"
    )


def test_a_server_that_repeats_the_password_does_not_get_it_into_the_log(room, box):
    room.says["LOGIN"] = b'TAG NO "wr0ng" is wrong\r\n'
    with pytest.raises(MailError, match="hidden") as caught:
        list(box(password="wr0ng").read())
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH"])
@pytest.mark.parametrize("how", ["refuse", "hang_up_at"])
def test_whatever_fails_while_reading_is_one_sentence(room, box, command, how):
    room.put(MAILS[0])
    setattr(room, how, command)
    with pytest.raises(
        MailError, match=r"^(the report 1|reports) cannot be read from 127\.0\.0\.1: "
    ) as caught:
        list(box().read())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", ["MOVE", "STORE", "COPY"])
@pytest.mark.parametrize("how", ["refuse", "hang_up_at"])
def test_whatever_fails_while_putting_away_is_one_sentence_and_the_mail_comes_again(
    room, box, command, how
):
    uid = room.put(MAILS[0])
    room.abilities = "MOVE" if command == "MOVE" else ""
    reports = box(processed="Processed mail" if command != "STORE" else "")
    setattr(room, how, command)
    ((key, _),) = reports.read()
    with pytest.raises(MailError, match="a report cannot be put away from 127"):
        reports.done(key)
    setattr(room, how, "")
    assert [key for key, _ in reports.read()] == [str(uid)]


@pytest.mark.parametrize(
    "answer",
    [
        b"* SEARCH one two\r\nTAG OK done\r\n",
        b"* SEARCH\r\nTAG OK done\r\n",
        b"TAG OK done\r\n",
        b"* SEARCH \xff\xfe 99999999999999999999\r\nTAG OK done\r\n",
    ],
)
def test_an_answer_without_sense_is_an_empty_mailbox(room, box, answer):
    room.says["SEARCH"] = answer
    assert list(box().read()) == []


def test_an_answer_that_is_no_imap_is_one_sentence(room, box):
    room.says["SEARCH"] = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    with pytest.raises(MailError, match="reports cannot be read"):
        list(box().read())


def test_nobody_there_is_one_sentence(room):
    with imap_running(room) as port:
        pass
    with pytest.raises(MailError, match=r"reports cannot be read from [0-9.]+: Connection refused"):
        list(ImapBox(account(port)).read())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"host": ""}, "needs a host"),
        ({"password": ""}, "needs a host, a user name, a password"),
        ({"folder": ""}, "and a folder"),
        ({"folder": "IN\r\nBOX"}, "printable ASCII"),
        ({"username": "a\nb"}, "printable ASCII"),
        ({"password": "bücher"}, "printable ASCII"),
        ({"timeout_seconds": 0}, "above 0 seconds"),
        ({"host": "imap.example"}, "would cross the network unencrypted"),
        ({"security": Security.TLS, "ca_file": "/nowhere.pem"}, "No such file"),
    ],
)
def test_an_account_that_cannot_be_used_is_refused_at_once(changes, sentence):
    with pytest.raises(MailError, match=sentence):
        ImapBox(account(143, **changes))


def test_the_password_is_not_shown():
    assert "s3cret" not in repr(account(143))
