"""The whole examination, from what stands in the house to what lies outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dns.resolver import Resolver

from newsletter.app import App
from newsletter.doctor import house, outside
from newsletter.doctor.findings import Finding, fail, warn
from newsletter.doctor.names import Dkim, Names, examine_names
from newsletter.errors import MailError


def examine(app: App, resolver: Resolver, *, selector: str = "") -> Iterator[Finding]:
    """Looks at everything, one after the other; changes and sends nothing.

    Args:
        resolver: whom to ask about names.
        selector: of a DKIM key that the relay signs with.
    """
    yield from house.settings(app.settings)
    yield house.base_url(app.settings)
    yield house.templates(app)
    yield from house.model(app)
    yield from house.store(app)
    yield from outside.relays(app)
    yield from outside.reports(app)
    yield from _names(app, resolver, selector)
    yield from outside.lists(app)
    yield outside.pages(app)
    yield outside.clock(app)


def _names(app: App, resolver: Resolver, selector: str) -> Iterator[Finding]:
    publication = app.settings.publication
    sender = publication.from_address.rpartition("@")[2]
    if house.leads_nowhere(sender):
        return  # already said: nobody owns it
    dkim: Sequence[Dkim] = ()
    try:
        dkim = _dkim(app, sender, selector)
        yield from _our_signature(app, sender)
    except MailError as error:
        yield fail("DKIM", f"{error}.", "Mend [dkim] in the settings, or the key file it names.")
    else:
        if not dkim:
            yield warn(
                "DKIM",
                "No key of ours signs, so there is none to look up.",
                "Configure a key, or name the relay's: `newsletter doctor --dkim-selector NAME`.",
            )
    yield from examine_names(
        Names(resolver),
        sender=sender,
        envelope=app.settings.bounces.address.rpartition("@")[2] or sender,
        replies=publication.reply_to.rpartition("@")[2],
        relay=app.settings.smtp.host,
        dkim=dkim,
    )


def _our_signature(app: App, sender: str) -> Iterator[Finding]:
    """What makes it worth less, whatever the DNS says of the key."""
    signer = app.signer
    if signer is None:
        return
    if not f".{sender}".lower().endswith(f".{signer.domain}".lower()):
        yield fail(
            "signature",
            f"dkim.domain is {signer.domain}, which is neither {sender} nor above it: DMARC does not "
            "count such a signature.",
            "Set dkim.domain to the domain of publication.from_address, or to the one above it.",
        )
    for note in signer.notes:
        yield warn("signature", f"{note}.", "Make a new RSA key of 2048 bits for [dkim].")


def _dkim(app: App, sender: str, selector: str) -> Sequence[Dkim]:
    if selector:
        return (Dkim(name=f"{selector}._domainkey.{sender}"),)
    # An installation that signs itself knows what must stand in the DNS (`mail.dkim.Signer`).
    records = app.signer.records if app.signer else ()
    return tuple(Dkim(name=name, text=text) for name, text in records)
