import pytest

from botapi_sandbox.faults import FaultPlan


def test_faults_come_in_order_and_as_often_as_planned() -> None:
    plan = FaultPlan()
    plan.add({"kind": "error", "count": 2, "method": "sendMessage"})
    plan.add({"kind": "slow", "seconds": 1, "bot": "a"})
    taken = [plan.take("a", method) for method in ("sendmessage", "getme", "sendmessage", "sendmessage")]
    assert [fault.kind if fault else None for fault in taken] == ["error", "slow", "error", None]


@pytest.mark.parametrize("fields", [{}, {"kind": "fire"}, {"kind": "error", "status": 200}])
def test_fault_without_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"kind|status"):
        FaultPlan().add(fields)


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({"status": 502}, "Bad Gateway"),
        ({"status": 401}, "Unauthorized"),
        ({"retry_after": 5}, "Too Many Requests: retry after 5"),
        ({"status": 400, "description": "Bad Request: x"}, "Bad Request: x"),
    ],
)
def test_error_has_telegrams_words_by_default(fields: dict[str, object], description: str) -> None:
    assert FaultPlan().add({"kind": "error", **fields}).to_answer()["description"] == description
