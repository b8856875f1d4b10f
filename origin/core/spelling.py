"""Which known word somebody meant: slips by Damerau and Levenshtein, found by spellings that lack a letter. Pure.

Two words that are one slip apart (a letter too many, too few, another one, two swapped) share a spelling when each is also
written without any one of its letters (W. Garbe's symmetric deletes). So candidates come from an index by equality, without
a distance being computed for every word there is.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

_WORD = re.compile(r"[^\W\d_]{4,24}")
_MAX_WORDS: Final = 8  # of one query
_LONG: Final = 8  # letters from which two slips are believed


def words_of(text: str) -> tuple[str, ...]:
    """The words of a query that may have slips. Digits, short words and what is excluded by `-` are taken as they are."""
    plain = re.sub(r"(?<!\S)-\S+", " ", text.lower())
    return tuple(dict.fromkeys(_WORD.findall(plain)))[:_MAX_WORDS]


def spellings(word: str) -> frozenset[str]:
    """The word, and the word without any one letter."""
    return frozenset({word, *(word[:place] + word[place + 1 :] for place in range(len(word)))})


def corrected(text: str, known: Iterable[str]) -> str | None:
    """`text` with each unknown word replaced by the nearest known one; None when nothing is near or nothing is wrong."""
    candidates = frozenset(known)
    changes = {}
    for word in words_of(text):
        if word not in candidates and (nearest := _nearest(word, candidates)) is not None:
            changes[word] = nearest
    return _replaced(text, changes) if changes else None


def _nearest(word: str, candidates: Collection[str]) -> str | None:
    most = 2 if len(word) >= _LONG else 1
    ranked = sorted((distance(word, other), other[0] != word[0], other) for other in candidates if other[0:1])
    return ranked[0][2] if ranked and ranked[0][0] <= most else None


def _replaced(text: str, changes: Mapping[str, str]) -> str:
    return _WORD.sub(lambda match: changes.get(match[0].lower(), match[0]), text)


def distance(one: str, other: str) -> int:
    """Letters added, left out, replaced or swapped with their neighbour (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, facing in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != facing))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == facing:
                least = min(least, above[j - 2] + 1)
            row.append(least)
    return row[-1]
