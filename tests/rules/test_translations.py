"""English is in the sources, every other language in catalogues: complete, with the same placeholders, compiled."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from tests.runner import ROOT

APPS: Final = ("connect", "vehicles", "portal")
LOCALES: Final = [to_locale(code) for code, _ in settings.LANGUAGES if code != "en"]
EVERY: Final = pytest.mark.parametrize(
    ("app", "locale"), [(app, locale) for app in APPS for locale in LOCALES], ids=str
)
MARKS: Final = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_TEXT: Final = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
_PLACEHOLDER: Final = re.compile(r"%\(\w+\)s|%s")


def folder_of(app: str, locale: str) -> Path:
    """Where the catalogue of an app is."""
    return ROOT / app / "locale" / locale / "LC_MESSAGES"


def entries(app: str, locale: str) -> Iterator[tuple[str, list[str], str]]:
    """Each English text with its translation, or with one for each number, and the lines of both."""
    file = folder_of(app, locale) / "django.po"
    assert file.exists(), (
        f"{locale} is in LANGUAGES: name it in `messages` of the Makefile and run `make messages`"
    )
    for block in file.read_text().split("\n\n")[1:]:
        english = re.search(rf"^msgid {_TEXT}", block, re.MULTILINE)
        translated = re.findall(rf"^msgstr(?:\[\d\])? {_TEXT}", block, re.MULTILINE)
        if english:
            yield _unquoted(english[1]), [_unquoted(text) for text in translated], block


def catalogue(app: str, locale: str) -> dict[str, list[str]]:
    """A catalogue: each English text with its translation, or with one for each number."""
    return {english: translated for english, translated, _ in entries(app, locale)}


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


@EVERY
def test_every_marked_text_is_in_the_catalogue(app: str, locale: str) -> None:
    left_out = sorted(set(marked(app)) - set(catalogue(app, locale)))
    assert not left_out, f"run `make messages` and translate {left_out}"


@EVERY
def test_every_text_is_translated_with_the_same_placeholders(app: str, locale: str) -> None:
    known = catalogue(app, locale)
    left = [english for english, translated in known.items() if not all(translated)]
    assert not left, f"translate in {app}/locale/{locale}: {left}"
    for english, translated in known.items():
        wanted = set(_PLACEHOLDER.findall(english))
        for text in translated:
            assert set(_PLACEHOLDER.findall(text)) == wanted, english


@EVERY
def test_no_translation_is_a_guess(app: str, locale: str) -> None:
    """gettext puts the translation of a sentence that looks alike where none is, marks it, and leaves it out."""
    guessed = [english for english, _, lines in entries(app, locale) if re.search("^#,.*fuzzy", lines, re.M)]
    assert not guessed, f"translate, and take away the lines with `fuzzy` and `#|`: {guessed}"


@EVERY
def test_the_compiled_catalogue_says_what_the_readable_one_does(app: str, locale: str) -> None:
    with (folder_of(app, locale) / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    differing = [
        english
        for english, translated in catalogue(app, locale).items()
        if translated[0] not in (compiled.gettext(english), compiled.ngettext(english, english, 1))
    ]
    assert not differing, f"run `make messages` once more, which compiles: {differing}"


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
