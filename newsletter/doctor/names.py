"""What the DNS says of the sender: SPF, DKIM, DMARC, MX, and the name of the relay's address."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from dns.exception import DNSException
from dns.rdatatype import RdataType
from dns.resolver import NXDOMAIN, Resolver
from dns.reversename import from_address

from newsletter.doctor.findings import Finding, fail, ok, warn
from newsletter.errors import harmless
from newsletter.sources.addresses import is_public

SECONDS = 5.0
_MOST_LOOKUPS = 10  # RFC 7208 section 4.6.4
_COSTLY = re.compile(
    r"[+?~-]?(include:|a(?=[:/]|$)|mx(?=[:/]|$)|ptr(?=:|$)|exists:)|redirect=", re.IGNORECASE
)
_FURTHER = re.compile(r"[+?~-]?include:(.+)|redirect=(.+)", re.IGNORECASE)
_BITS_2048 = 256  # octets that a public RSA key of 2048 bits has at least
_BITS_1024 = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Dkim:
    """A record that should stand in the DNS; `text` is empty where only its place is known."""

    name: str
    text: str = ""


class Names:
    """Asks one resolver, at most a few seconds a question."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def ask(self, name: str, kind: RdataType) -> tuple[str, ...]:
        """The records as text; none where the name or the kind does not exist.

        Raises:
            DNSException: nobody answered, or not usefully.
        """
        try:
            answer = self._resolver.resolve(
                name, kind, raise_on_no_answer=False, lifetime=SECONDS, search=False
            )
        except NXDOMAIN:
            return ()
        return tuple(record.to_text() for record in answer.rrset or ())

    def texts(self, name: str) -> tuple[str, ...]:
        """TXT records, their strings joined (RFC 7208 section 3.3)."""
        return tuple(_joined(record) for record in self.ask(name, RdataType.TXT))


def examine_names(
    names: Names, *, sender: str, envelope: str, replies: str, relay: str, dkim: Sequence[Dkim]
) -> Iterator[Finding]:
    """Everything about the domains of the sender, of return paths and of the address for answers.

    Args:
        sender, envelope, replies: domains.
        relay: host name of the relay; empty where none is used.
    """
    checks = [
        ("SPF", partial(spf, names, envelope)),
        *(("DKIM", partial(dkim_record, names, record)) for record in dkim),
        ("DMARC", partial(dmarc, names, sender)),
        *(
            ("MX", partial(mx, names, domain))
            for domain in dict.fromkeys((sender, envelope, replies))
        ),
    ]
    if relay:
        checks.append(("PTR", partial(ptr, names, relay)))
    for about, check in checks:
        yield _answered(about, check)


