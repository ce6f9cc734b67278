"""Synthetic reports in the shapes that mail servers and providers send."""

from __future__ import annotations

from newsletter.links import Key
from newsletter.mail.digest import digest_id
from newsletter.mail.verp import ReturnPaths

PATHS = ReturnPaths("b@bounce.newsletter.example", [Key(1, "test secret")])
DIGEST = digest_id("reader-1", "2026-04-03")
BACK = PATHS.make(DIGEST)
READER = "ada.byron@reader.example"

ORIGINAL_HEADERS = f"""\
From: Trending papers <digest@newsletter.example>
To: Ada <{READER}>
Subject: A short list
Message-ID: <{DIGEST}@newsletter.example>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
Content-Type: text/plain; charset=utf-8
"""

POSTFIX = f"""\
Return-Path: <>
Delivered-To: {BACK}
From: MAILER-DAEMON@mx.reader.example (Mail Delivery System)
To: {BACK}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="4F1.1775/mx"

This is a MIME-encapsulated message.

--4F1.1775/mx
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.reader.example.

--4F1.1775/mx
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.reader.example
X-Postfix-Queue-ID: 4F1
X-Postfix-Sender: rfc822; {BACK}
Arrival-Date: Fri,  3 Apr 2026 06:30:00 +0000 (UTC)

Final-Recipient: rfc822; {READER}
Original-Recipient: rfc822;{READER}
Action: {{action}}
Status: {{status}}
Remote-MTA: dns; store.reader.example
Diagnostic-Code: {{words}}

--4F1.1775/mx
Content-Description: Undelivered Message
Content-Type: message/rfc822

{ORIGINAL_HEADERS}
Hello
--4F1.1775/mx--
"""

EXIM = f"""\
Return-path: <>
Envelope-to: {BACK}
From: Mail Delivery System <Mailer-Daemon@mx.reader.example>
To: {BACK}
Subject: Mail delivery failed: returning message to sender
X-Failed-Recipients: {READER}
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=1775-eximdsn-1
MIME-Version: 1.0

--1775-eximdsn-1
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

--1775-eximdsn-1
Content-type: message/delivery-status

Reporting-MTA: dns; mx.reader.example

Action: failed
Final-Recipient: rfc822;{READER}
Status: 5.0.0
{{diagnostic}}
--1775-eximdsn-1
Content-type: message/rfc822

Return-path: <{BACK}>
{ORIGINAL_HEADERS}
--1775-eximdsn-1--
"""

EXCHANGE = f"""\
From: <postmaster@reader.example>
To: <{BACK}>
Date: Fri, 3 Apr 2026 06:30:09 +0000
Subject: Undeliverable: A short list
Auto-Submitted: auto-replied
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-US
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="_000_ndr_"

--_000_ndr_
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="_000_alt_"

--_000_alt_
Content-Type: text/plain; charset="us-ascii"

Your message to {READER} couldn't be delivered.

--_000_alt_
Content-Type: text/html; charset="us-ascii"

<p>Your message to {READER} couldn't be delivered.</p>

--_000_alt_--

--_000_ndr_
Content-Type: message/delivery-status

Reporting-MTA: dns;AB1PR01.prod.outlook.example
Received-From-MTA: dns;relay.newsletter.example
Arrival-Date: Fri, 3 Apr 2026 06:30:05 +0000

Original-Recipient: rfc822;{READER}
Final-Recipient: rfc822;{READER}
Action: failed
Status: {{status}}
Diagnostic-Code: smtp;550 {{status}} {{words}}
X-Display-Name: Ada Byron

--_000_ndr_
Content-Type: message/rfc822

{ORIGINAL_HEADERS}
--_000_ndr_--
"""

GMAIL = f"""\
Delivered-To: {BACK}
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
To: {BACK}
Auto-Submitted: auto-replied
Subject: Delivery Status Notification ({{subject}})
Content-Type: multipart/report; boundary="000000000000aa"; report-type=delivery-status

--000000000000aa
Content-Type: multipart/related; boundary="000000000000bb"

--000000000000bb
Content-Type: multipart/alternative; boundary="000000000000cc"

--000000000000cc
Content-Type: text/plain; charset="UTF-8"

** Address not found **

--000000000000cc--
--000000000000bb
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--000000000000bb--
--000000000000aa
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.example
Arrival-Date: Thu, 02 Apr 2026 23:30:00 -0700 (PDT)
X-Original-Message-ID: <{DIGEST}@newsletter.example>

Final-Recipient: rfc822; {READER}
Action: {{action}}
Status: {{status}}
Remote-MTA: dns; mx.reader.example. (192.0.2.26, the server for the domain reader.example.)
Diagnostic-Code: smtp; {{words}}
Last-Attempt-Date: Thu, 02 Apr 2026 23:30:01 -0700 (PDT)

--000000000000aa
Content-Type: message/rfc822

{ORIGINAL_HEADERS}
----- Message truncated -----

--000000000000aa--
"""

YAHOO = f"""\
From: MAILER-DAEMON@yahoo.example
To: {BACK}
Subject: Failure Notice
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="yy"

--yy
Content-Type: text/plain; charset=utf-8

Sorry, we were unable to deliver your message to the following address.

<{READER}>:
554: delivery error: This user does not have an account [0] - mta1001.mail.yahoo.example

--yy
Content-Type: message/delivery-status

Reporting-MTA: dns; sonic.yahoo.example

Final-Recipient: rfc822; {READER}
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; {{words}}

--yy
Content-Type: text/rfc822-headers

{ORIGINAL_HEADERS}
--yy--
"""

QMAIL = f"""\
Return-Path: <>
Delivered-To: {BACK}
From: MAILER-DAEMON@mx.reader.example
To: {BACK}
Subject: failure notice

Hi. This is the qmail-send program at mx.reader.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{READER}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <{BACK}>
{ORIGINAL_HEADERS}
Hello
"""

UTF8_REPORT = f"""\
Return-Path: <>
To: {BACK}
From: postmaster@reader.example
Content-Type: multipart/report; report-type=delivery-status; boundary="u8"

--u8
Content-Type: text/plain

Fehler
--u8
Content-Type: message/global-delivery-status

Reporting-MTA: dns; mx.reader.example

Final-Recipient: utf-8; {READER}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 Benutzer unbekannt

--u8
Content-Type: message/global-headers

{ORIGINAL_HEADERS}
--u8--
"""


def wire(text: str, **filled: str) -> bytes:
    """A sample as it lies in a mailbox, its blanks filled in."""
    for name, value in filled.items():
        text = text.replace(f"{{{name}}}", value)
    return text.encode().replace(b"\n", b"\r\n")
