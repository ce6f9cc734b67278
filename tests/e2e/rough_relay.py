"""A relay as a process of its own: it takes mails, and misbehaves as often as it is told to.

    python rough_relay.py '{"seed": 1, "rates": {"RCPT 450": 0.02}, "once": ["TEXT cut"],
                            "moments": [7, 30], "late_seconds": 3}'

A fault is a step and what happens there. Steps: CONNECT, EHLO, MAIL, RCPT, DATA, TEXT (the mail
itself). What: a reply code, `drop` (the connection), `hang` (no answer for ever), `late` (an answer
after `late_seconds`); for TEXT also `cut` (dropped before its end) and `taken` (kept, then dropped
without a word). `drop` at TEXT comes after the last dot, and the mail is not kept.

It tells on standard output, one JSON object a line:

    {"port": 2525}
    {"taken": "<id>", "to": "r1@reader.example", "subject": "...", "octets": "sha256",
     "answered": true}
    {"refused": "r1@reader.example"}    for good
    {"again": "r1@reader.example"}      asked for after it was refused for good
    {"fault": "TEXT cut"}
    {"moment": 3}       who sends, over 3 connections, may be killed now; a line in ends the moment
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import sys
from email import message_from_bytes

_WELCOME = (
    b"250-relay.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
    b"250 SIZE 10000000"
)
_STATUS = {("RCPT", 550): "5.1.1", ("RCPT", 552): "5.2.2", ("RCPT", 452): "4.2.2"}
_LARGEST = 1 << 24


class GoneError(Exception):
    """This connection is at its end."""


class Relay:
    """What all connections share: chance, the steps so far, who was refused."""

    def __init__(self, plan: dict) -> None:
        self.late_seconds = plan.get("late_seconds", 3)
        self.open = 0
        self.refused: set[str] = set()
        self._chance = random.Random(plan.get("seed", 1))
        self._rates = [(*name.split(), rate) for name, rate in plan.get("rates", {}).items()]
        self._once = [name.split() for name in plan.get("once", ())]
        self._moments = sorted(plan.get("moments", ()), reverse=True)
        self._steps = 0
        self._go = asyncio.Event()

    def fault(self, step: str) -> str:
        """What goes wrong at this step; empty if nothing does."""
        for planned in self._once:
            if planned[0] == step:
                self._once.remove(planned)
                tell(fault=" ".join(planned))
                return planned[1]
        drawn = self._chance.random()
        for where, what, rate in self._rates:
            if where == step:
                drawn -= rate
                if drawn < 0:
                    tell(fault=f"{where} {what}")
                    return what
        return ""

    async def moment(self) -> None:
        """Counts one more step, and stands still if it is one of the moments."""
        self._steps += 1
        if self._moments and self._steps >= self._moments[-1]:
            self._moments.pop()
            self._go.clear()
            tell(moment=self.open)
            await self._go.wait()

    def go_on(self) -> None:
        """The moment is over."""
        self._go.set()

    def either(self) -> bool:
        """Heads or tails."""
        return self._chance.random() < 0.5

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its beginning to its end."""
        self.open += 1
        try:
            await Session(self, reader, writer).talk()
        except (GoneError, OSError, asyncio.IncompleteReadError):
            """It ended as such connections end."""
        finally:
            self.open -= 1
            writer.close()


class Session:
    """One dialogue (RFC 5321); commands may come in one go (RFC 2920)."""

    def __init__(
        self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._relay = relay
        self._reader = reader
        self._writer = writer
        self._begun = False
        self._to = ""

    async def talk(self) -> None:
        """Answers commands until the other side is gone."""
        await self._step("CONNECT", b"220 relay.example ESMTP")
        while line := await self._reader.readline():
            verb = line[:4].decode("ascii", "replace").upper()
            if verb in ("EHLO", "HELO"):
                await self._step("EHLO", _WELCOME)
            elif verb == "MAIL":
                self._to = ""
                self._begun = await self._step("MAIL", b"250 2.1.0 ok")
            elif verb == "RCPT":
                await self._rcpt(line.decode("ascii", "replace"))
            elif verb == "DATA":
                await self._data()
            elif verb == "QUIT":
                await self._say(b"221 2.0.0 bye")
                return
            else:
                self._begun, self._to = False, ""
                await self._say(b"250 2.0.0 ok")

    async def _rcpt(self, line: str) -> None:
        to = re.search(r"<([^>]*)>", line)
        if not self._begun or to is None:
            await self._say(b"503 5.5.1 MAIL first")
            return
        if to[1] in self._relay.refused:
            tell(again=to[1])
        if await self._step("RCPT", b"250 2.1.5 ok", to=to[1]):
            self._to = to[1]

    async def _data(self) -> None:
        if not self._to:
            await self._say(b"503 5.5.1 RCPT first")
        elif await self._step("DATA", b"354 go on", to=self._to):
            await self._text()
        self._begun, self._to = False, ""

    async def _text(self) -> None:
        fault = self._relay.fault("TEXT")
        if fault == "cut":
            await self._reader.read(1000)
            self._drop()
        text = await self._reader.readuntil(b"\r\n.\r\n")
        raw = text[:-3].replace(b"\r\n..", b"\r\n.")
        if fault in ("taken", "late"):
            self._keep(raw, answered=False)
            fault = fault.replace("taken", "drop")
        elif not fault:
            self._keep(raw, answered=True)
        await self._answer("TEXT", fault, b"250 2.0.0 taken", to=self._to)

    def _keep(self, raw: bytes, *, answered: bool) -> None:
        mail = message_from_bytes(raw)
        tell(
            taken=mail["Message-ID"],
            to=self._to,
            subject=mail["Subject"],
            octets=hashlib.sha256(raw).hexdigest(),
            answered=answered,
        )

    async def _step(self, step: str, good: bytes, *, to: str = "") -> bool:
        """Answers well, or as badly as chance wants it; true for well."""
        return await self._answer(step, self._relay.fault(step), good, to=to)

    async def _answer(self, step: str, fault: str, good: bytes, *, to: str = "") -> bool:
        if fault == "drop":
            self._drop()
        if fault == "hang":
            while await self._reader.read(65536):
                """Whatever comes, nothing goes back."""
            raise GoneError
        if fault == "late":
            await asyncio.sleep(self._relay.late_seconds)
        if fault.isdecimal():
            await self._refuse(step, int(fault), to)
            return False
        await self._say(good)
        return True

    async def _refuse(self, step: str, code: int, to: str) -> None:
        if code >= 500 and step in ("RCPT", "DATA", "TEXT"):
            self._relay.refused.add(to)
            tell(refused=to)
        status = _STATUS.get((step, code), f"{code // 100}.3.0")
        await self._say(f"{code} {status} not now".encode())
        if code == 421:
            raise GoneError

    async def _say(self, reply: bytes) -> None:
        before = self._relay.either()
        if before:
            await self._relay.moment()
        self._writer.write(reply + b"\r\n")
        await self._writer.drain()
        if not before:
            await self._relay.moment()

    def _drop(self) -> None:
        self._writer.transport.abort()
        raise GoneError


def tell(**event: object) -> None:
    """Says something to whoever started this."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


async def main(plan: dict) -> None:
    """Serves until standard input ends."""
    relay = Relay(plan)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    server = await asyncio.start_server(relay.meet, "127.0.0.1", 0, limit=_LARGEST)
    tell(port=server.sockets[0].getsockname()[1])
    while await orders.readline():
        relay.go_on()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
