"""English is in the sources, German in the catalogues: complete, with the same placeholders, and compiled."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.utils.translation.template import templatize

from tests.runner import ROOT

APPS: Final = ("connect", "vehicles", "portal")
MARKS: Final = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_TEXT: Final = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
_PLACEHOLDER: Final = re.compile(r"%\(\w+\)s|%s")


def catalogue(app: str) -> dict[str, list[str]]:
    """The German catalogue: each English text with its translation, or with one for each number."""
    source = (ROOT / app / "locale/de/LC_MESSAGES/django.po").read_text()
    found = {}
    for block in source.split("\n\n")[1:]:
        english = re.search(rf"^msgid {_TEXT}", block, re.MULTILINE)
        german = re.findall(rf"^msgstr(?:\[\d\])? {_TEXT}", block, re.MULTILINE)
        if english:
            found[_unquoted(english[1])] = [_unquoted(text) for text in german]
    return found


def _unquoted(text: str) -> str:
    return "".join(ast.literal_eval(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', text))


def marked(app: str) -> Iterator[str]:
    """Every text that the app marks for translation, in code and in templates."""
    for file in (ROOT / app).rglob("*.py"):
        if "migrations" not in file.parts and not {"admin", "demo"} & set(file.relative_to(ROOT / app).parts):
            yield from _marked_in_code(file)
    for file in (ROOT / app).glob("templates/**/*.html"):
        if "admin" not in file.parts:
            shown = templatize(file.read_text(), origin=str(file))
            yield from (
                ast.literal_eval(text)
                for text in re.findall(r"""gettext\(u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", shown)
            )


def _marked_in_code(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in MARKS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


@pytest.mark.parametrize("app", APPS)
def test_every_marked_text_is_in_the_catalogue(app: str) -> None:
    known = catalogue(app)
    assert sorted(set(marked(app)) - set(known)) == [], "run `make messages` and translate"


@pytest.mark.parametrize("app", APPS)
def test_every_text_is_translated_with_the_same_placeholders(app: str) -> None:
    for english, german in catalogue(app).items():
        wanted = set(_PLACEHOLDER.findall(english))
        for text in german:
            assert text, english
            assert set(_PLACEHOLDER.findall(text)) == wanted, english


@pytest.mark.parametrize("app", APPS)
def test_the_compiled_catalogue_says_what_the_readable_one_does(app: str) -> None:
    with (ROOT / app / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for english, german in catalogue(app).items():
        assert german[0] in (compiled.gettext(english), compiled.ngettext(english, english, 1)), english


@pytest.mark.parametrize(
    "file", sorted((ROOT / "connect/templates").rglob("*.html")), ids=lambda file: str(file.name)
)
def test_no_text_of_an_owners_page_is_left_unmarked(file: Path) -> None:
    source = re.sub(
        r"{%\s*comment\s*%}.*?{%\s*endcomment\s*%}|{#.*?#}", "", file.read_text(), flags=re.DOTALL
    )
    source = re.sub(r"{%\s*blocktranslate.*?{%\s*endblocktranslate\s*%}", "", source, flags=re.DOTALL)
    source = re.sub(r"<(style|script|svg|code)\b.*?</\1>", "", source, flags=re.DOTALL)
    named = re.findall(r'(?:alt|title|aria-label|placeholder)="([^"]*)"', source)
    texts = re.findall(r">([^<]*)", source) + named
    left = [re.sub(r"{[{%].*?[%}]}", "", text, flags=re.DOTALL).strip() for text in texts]
    assert [text for text in left if re.search(r"[A-Za-z]{2}", text) and not _is_name(text)] == []


def _is_name(text: str) -> bool:
    """A make or an address, the same in every language."""
    return text == "Tesla" or "://" in text
