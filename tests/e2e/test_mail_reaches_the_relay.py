"""The house lives: a form sent by a program makes a mail at a real SMTP server."""

from __future__ import annotations

from newsletter.membership import Consent
from newsletter.subscriptions import Subscriptions


def test_a_confirmation_reaches_a_real_smtp_server(house):
    desk: Subscriptions = house.app.subscriptions
    consent = Consent(at=house.app.now(), origin="test", wording="yes")
    desk.subscribe("ines@reader.example", None, consent, now=house.app.now())

    mail = house.mailbox.next()

    assert mail["To"] == "ines@reader.example"
    assert house.link(mail, "confirm")
