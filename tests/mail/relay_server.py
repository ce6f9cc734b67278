"""Relays for the tests of the mail room: a real one with every stage adjustable."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

LOGIN = ("newsletter", "s3cret-word")


@dataclass
class Desk:
    """What the relay answers at each stage, and what it took."""

    ehlo: str = ""
    mail: str = ""
    rcpt: str = ""
    data: str = ""
    rset: str = ""
    hang_up_at: str = ""
    mails: list[Envelope] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    connections: int = 0
    takes: Callable[[str], bool] = lambda token: False  # access tokens (XOAUTH2)
    shown: list[str] = field(default_factory=list)

    def authenticate(self, server, session, envelope, mechanism, data) -> AuthResult:
        if isinstance(data, LoginPassword):
            given = (data.login.decode(), data.password.decode())
            self.logins.append(given)
            return AuthResult(success=given == LOGIN, handled=given == LOGIN)
        return AuthResult(success=False, handled=False)

    async def auth_XOAUTH2(self, server, args) -> AuthResult:  # noqa: N802 - found by this name
        """As Google and Microsoft do it: a refusal is a challenge in JSON, ended by an empty line."""
        said = await server.challenge_auth("")
        self.shown.append(said.decode())
        user, token = said.decode().removesuffix("\1\1").split("\1auth=Bearer ")
        if user == f"user={LOGIN[0]}" and self.takes(token):
            return AuthResult(success=True)
        self.shown.append((await server.challenge_auth('{"status":"400"}')).decode())
        return AuthResult(success=False, handled=False)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        return [self.ehlo] if self.ehlo else responses

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        self._hang_up(server, "mail")
        if not self.mail:
            envelope.mail_from = address
        return self.mail or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self._hang_up(server, "rcpt")
        if not self.rcpt:
            envelope.rcpt_tos.append(address)
        return self.rcpt or "250 OK"

    async def handle_RSET(self, server, session, envelope):  # noqa: N802
        self._hang_up(server, "rset")
        return self.rset or "250 OK"

    async def handle_DATA(self, server, session: Session, envelope: Envelope):  # noqa: N802
        self._hang_up(server, "data")
        if not self.data:
            self.mails.append(envelope)
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return self.data or "250 2.0.0 taken as 4711"

    def _hang_up(self, server: SMTP, stage: str) -> None:
        if self.hang_up_at == stage:
            server.transport.abort()


class _CountedSMTP(SMTP):
    def connection_made(self, transport) -> None:
        self.event_handler.connections += 0 if self._over_ssl else 1
        super().connection_made(transport)


@dataclass
class RunningRelay:
    """A relay on some port of this machine."""

    port: int
    desk: Desk
    drop_all: Callable[[], None]


@contextmanager
def relay_running(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, **options: object
) -> Iterator[RunningRelay]:
    """aiosmtpd in a thread of its own; `options` go to its protocol."""
    desk = Desk()
    loop = asyncio.new_event_loop()
    protocols: list[SMTP] = []

    def make() -> SMTP:
        protocol = _CountedSMTP(
            desk,
            loop=loop,
            hostname="relay.example",
            tls_context=starttls,
            authenticator=desk.authenticate,
            **options,
        )
        protocols.append(protocol)
        return protocol

    def drop_all() -> None:
        async def drop() -> None:
            for protocol in protocols:
                if protocol.transport is not None:
                    protocol.transport.abort()
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(drop(), loop).result(10)

    server = loop.run_until_complete(loop.create_server(make, "127.0.0.1", 0, ssl=tls))
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        port = server.sockets[0].getsockname()[1]
        yield RunningRelay(port=port, desk=desk, drop_all=drop_all)
    finally:
        asyncio.run_coroutine_threadsafe(_shut(server, protocols), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _shut(server: asyncio.Server, protocols: Sequence[SMTP]) -> None:
    server.close()
    for protocol in protocols:
        if protocol.transport is not None:
            protocol.transport.abort()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for _ in range(5):  # the callbacks of the aborted connections
        await asyncio.sleep(0)
