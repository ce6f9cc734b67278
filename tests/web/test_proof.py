"""Proofs of work and stamps: what we made is accepted in time and once, everything else is not."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

import pytest
from altcha import Challenge, Payload, Solution, solve_challenge
from hypothesis import given
from hypothesis import strategies as st

from newsletter.web.proof import Proofs, Stamps

NOW = 1_790_000_000.5
LIFE = 3_600


def proofs(key: bytes | str = "a key", *, remembered: int = 100) -> Proofs:
    return Proofs(key, iterations=2, tries=3, life_seconds=LIFE, remembered=remembered)


def spelt(value: object) -> str:
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def solved(challenge: dict[str, object]) -> str:
    """What the script of the page sends."""
    solution = solve_challenge(Challenge.from_dict(challenge))
    return answered(challenge, solution.counter, solution.derived_key)


def answered(challenge: dict[str, object], counter: object, key: object) -> str:
    return spelt({"challenge": challenge, "solution": {"counter": counter, "derivedKey": key}})


@dataclass
class OneProof:
    """A proof whose replay is not in the way of trying it again."""

    text: str = field(default_factory=lambda: solved(proofs().challenge(NOW)))

    def counts(self, text: str, now: float = NOW) -> bool:
        return proofs().redeem(text, now)


PROOF = OneProof()
STAMP = Stamps("a key").stamp(NOW)


def test_solution_is_redeemed_once():
    desk = proofs()
    first, second = (solved(desk.challenge(NOW)) for _ in range(2))
    assert [desk.redeem(text, NOW) for text in (first, first, second, first)] == [
        True,
        False,
        True,
        False,
    ]


def test_solution_counts_to_the_end_of_its_life_and_not_after():
    assert PROOF.counts(PROOF.text, NOW + LIFE - 1)
    assert not PROOF.counts(PROOF.text, NOW + LIFE)


def test_redeemed_ids_are_forgotten_when_they_have_expired():
    desk = proofs()
    for later in range(5):
        assert desk.redeem(solved(desk.challenge(NOW + later)), NOW + later)
    assert len(desk) == 5
    assert desk.redeem(solved(desk.challenge(NOW + LIFE + 2)), NOW + LIFE + 2)
    assert len(desk) == 3


def test_no_further_proof_counts_while_the_memory_is_full():
    desk = proofs(remembered=2)
    assert [desk.redeem(solved(desk.challenge(NOW)), NOW) for _ in range(3)] == [True, True, False]
    later = NOW + LIFE
    assert desk.redeem(solved(desk.challenge(later)), later)


def test_key_may_be_text_or_octets_and_another_key_does_not_count():
    assert proofs(b"a key").redeem(PROOF.text, NOW)
    assert not proofs("another").redeem(PROOF.text, NOW)


def test_challenge_says_what_the_browser_needs_and_keeps_the_answer_to_itself():
    challenge = proofs().challenge(NOW)
    parameters = challenge["parameters"]
    assert set(challenge) == {"parameters", "signature"}
    assert parameters["algorithm"] == "PBKDF2/SHA-256"
    assert parameters["data"] == {"expires": int(NOW) + LIFE}
    assert "counter" not in json.dumps(challenge)
    assert challenge == json.loads(json.dumps(challenge))


def test_answer_is_found_within_twice_the_tries():
    counters = {
        solve_challenge(Challenge.from_dict(proofs().challenge(NOW))).counter for _ in "x" * 60
    }
    assert counters <= set(range(6))
    assert len(counters) > 1


def test_easier_challenge_of_ones_own_does_not_count():
    challenge = proofs().challenge(NOW)
    challenge["parameters"] |= {"keyPrefix": "", "cost": 1}
    assert not PROOF.counts(solved(challenge))


def test_prolonged_challenge_does_not_count():
    challenge = proofs().challenge(NOW - LIFE)
    challenge["parameters"]["data"]["expires"] += 60
    assert not PROOF.counts(solved(challenge))


def test_guessed_answer_does_not_count():
    challenge = proofs().challenge(NOW)
    for counter in (-1, 2**32, 2**40, True, None, "1", 1.0, [], 10**400):
        assert not PROOF.counts(answered(challenge, counter, "00" * 32))
    right = Solution.from_dict(json.loads(base64.b64decode(solved(challenge)))["solution"])
    assert not PROOF.counts(answered(challenge, right.counter, "ff" * 32))
    assert not PROOF.counts(answered(challenge, right.counter + 1, right.derived_key))


def test_other_spellings_of_a_good_proof_do_not_count():
    meaning = json.loads(base64.b64decode(PROOF.text))
    timed = {**meaning, "solution": meaning["solution"] | {"time": 12.5}}
    spaced = base64.b64encode(json.dumps(meaning).encode()).decode()
    assert Payload.from_base64(spaced).to_dict() == meaning
    for text in (spaced, spelt({**meaning, "more": 1}), PROOF.text + "\n", PROOF.text.rstrip("=")):
        assert not PROOF.counts(text) or text == PROOF.text
    assert PROOF.counts(spelt(timed)), "altcha's own widget says how long it took"


@given(st.data())
def test_proof_with_one_changed_character_does_not_count(data):
    place = data.draw(st.integers(0, len(PROOF.text) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != PROOF.text[place]))
    assert not PROOF.counts(PROOF.text[:place] + other + PROOF.text[place + 1 :])


@given(st.data())
def test_proof_with_one_flipped_bit_of_its_json_does_not_count(data):
    octets = bytearray(base64.b64decode(PROOF.text))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert not PROOF.counts(base64.b64encode(octets).decode())


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["expires", "a", "__proto__"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda o: base64.b64encode(o).decode()))
def test_any_text_is_refused_without_an_error(text):
    assert not PROOF.counts(text)


@given(
    st.sampled_from(["parameters", "signature", "challenge", "solution"]) | st.none(),
    st.sampled_from(["nonce", "salt", "cost", "data", "keyLength", "keyPrefix", "expiresAt"]),
    _VALUES,
)
def test_wild_values_in_a_proof_are_refused_without_an_error(whole, part, value):
    meaning = json.loads(base64.b64decode(PROOF.text))
    if whole in meaning:
        meaning[whole] = value
    elif whole:
        meaning["challenge"][whole] = value
    elif meaning["challenge"]["parameters"].get(part) == value:
        return
    else:
        meaning["challenge"]["parameters"][part] = value
    assert not PROOF.counts(spelt(meaning))


@pytest.mark.parametrize("text", ["[" * 1_400, '{"challenge":' * 110, "x" * 100_000])
def test_deep_and_long_texts_are_refused_without_an_error(text):
    assert not PROOF.counts(base64.b64encode(text.encode()).decode())


def test_stamp_tells_the_second_it_was_made():
    assert Stamps("a key").read(STAMP) == int(NOW)
    assert Stamps(b"a key").read(STAMP) == int(NOW)


def test_stamp_of_another_key_or_purpose_is_not_ours():
    assert Stamps("another").read(STAMP) is None
    assert Stamps("a key").read("") is None
    assert Stamps("a key").read(PROOF.text) is None


@given(st.data())
def test_stamp_with_one_changed_character_is_not_ours(data):
    place = data.draw(st.integers(0, len(STAMP) - 1))
    other = data.draw(st.characters().filter(lambda c: c != STAMP[place]))
    assert Stamps("a key").read(STAMP[:place] + other + STAMP[place + 1 :]) is None


@given(st.text())
def test_any_text_is_no_stamp(text):
    assert Stamps("a key").read(text) is None
