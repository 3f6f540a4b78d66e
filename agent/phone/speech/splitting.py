"""A text that is too long for one turn, in parts that are not (T-05)."""

from __future__ import annotations

import re

_AFTER_SENTENCE = re.compile(r"(?<=[。！？；])|(?<=[.!?;])(?=\s)")
_AFTER_CLAUSE = re.compile(r"(?<=[，、：])|(?<=[,:])(?=\s)")
_AFTER_WORD = re.compile(r"(?<=\s)")
_WORD_OF_DIGITS = re.compile(r"[零一二三四五六七八九十百千萬億兆兩點負]+|[A-Za-z0-9.'%-]+|.", re.S)


def split(text: str, most: int = 200) -> tuple[str, ...]:
    """``text`` in parts of at most ``most`` characters, as few as can be: between sentences where
    that is possible, else between clauses, else between words. A spelled number is a word.

    Only a word that is itself too long is cut.
    """
    return tuple(part.strip() for part in _packed(text, most, 0) if part.strip())


_BREAKS = (_AFTER_SENTENCE, _AFTER_CLAUSE, _AFTER_WORD)


def _packed(text: str, most: int, level: int) -> list[str]:
    if len(text.strip()) <= most:
        return [text]
    if level < len(_BREAKS):
        pieces = [piece for piece in _BREAKS[level].split(text) if piece]
    elif level == len(_BREAKS):
        pieces = _WORD_OF_DIGITS.findall(text)
    else:
        return [text[at : at + most] for at in range(0, len(text), most)]
    parts = [""]
    for piece in pieces:
        if len((parts[-1] + piece).strip()) <= most:
            parts[-1] += piece
        elif len(piece.strip()) <= most:
            parts.append(piece)
        else:
            parts += _packed(piece, most, level + 1)
    return parts