def _answered(about: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except DNSException as error:
        why = str(error).splitlines()[0][:200] or type(error).__name__
        return warn(
            about,
            f"The DNS gave no answer: {why}",
            "Try again, or ask another server with --nameserver ADDRESS.",
        )


def spf(names: Names, domain: str) -> Finding:
    """Who may send for the domain of the envelope (RFC 7208)."""
    records = [text for text in names.texts(domain) if _is_spf(text)]
    if not records:
        return fail(
            "SPF",
            f"{domain} has no SPF record.",
            f'Publish for {domain} TXT "v=spf1 include:YOUR-RELAY -all", as the relay\'s provider says.',
        )
    if len(records) > 1:
        return fail(
            "SPF",
            f"{domain} has {len(records)} SPF records, which counts as none.",
            "Join them into one record.",
        )
    words = records[0].lower().split()
    if "all" in words or "+all" in words:
        return fail("SPF", f"{domain} lets everybody send (+all).", "End the record with -all.")
    if (asked := _lookups(names, records[0], {domain})) > _MOST_LOOKUPS:
        return fail(
            "SPF",
            f"The record of {domain} needs {asked} lookups; after {_MOST_LOOKUPS} it counts as broken.",
            "Leave out what does not send for you.",
        )
    if not {"-all", "~all"} & set(words) and "redirect=" not in records[0].lower():
        return warn(
            "SPF",
            f"The record of {domain} does not say what others may not.",
            "End it with -all or ~all.",
        )
    return ok("SPF", f"{domain}: {_shown(records[0])}")


def _is_spf(text: str) -> bool:
    return text.lower().split(" ")[0] == "v=spf1"


def _lookups(names: Names, record: str, seen: set[str]) -> int:
    """How many questions a receiver must ask, those of included records too."""
    count = 0
    for word in record.split()[1:]:
        count += bool(_COSTLY.match(word))
        found = _FURTHER.fullmatch(word)
        further = (found[1] or found[2]).lower() if found else ""
        if count > _MOST_LOOKUPS or not further or "%" in further or further in seen:
            continue
        seen.add(further)
        inner = next(filter(_is_spf, names.texts(further)), "")
        count += _lookups(names, inner, seen)
    return count


def dkim_record(names: Names, expected: Dkim) -> Finding:
    """Whether the public key stands where receivers look for it (RFC 6376 section 3.6)."""
    name = expected.name
    publish = f'Publish for {name} TXT "{expected.text or "…"}".'
    found = [text for text in names.texts(name) if "p=" in text]
    if not found:
        return fail("DKIM", f"{name} has no key.", publish)
    if len(found) > 1:
        return fail("DKIM", f"{name} has {len(found)} records; receivers take any.", "Leave one.")
    published = _tags(found[0])
    if not published.get("p"):
        return fail("DKIM", f"The key at {name} is revoked (p= is empty).", publish)
    if expected.text and published["p"] != _tags(expected.text)["p"]:
        return fail("DKIM", f"The key at {name} is not the one that signs.", publish)
    return _strength(name, published)


def _strength(name: str, published: dict[str, str]) -> Finding:
    try:
        octets = len(base64.b64decode(published["p"], validate=True))
    except binascii.Error:
        return fail("DKIM", f"The key at {name} is no base64.", "Publish it again, on one line.")
    rsa = published.get("k", "rsa").lower() == "rsa"
    stronger = "Make a key of 2048 bits and publish it under a new selector."
    if rsa and octets < _BITS_1024:
        return fail("DKIM", f"The key at {name} has fewer than 1024 bits.", stronger)
    if rsa and octets < _BITS_2048:
        return warn("DKIM", f"The key at {name} has fewer than 2048 bits.", stronger)
    return ok("DKIM", f"{name} holds the key.")


def dmarc(names: Names, domain: str) -> Finding:
    """What receivers shall do with mails that fail both (RFC 7489 section 6.6.3)."""
    labels = domain.split(".")
    for start in range(max(len(labels) - 1, 1)):
        at = ".".join(labels[start:])
        found = [t for t in names.texts(f"_dmarc.{at}") if t.lower().startswith("v=dmarc1")]
        if len(found) > 1:
            return fail(
                "DMARC", f"_dmarc.{at} has {len(found)} records, which count as none.", "Leave one."
            )
        if found:
            return _policy(at, _tags(found[0]))
    return fail(
        "DMARC",
        f"{domain} has no DMARC record; Gmail, Yahoo and Outlook.com ask senders of many mails for one.",
        f'Publish for _dmarc.{domain} TXT "v=DMARC1; p=none; rua=mailto:postmaster@{domain}".',
    )


def _policy(at: str, tags: dict[str, str]) -> Finding:
    policy = tags.get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        return fail(
            "DMARC",
            f"The record at _dmarc.{at} names no policy.",
            "Add p=none, quarantine or reject.",
        )
    watched = ", so nothing is enforced yet" if policy == "none" else ""
    return ok("DMARC", f"_dmarc.{at}: p={policy}{watched}.")


def mx(names: Names, domain: str) -> Finding:
    """Whether answers and reports arrive: From and Reply-To must take mail."""
    found = names.ask(domain, RdataType.MX)
    if found and all(record.split()[-1] == "." for record in found):
        return fail(
            "MX",
            f"{domain} says that it takes no mail (RFC 7505).",
            "Give it an MX record, or use addresses of a domain that has one.",
        )
    if found:
        best_first = sorted(found, key=lambda record: int(record.split()[0]))
        hosts = ", ".join(record.split()[-1].rstrip(".") for record in best_first[:3])
        return ok("MX", f"Mail for {domain} goes to {hosts}.")
    if names.ask(domain, RdataType.A) or names.ask(domain, RdataType.AAAA):
        return warn("MX", f"{domain} has no MX record, only an address.", "Publish an MX record.")
    return fail(
        "MX",
        f"{domain} takes no mail: it has neither MX record nor address.",
        "Publish an MX record; somebody must read what comes back.",
    )


def ptr(names: Names, relay: str) -> Finding:
    """Whether the relay's address has a name that leads back to it, as Gmail asks."""
    addresses = (*names.ask(relay, RdataType.A), *names.ask(relay, RdataType.AAAA))
    public = [address for address in addresses if is_public(address)]
    if not public:
        return ok("PTR", f"{relay} has no public address; its own provider's name counts.")
    for address in public:
        called = names.ask(from_address(address).to_text(), RdataType.PTR)
        kind = RdataType.AAAA if ":" in address else RdataType.A
        if not any(address in names.ask(name.rstrip("."), kind) for name in called):
            why = "has no name" if not called else f"is called {called[0]}, which leads elsewhere"
            return warn(
                "PTR",
                f"The address {address} of {relay} {why}.",
                "If this relay sends to the world itself, let its provider set the reverse name.",
            )
    return ok("PTR", f"The addresses of {relay} have names that lead back to them.")


def _joined(record: str) -> str:
    """The strings of a TXT record as one."""
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', record)).replace('\\"', '"')


def _tags(record: str) -> dict[str, str]:
    """`k=rsa; p=...` as a mapping, blanks left out (RFC 6376 section 3.2)."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {
        name.strip().lower(): "".join(value.split()) for name, _, value in pairs if name.strip()
    }


def _shown(text: str) -> str:
    return harmless(text if len(text) <= 120 else text[:119] + "…")
