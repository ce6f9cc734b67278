"""The guide for designers names every variable that exists, and no other."""

from __future__ import annotations

import re
from dataclasses import fields

from mail_samples import TEMPLATES

from newsletter.mail.letters import LetterView
from newsletter.mail.view import Card, MailView


def test_the_guide_lists_every_variable(root):
    guide = (root / "docs" / "templates.md").read_text(encoding="utf-8")
    tables = " ".join(line.split("|")[1] for line in guide.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"`((?:mail|card|letter)\.\w+)`", tables))
    named -= {path.name for path in (TEMPLATES / "mail").iterdir()}
    real = {f"mail.{field.name}" for field in fields(MailView)} | {"mail.total"}
    real |= {f"card.{field.name}" for field in fields(Card)}
    real |= {f"letter.{field.name}" for field in fields(LetterView)}
    assert named == real


def test_the_guide_lists_every_file(root):
    guide = (root / "docs" / "templates.md").read_text(encoding="utf-8")
    for path in (TEMPLATES / "mail").iterdir():
        assert f"| `{path.name}` |" in guide
