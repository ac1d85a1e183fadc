from beseda.engine.tries import RedeliveryDelays


def test_update_without_a_delay_is_due() -> None:
    assert RedeliveryDelays().is_due(1, 0.0)


def test_delayed_update_is_due_a_minute_later() -> None:
    resting = RedeliveryDelays()
    resting.put([1, 2], 10.0)
    assert (resting.is_due(1, 69.9), resting.is_due(2, 70.0), resting.is_due(3, 10.0)) == (False, True, True)


def test_tidying_keeps_delayed_updates() -> None:
    resting = RedeliveryDelays()
    resting.put([1], 0.0)
    resting.put([2], 50.0)
    resting.tidy(60.0)
    assert (resting.is_due(1, 0.0), resting.is_due(2, 60.0)) == (True, False)
