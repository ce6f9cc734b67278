"""Values made by the thousand are like those that their class makes."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from newsletter.making import maker
from newsletter.model import Reason, Subscriber, Why

FACTS = (Why.TOPIC, "agents")
USUAL = Reason(why=Why.TOPIC, detail="agents")


def test_it_is_equal_to_what_the_class_makes_and_of_the_same_class():
    made = maker(Reason)(*FACTS)

    assert made == USUAL
    assert type(made) is Reason
    assert hash(made) == hash(USUAL)
    assert repr(made) == repr(USUAL)
    assert str(made) == str(USUAL)


def test_it_is_frozen():
    made = maker(Reason)(*FACTS)

    with pytest.raises(FrozenInstanceError):
        made.detail = "another"


def test_it_can_be_copied_and_changed_like_any_other():
    made = maker(Reason)(*FACTS)

    assert replace(made, detail="robots") == replace(USUAL, detail="robots")
    assert copy.copy(made) == USUAL
    assert pickle.loads(pickle.dumps(made)) == USUAL


def test_all_values_must_be_given_usual_ones_too():
    with pytest.raises(TypeError):
        maker(Subscriber)("one", "one@reader.example")
