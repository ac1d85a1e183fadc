"""Identifiers rise, fit a BIGINT and do not repeat."""

from beseda.kit.ids import IdSequence


def test_ids_rise_and_fit_63_bits() -> None:
    ids = IdSequence()
    numbers = [ids.next() for _ in range(10_000)]
    assert numbers == sorted(set(numbers))
    assert 0 < numbers[0] < numbers[-1] < 2**63
