from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.core.errors import ProtocolError
from beseda.core.usage import Usage
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


def content(text: str) -> bytes:
    return orjson.dumps({"choices": [{"delta": {"content": text}}]})


LAWFUL = {
    "byte order mark": b"\xef\xbb\xbfdata: %b\n\ndata: %b\n\n" % (content("Hel"), content("lo")),
    "carriage returns": b"data: %b\r\rdata: %b\r\r" % (content("Hel"), content("lo")),
    "both": b"data: %b\r\n\r\ndata: %b\r\n\r\n" % (content("Hel"), content("lo")),
    "mixed": b"data: %b\r\n\ndata: %b\r\n\r" % (content("Hel"), content("lo")),
    "several lines": b'data: {"choices": [\ndata: {"delta":\ndata: {"content": "Hello"}}]}\n\n',
    "comments within": b": a\ndata: %b\n:\n\n: b\n\ndata: %b\n\n" % (content("Hel"), content("lo")),
    "fields": b"event: message\ndata: %b\nid: 1\n\nretry\ndata: %b\n\n" % (content("Hel"), content("lo")),
    "no empty lines": b"data: %b\ndata: %b\n" % (content("Hel"), content("lo")),
    "no last line end": b"data: %b\n\ndata: %b" % (content("Hel"), content("lo")),
    "empty lines in front": b"\n\r\n data: %b\n\ndata: %b\n\n" % (content("Hel"), content("lo")),
    "unknown lines": b"hello\ndata: %b\n\nfoo: bar\n\ndata: %b\n\n" % (content("Hel"), content("lo")),
    "lines of JSON": b"%b\n%b\n" % (content("Hel"), content("lo")),
    "a body": b'{"choices": [{"message": {"content": "Hello"}}]}',
    "a body with a line end": b'{"choices": [{"message": {"content": "Hello"}}]}\n',
    "a body in lines": b'{\n "choices": [\n  {"message": {"content": "Hello"}}\n ]\n}\n',
    "a body with a mark": b'\xef\xbb\xbf\n{"choices": [{"message": {"content": "Hello"}}]}',
    "not a number": b'data: {"x": NaN, "y": -Infinity, "choices": [{"delta": {"content": "Hello"}}]}\n\n',
    "beyond all numbers": b'data: {"usage": {"cost": 1e999}, "choices": [{"delta": {"content": "Hello"}}]}\n\n',
}


@pytest.mark.parametrize("stream", LAWFUL.values(), ids=LAWFUL)
def test_stream_is_read_by_its_bytes_however_it_is_cut(stream: bytes) -> None:
    assert read_in_pieces(stream, []).take_text() == "Hello"
    assert read_in_pieces(stream, list(range(len(stream)))).take_text() == "Hello"


@pytest.mark.parametrize(
    ("halves", "text"),
    [((rb"\ud83d", rb"\ude00"), "😀!"), ((rb"\ud83d", b""), "\ufffd!"), ((rb"\ude00", b""), "\ufffd!")],
)
def test_halves_of_a_character_are_joined_and_a_single_one_costs_no_answer(
    halves: tuple[bytes, bytes], text: str
) -> None:
    reader = AnswerReader()
    said = []
    for half in (b"\xd0\x94\xd0\xb0 " + halves[0], halves[1] + b"!"):
        reader.feed(b'data: {"choices": [{"delta": {"content": "' + half + b'"}}]}\n\n')
        said.append(reader.take_text())
    reader.feed(b"data: [DONE]\n\n")

    assert "".join(said) + reader.take_text() == "Да " + text


def test_half_of_a_character_at_the_end_is_replaced() -> None:
    reader = AnswerReader()
    reader.feed(b'data: {"choices": [{"delta": {"content": "a\\ud83d"}}]}\n\n')
    reader.finish()

    assert reader.take_text() == "a\ufffd"


@pytest.mark.parametrize("size", [1, 7, 100_000, 2_000_000])
def test_bound_of_a_line_does_not_depend_on_how_it_is_cut(size: int) -> None:
    stream = b"data: " + content("x" * 1_100_000) + b"\n\n"
    reader = AnswerReader()
    with pytest.raises(ProtocolError, match="a line of more than"):
        for start in range(0, len(stream), size):
            reader.feed(stream[start : start + size])


def test_thought_in_the_text_is_no_text() -> None:
    reader = AnswerReader()
    for piece in ("\n<th", "ink>x</thi", "nk>\n\nПривет!"):
        reader.feed(build_chunk(delta={"content": piece}))
    reader.finish()

    assert (reader.take_thought(), reader.take_text()) == ("x", "Привет!")


def test_parts_of_a_thought_are_no_text() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}]
    reader = AnswerReader()
    reader.feed(build_chunk(delta={"content": parts}))

    assert (reader.take_thought(), reader.take_text()) == ("hm", "a")


def test_lines_of_json_are_read_as_they_come() -> None:
    reader = AnswerReader()
    reader.feed(content("a") + b"\n")

    assert reader.take_text() == "a"
