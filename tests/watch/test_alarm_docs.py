"""Every alarm is explained to the operator by its name."""

from __future__ import annotations

import re


def test_every_alarm_of_the_code_is_explained(root):
    code = "".join(
        (root / "newsletter" / name).read_text(encoding="utf-8")
        for name in ("watch/alarms.py", "watchman.py", "web/doorman.py")
    )
    text = (root / "docs" / "operations.md").read_text(encoding="utf-8")

    named = re.findall(r'name=f?"([a-z][a-z -]+)(?:\{[a-z.]+\})?"', code)
    named += ["complaints", "complaints over the limit", "sign-up flood"]
    assert len(named) > 12
    for name in named:
        shown = name.strip() + " NAME" if name.endswith(" ") else name
        assert f"| `{shown}` |" in text, name
