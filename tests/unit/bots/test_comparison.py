"""How texts differ, in figures."""

from beseda.bots.literary.comparison import compare_texts


def test_lengths_and_shared_words() -> None:
    comparison = compare_texts(["Ёлка стоит у окна, ёлка!", "Под окном елка и кошка", "Елка стояла"])
    assert comparison.lengths == [5, 5, 2]
    assert (comparison.shared, comparison.distinct) == (1, 6)
    assert comparison.likeness == 17


def test_texts_without_words_share_nothing() -> None:
    comparison = compare_texts(["123", "!!!"])
    assert (comparison.lengths, comparison.shared, comparison.likeness) == ([0, 0], 0, 0)
