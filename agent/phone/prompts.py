"""What a menu's own words tell: its keys, a shorter form, and what spoken words match. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from unicodedata import normalize

from agent.config.menus import Language

_ZH_KEYS = {sign: str(key) for key, sign in enumerate("零一二三四五六七八九")} | {"兩": "2"}
_EN_KEYS = {
    word: str(key)
    for key, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    )
}
_CLAUSE = re.compile(r"[^，。；、！？：,.;!?:]+")
_SENTENCE = re.compile(r"[^。！？.!?]+[。！？.!?]*\s*")
_TOLD: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"(?P<before>.*?)(?:請|可)?再?按(?:鍵|數字鍵|數字)?\s*(?P<key>[0-9零一二兩三四五六七八九])(?!下)"
        r"(?:號)?鍵?(?P<after>.*)"
    ),
    "en": re.compile(
        r"(?P<before>.*?)\bpress(?:\s+(?:key|number))?\s+"
        rf"(?P<key>[0-9]|{'|'.join(_EN_KEYS)})\b(?P<after>.*)",
        re.IGNORECASE,
    ),
}
_LEAD: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(r"^(?:如要|如果要|若要|想要|要|或者|或|請)+"),
    "en": re.compile(r"^\s*(?:(?:or|and|please|for|to)\b\s*)+", re.IGNORECASE),
}
_POLITE: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile("請(?=按)"),
    "en": re.compile(r"\bplease\s+", re.IGNORECASE),
}


def told_keys(say: str, language: Language) -> Mapping[str, str]:
    """Key → what it is for in the prompt's words: ``開燈請按一`` tells that 1 is for 開燈.

    The words may be empty. A key that is told twice keeps its first ones.
    """
    found: dict[str, str] = {}
    before = ""
    for clause in _CLAUSE.findall(normalize("NFKC", say)):
        told = _TOLD[language].match(clause)
        if told is None:
            before = clause
            continue
        key = _key(told["key"], language)
        phrases = (told["before"], told["after"], before)
        phrase = next((bare for text in phrases if (bare := _bare(text, language))), "")
        found.setdefault(key, phrase)
        before = ""
    return found


@lru_cache(maxsize=256)
def shortened(say: str, language: Language) -> str:
    """For the second time: only the sentences that tell keys, and less politely."""
    telling = [one for one in _SENTENCE.findall(say) if told_keys(one, language)]
    return _POLITE[language].sub("", "".join(telling)) or say


@lru_cache(maxsize=256)
def greeting(say: str, language: Language) -> str:
    """The sentences before those that tell keys."""
    sentences = _SENTENCE.findall(say)
    telling = (at for at, one in enumerate(sentences) if told_keys(one, language))
    return "".join(sentences[: next(telling, len(sentences))])


def heard_as(words: str) -> str:
    """What remains of spoken words to compare: letters and digits, in one case and width."""
    return "".join(sign for sign in normalize("NFKC", words).casefold() if sign.isalnum())


def _key(sign: str, language: Language) -> str:
    named = _ZH_KEYS if language == "zh" else _EN_KEYS
    return named.get(sign.lower(), sign)


def _bare(text: str, language: Language) -> str:
    return _LEAD[language].sub("", text.strip()).strip()
