"""Comparison of several texts in figures that can be verified by counting."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_SHORTEST = 4  # letters: shorter words are mostly grammar and shared by any two texts


@dataclass(frozen=True, slots=True)
class Comparison:
    """`lengths` in words, one per text. `shared` distinct words stand in all of them, of `distinct` in any.

    Only words of four letters and more count for the last two, whatever their case.
    """

    lengths: Sequence[int]
    shared: int
    distinct: int

    @property
    def likeness(self) -> int:
        """The share of all distinct words that stand in every text, in per cent."""
        return round(100 * self.shared / self.distinct) if self.distinct else 0


def compare_texts(texts: Sequence[str]) -> Comparison:
    """Return how `texts` differ; there must be one at least."""
    found = [_WORD.findall(text.lower().replace("ё", "е")) for text in texts]
    vocabularies = [{word for word in words if len(word) >= _SHORTEST} for words in found]
    shared, distinct = set.intersection(*vocabularies), set.union(*vocabularies)
    return Comparison([len(words) for words in found], len(shared), len(distinct))
