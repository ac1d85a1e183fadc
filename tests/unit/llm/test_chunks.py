from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.domain.usage import Usage
from beseda.errors import ProtocolError
from beseda.llm._chunks import AnswerReader, InnerFaultError
from beseda.llm.base import FinishReason
from tests.parts.model_server import build_chunk


def read_in_pieces(stream: bytes, cuts: list[int]) -> AnswerReader:
    reader = AnswerReader()
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        reader.feed(stream[start:end])
    reader.finish()
    return reader


@given(st.lists(st.text(max_size=20), max_size=8), st.lists(st.integers(0, 5000), max_size=12), st.booleans())
def test_text_survives_any_cut(texts: list[str], cuts: list[int], crlf: bool) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    chunks = [build_chunk(delta={"content": text}) for text in texts]
    stream = b": hello\n\n" + b"".join(chunks) + build_chunk(delta={}, finish_reason="stop") + b"data: [DONE]\n\n"
    reader = read_in_pieces(stream.replace(b"\n", b"\r\n") if crlf else stream, cuts)

    assert reader.take_text() == "".join(texts)
    assert reader.done
    assert reader.reason is FinishReason.STOP


@pytest.mark.parametrize("prefix", [b"data:", b"data: ", b"data:   "])
def test_space_after_the_colon_is_optional(prefix: bytes) -> None:
    reader = AnswerReader()
    reader.feed(prefix + b'{"choices":[{"delta":{"content":"a"}}]}\n' + prefix + b"[DONE]\n")

    assert (reader.take_text(), reader.done) == ("a", True)


def test_one_read_is_one_text() -> None:
    reader = AnswerReader()
    reader.feed(build_chunk(delta={"content": "a"}) + build_chunk(delta={"content": "b"}))

    assert (reader.take_text(), reader.take_text()) == ("ab", "")


def test_reasoning_under_either_name() -> None:
    reader = AnswerReader()
    reader.feed(build_chunk(delta={"reasoning": "a"}) + build_chunk(delta={"reasoning_content": "b", "content": "c"}))

    assert (reader.take_thought(), reader.take_text()) == ("ab", "c")


def test_content_in_parts() -> None:
    reader = AnswerReader()
    reader.feed(build_chunk(delta={"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}))

    assert reader.take_text() == "ab"


def test_last_line_without_an_end() -> None:
    reader = AnswerReader()
    reader.feed(build_chunk(delta={"content": "a"}).rstrip())
    reader.finish()

    assert reader.take_text() == "a"


def test_nothing_counts_after_the_end() -> None:
    reader = AnswerReader()
    reader.feed(b"data: [DONE]\n\n" + build_chunk(delta={"content": "late"}))

    assert reader.take_text() == ""


def test_last_usage_counts() -> None:
    reader = AnswerReader()
    for completion in (1, 2):
        reader.feed(build_chunk(delta={"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": completion}))

    assert reader.usage == Usage(5, 2)


def test_other_fields_of_the_event_are_skipped() -> None:
    reader = AnswerReader()
    reader.feed(b"event: message\nid: 7\nretry: 100\n" + build_chunk(delta={"content": "a"}))

    assert reader.take_text() == "a"


@pytest.mark.parametrize(
    "chunk",
    [
        {"error": {"message": "x"}},
        {"choices": [{"delta": {}, "finish_reason": "error"}]},
        {"choices": [{"delta": {}, "finish_reason": "error", "error": {"message": "x", "code": 502}}]},
        {"detail": "x"},
    ],
)
def test_errors_inside_are_recognised(chunk: object) -> None:
    with pytest.raises(InnerFaultError):
        AnswerReader().feed(b"data: " + orjson.dumps(chunk) + b"\n\n")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["choices", "delta", "content", "usage", "finish_reason", "error", "model"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(chunk: object) -> None:
    reader = AnswerReader()
    try:
        reader.feed(b"data: " + orjson.dumps(chunk) + b"\n\n")
        reader.take_text()
    except (ProtocolError, InnerFaultError):
        return


def test_endless_line_is_refused() -> None:
    reader = AnswerReader()
    with pytest.raises(ProtocolError):
        for _ in range(3):
            reader.feed(b"x" * 600_000)
