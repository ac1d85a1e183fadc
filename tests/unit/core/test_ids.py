"""Identifiers rise, fit a BIGINT and do not repeat."""

import time
from datetime import UTC, datetime, timedelta

from beseda.core.ids import IdSequence, lowest_id, time_of


def test_ids_rise_and_fit_63_bits() -> None:
    ids = IdSequence()
    numbers = [ids.next() for _ in range(10_000)]
    assert numbers == sorted(set(numbers))
    assert 0 < numbers[0] < numbers[-1] < 2**63


def test_ids_hold_their_time() -> None:
    before = datetime.now(UTC)
    number = IdSequence().next()
    assert lowest_id(before) <= number <= lowest_id(datetime.now(UTC) + timedelta(milliseconds=2))
    assert abs(time_of(number) - before) < timedelta(seconds=1)


def test_sequences_of_the_same_moment_do_not_begin_alike() -> None:
    numbers = [IdSequence().next() for _ in range(2000)]
    # 22 random bits: of two thousand in one millisecond, a pair or two may meet by chance.
    assert len(set(numbers)) > 1990
    low = {number & (2**22 - 1) for number in numbers}
    assert len(low) > 1950


def test_ids_of_processes_that_drew_the_same_bits_seldom_meet() -> None:
    one, other = IdSequence(), IdSequence()
    other._process = one._process
    met = 0
    for _ in range(50):
        met += one.next() == other.next()
        begun = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 == begun:
            pass
    assert met < 15  # with a counter that begins at 0 it is nearly all of them


def test_ids_go_on_from_the_highest_when_a_clock_was_ahead() -> None:
    ahead = lowest_id(datetime.now(UTC) + timedelta(days=200))
    ids = IdSequence()
    assert timedelta(days=199) < ids.continue_after(ahead) < timedelta(days=201)
    first = ids.next()
    begun, second = time.monotonic(), first
    while time.monotonic() - begun < 0.05:
        second = ids.next()
    assert ahead < first < second
    passed = time_of(second) - time_of(first)
    assert timedelta(seconds=0.04) < passed < timedelta(seconds=1)  # time goes on from there, at its pace


def test_ids_of_a_clock_that_is_right_are_not_moved() -> None:
    ids = IdSequence()
    ids.continue_after(lowest_id(datetime.now(UTC) - timedelta(days=3)))
    assert abs(time_of(ids.next()) - datetime.now(UTC)) < timedelta(seconds=1)
