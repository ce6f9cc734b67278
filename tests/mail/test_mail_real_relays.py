"""What the playing relay taught holds with Postfix, Exim and OpenSMTPD; skipped where not installed."""

from __future__ import annotations

from collections import Counter

import pytest
from real_relays import BUSY, NOBODY, exim, opensmtpd, postfix, running

from newsletter.mail.servers.dial import Relay, Security
from newsletter.mail.servers.smtp import SmtpTransport
from newsletter.mail.transport import Envelope

COUNT = 250
RAW = b"Subject: number %d\r\nMessage-ID: <%d@newsletter.example>\r\n\r\n.dot\r\n%b"
LINE = b"a line of a digest, long enough to count\r\n"


def mail(number: int) -> Envelope:
    refused = {11: NOBODY, 12: NOBODY, 13: BUSY, 170: NOBODY}
    return Envelope(
        raw=RAW % (number, number, LINE * 500),
        sender=f"b+{number}@newsletter.example",
        recipient=refused.get(number, f"r{number}@reader.example"),
    )


@pytest.mark.parametrize(("window", "share"), [(1, 1000), (8, 1000), (8, 60)])
@pytest.mark.parametrize("start", [postfix, exim, opensmtpd])
def test_what_a_real_relay_took_is_what_was_told(start, window, share):
    with running(start) as relay:
        transport = SmtpTransport(
            Relay(
                host="127.0.0.1",
                port=relay.port,
                security=Security.NONE,
                local_hostname="client.example",
                window=window,
                mails_per_connection=share,
            )
        )
        told = list(transport.carry(mail(number) for number in range(COUNT)))
        transport.close()
        accepted = [mail(n).recipient for n, one in enumerate(told) if one.result == "accepted"]
        assert Counter(relay.kept(len(accepted))) == Counter(accepted)
    others = {n: one.result.value for n, one in enumerate(told) if one.result != "accepted"}
    busy = "rejected" if start is opensmtpd else "deferred"  # it knows no refusal for now
    assert others == {11: "rejected", 12: "rejected", 13: busy, 170: "rejected"}
