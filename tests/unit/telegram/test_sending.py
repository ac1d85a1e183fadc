"""The HTML of messages, as it is put into calls."""

from beseda.telegram.sending import render_messages


async def test_short_answer_is_rendered_once() -> None:
    answer = "It is **four**."
    shown = await render_messages(answer)
    assert shown == ("It is <b>four</b>.",)
    assert await render_messages(answer) is shown


async def test_answer_that_grows_is_rendered_apart_from_the_whole_one() -> None:
    assert await render_messages("It is **fo", partial=True) == ("It is <b>fo</b>",)
    assert await render_messages("It is **fo") == ("It is **fo",)


async def test_long_answer_is_cut_into_messages() -> None:
    pieces = await render_messages("word " * 2000)
    assert [len(piece) <= 4096 for piece in pieces] == [True, True, True]
