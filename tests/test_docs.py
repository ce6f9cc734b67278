"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from newsletter.cli import cli
from newsletter.config import ReaderFile, Settings

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_every_setting_is_explained_under_its_table(root):
    text = (root / "docs" / "configuration.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `\[(\w+)\]`(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))

    for table, field in Settings.model_fields.items():
        for key in field.annotation.model_fields:
            assert f"| `{key}` |" in sections[table], f"{table}.{key} is not explained"


def test_every_key_of_a_reader_file_is_explained(root):
    text = (root / "docs" / "configuration.md").read_text(encoding="utf-8")

    for key in ReaderFile.model_fields:
        assert f"| `{key}` |" in text


def test_every_command_stands_in_the_readme(root):
    text = (root / "README.md").read_text(encoding="utf-8")

    for name in get_command(cli).commands:
        assert f"newsletter {name}" in text


def test_every_make_target_of_the_readme_exists(root):
    targets = re.findall(r"^(\w+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    text = (root / "README.md").read_text(encoding="utf-8")

    assert set(re.findall(r"`make (\w+)", text)) <= set(targets)


PAGES = ("README.md", "CHANGELOG.md", *(f"docs/{page.name}" for page in DOCS.glob("*.md")))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_somewhere(root, page):
    text = (root / page).read_text(encoding="utf-8")

    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert ((root / page).parent / target).exists(), f"{page} links to {target}"


def headings(page: Path) -> set[str]:
    """The names by which a page's headings can be linked to."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_heading_leads_to_one(root, page):
    text = (root / page).read_text(encoding="utf-8")

    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*\.md)?#([^)]+)\)", text):
        there = (root / page).parent / target if target else root / page
        assert heading in headings(there), f"{page} links to {target}#{heading}"


def test_no_committed_text_names_an_index_host_or_a_path_of_a_machine(root):
    files = [root / name for name in ("constraints.txt", "pyproject.toml", "Makefile", "README.md")]
    files += (root / "docs").glob("*.md")
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w./])/(?:root|work|home)/|/simple\b|file://|\.whl\b", text), (
            file
        )
