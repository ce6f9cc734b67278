"""What the DNS says of a sender, asked of a real server on this machine."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dns_server import Zone, dns_running

from newsletter.doctor import Level
from newsletter.doctor.names import (
    Dkim,
    Names,
    dkim_record,
    dmarc,
    examine_names,
    mx,
    ptr,
    spf,
)

HOME = "papers.org"
KEY_AT = f"s1._domainkey.{HOME}"


@pytest.fixture(scope="module")
def running():
    with dns_running() as zone:
        yield zone


@pytest.fixture
def zone(running: Zone) -> Zone:
    """The server, knowing nothing yet."""
    running.refuses = False
    running._records.clear()
    running.asked.clear()
    return running


@pytest.fixture
def names(zone: Zone) -> Names:
    return Names(zone.resolver())


@pytest.fixture(scope="module")
def keys() -> dict[int, str]:
    """Public RSA keys by bits, as they stand in a record."""
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    made = {bits: rsa.generate_private_key(65537, bits) for bits in (1024, 2048)}
    return {
        bits: base64.b64encode(key.public_key().public_bytes(*form)).decode()
        for bits, key in made.items()
    }


@pytest.mark.parametrize(
    ("records", "level", "words"),
    [
        ([], Level.FAIL, "has no SPF record"),
        (["v=spf1 ip4:192.0.2.1 -all"], Level.OK, "v=spf1 ip4:192.0.2.1 -all"),
        (["v=spf1 mx ~all", "some other text"], Level.OK, "mx ~all"),
        (["v=spf10 -all"], Level.FAIL, "has no SPF record"),
        (["v=spf1 -all", "v=spf1 mx -all"], Level.FAIL, "has 2 SPF records"),
        (["v=spf1 +all"], Level.FAIL, "lets everybody send"),
        (["v=spf1 all"], Level.FAIL, "lets everybody send"),
        (["v=spf1 ip4:192.0.2.1"], Level.WARN, "does not say what others may not"),
        (["v=spf1 redirect=elsewhere.org"], Level.OK, "redirect"),
    ],
)
def test_spf(names: Names, zone: Zone, records, level, words):
    zone.text(HOME, *records)

    found = spf(names, HOME)

    assert (found.level, words in found.said) == (level, True)
    assert bool(found.fix) == (level is not Level.OK)


def test_spf_lookups_are_counted_through_includes(names: Names, zone: Zone):
    zone.text(HOME, "v=spf1 include:a.org include:b.org mx -all")
    zone.text("a.org", "v=spf1 a mx exists:x.org include:b.org -all")
    zone.text("b.org", "v=spf1 a:h1.org a:h2.org include:a.org -all")
    assert spf(names, HOME).level is Level.OK

    zone.text("b.org", "v=spf1 a:h1.org a:h2.org a:h3.org a:h4.org a:h5.org -all")
    found = spf(names, HOME)

    assert found.level is Level.FAIL
    assert "lookups; after 10 it counts as broken" in found.said


def test_a_key_that_stands_where_it_should_is_well(names: Names, zone: Zone, keys):
    text = f"v=DKIM1; k=rsa; p={keys[2048]}"
    zone.text(KEY_AT, text)

    assert dkim_record(names, Dkim(name=KEY_AT, text=text)).level is Level.OK
    assert dkim_record(names, Dkim(name=KEY_AT)).level is Level.OK


def test_a_key_that_is_missing_is_shown_as_it_must_be_published(names: Names, keys):
    text = f"v=DKIM1; k=rsa; p={keys[2048]}"

    found = dkim_record(names, Dkim(name=KEY_AT, text=text))

    assert found.level is Level.FAIL
    assert found.fix == f'Publish for {KEY_AT} TXT "{text}".'


@pytest.mark.parametrize(
    ("records", "level", "words"),
    [
        (["v=DKIM1; p="], Level.FAIL, "is revoked"),
        (["v=DKIM1; p=AAAA"], Level.FAIL, "is not the one that signs"),
        (["v=DKIM1; p=AAAA", "v=DKIM1; p=BBBB"], Level.FAIL, "has 2 records"),
        (["v=DKIM1; t=y"], Level.FAIL, "has no key"),
    ],
)
def test_a_wrong_key_is_told(names: Names, zone: Zone, keys, records, level, words):
    zone.text(KEY_AT, *records)

    found = dkim_record(names, Dkim(name=KEY_AT, text=f"v=DKIM1; k=rsa; p={keys[2048]}"))

    assert (found.level, words in found.said) == (level, True)


@pytest.mark.parametrize(
    ("record", "level"),
    [
        ("v=DKIM1; k=rsa; p={1024}", Level.WARN),
        ("v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJB", Level.FAIL),
        ("v=DKIM1; p=!!!!", Level.FAIL),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", Level.OK),
    ],
)
def test_the_strength_of_a_relays_key_is_judged(names: Names, zone: Zone, keys, record, level):
    zone.text(KEY_AT, record.replace("{1024}", keys[1024]))

    assert dkim_record(names, Dkim(name=KEY_AT)).level is level


@pytest.mark.parametrize(
    ("at", "records", "level", "words"),
    [
        (HOME, [], Level.FAIL, "has no DMARC record"),
        (f"_dmarc.{HOME}", ["v=DMARC1; p=none; rua=mailto:x@papers.org"], Level.OK, "nothing is"),
        (f"_dmarc.{HOME}", ["v=DMARC1; p=reject"], Level.OK, "p=reject."),
        (f"_dmarc.{HOME}", ["v=DMARC1; rua=mailto:x@papers.org"], Level.FAIL, "names no policy"),
        (f"_dmarc.{HOME}", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], Level.FAIL, "2 records"),
    ],
)
def test_dmarc(names: Names, zone: Zone, at, records, level, words):
    zone.text(at, *records)

    found = dmarc(names, HOME)

    assert (found.level, words in found.said) == (level, True)


def test_dmarc_of_the_domain_above_holds_for_those_below(names: Names, zone: Zone):
    zone.text(f"_dmarc.{HOME}", "v=DMARC1; p=quarantine")

    assert dmarc(names, f"news.{HOME}").said == f"_dmarc.{HOME}: p=quarantine."


@pytest.mark.parametrize(
    ("kind", "records", "level", "words"),
    [
        (
            "MX",
            ["10 mail.papers.org.", "20 other.org."],
            Level.OK,
            "goes to mail.papers.org, other",
        ),
        ("MX", ["0 ."], Level.FAIL, "takes no mail (RFC 7505)"),
        ("A", ["192.0.2.1"], Level.WARN, "has no MX record, only an address"),
        ("TXT", ['"nothing"'], Level.FAIL, "neither MX record nor address"),
    ],
)
def test_mail_that_comes_back_must_arrive(names: Names, zone: Zone, kind, records, level, words):
    zone.put(HOME, kind, *records)

    found = mx(names, HOME)

    assert (found.level, words in found.said) == (level, True)


@pytest.mark.parametrize(
    ("called", "leads_to", "level", "words"),
    [
        ("mail.papers.org.", "9.9.9.9", Level.OK, "lead back"),
        ("mail.papers.org.", "8.8.8.8", Level.WARN, "which leads elsewhere"),
        ("", "9.9.9.9", Level.WARN, "has no name"),
    ],
)
def test_the_name_of_the_relays_address(names: Names, zone: Zone, called, leads_to, level, words):
    zone.put("relay.org", "A", "9.9.9.9")
    zone.put("mail.papers.org", "A", leads_to)
    if called:
        zone.put("9.9.9.9.in-addr.arpa", "PTR", called)

    found = ptr(names, "relay.org")

    assert (found.level, words in found.said) == (level, True)


def test_a_relay_with_private_addresses_needs_no_name_in_the_world(names: Names, zone: Zone):
    zone.put("relay.org", "A", "10.0.0.1")

    assert ptr(names, "relay.org").level is Level.OK


def test_a_server_that_fails_is_told_and_stops_nothing(names: Names, zone: Zone):
    zone.refuses = True

    found = list(
        examine_names(
            names,
            sender=HOME,
            envelope=HOME,
            replies=HOME,
            relay="relay.org",
            dkim=[Dkim(name=KEY_AT)],
        )
    )

    assert [finding.about for finding in found] == ["SPF", "DKIM", "DMARC", "MX", "PTR"]
    assert {finding.level for finding in found} == {Level.WARN}
    assert all("The DNS gave no answer" in finding.said for finding in found)


def test_a_name_that_cannot_be_one_is_told(names: Names):
    odd = f"{'a' * 64}.org"
    found = list(examine_names(names, sender=odd, envelope=odd, replies="a..b", relay="", dkim=[]))

    assert {finding.level for finding in found} == {Level.WARN}


def test_answers_of_another_domain_are_looked_for_too(names: Names, zone: Zone):
    zone.put("answers.org", "MX", "10 mail.answers.org.")

    found = list(
        examine_names(names, sender=HOME, envelope=HOME, replies="answers.org", relay="", dkim=[])
    )

    mail = [finding for finding in found if finding.about == "MX"]
    assert [finding.level for finding in mail] == [Level.FAIL, Level.OK]
