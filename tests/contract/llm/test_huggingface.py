"""Hugging Face's router: short names, prices from its list, and refusals with their remedy."""

from collections.abc import Callable
from typing import Any

import pytest

from beseda.core.clock import Clock
from beseda.core.errors import CreditExhaustedError, KeyRejectedError, ModelNotFoundError, SettingsError
from beseda.http.client import HttpClient
from beseda.llm.base import ChatModel, find_measuring
from beseda.llm.huggingface import ALIASES, RouterCatalogue, parse_offers, read_aliases
from beseda.llm.registry import LLMSettings, build_model
from beseda.testing.clock import ManualClock
from tests.contract.llm.conftest import KEY, QUICK
from tests.parts.model_events import ask, listen
from tests.parts.model_server import ModelServer, Reply, answer_json, answer_page, refuse

Connect = Callable[..., ChatModel]
FLASH, QWEN = ALIASES["deepseek"][0], ALIASES["qwen2"][4]


def offer(provider: str, prices: tuple[float, float] | None = None, **more: object) -> dict[str, object]:
    pricing = {"pricing": {"input": prices[0], "output": prices[1]}} if prices else {}
    return {"provider": provider, "status": "live", "context_length": 32768, **pricing, **more}


def entry(model: str, *providers: dict[str, object]) -> dict[str, Any]:
    return {"id": model, "object": "model", "owned_by": model.partition("/")[0], "providers": list(providers)}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(instant=True)


@pytest.fixture
def connect(server: ModelServer, http: HttpClient, clock: Clock) -> Connect:
    def make(model: str, **settings: Any) -> ChatModel:
        keys, urls = {"hf": KEY}, {"hf": server.url}
        return build_model(
            f"hf:{model}", LLMSettings(api_keys=keys, base_urls=urls, timeouts=QUICK, **settings), clock, http
        )

    return make


async def test_short_name_is_the_first_that_is_served(connect: Connect, server: ModelServer) -> None:
    server.models = [
        entry(ALIASES["qwen2"][3], offer("ovhcloud", status="error")),
        entry(QWEN, offer("scaleway", (0.25, 1.5))),
    ]
    model = connect("qwen2")
    heard = await listen(model)

    assert server.requests[0].body["model"] == QWEN
    assert model.name == f"hf:{QWEN}"
    assert heard.end.usage.cost == pytest.approx((12 * 0.25 + 7 * 1.5) / 1e6)


async def test_first_candidate_is_asked_if_no_list_is_available(connect: Connect, server: ModelServer) -> None:
    server.models_reply = answer_page(502)
    heard = await listen(connect("llama3"))

    assert server.requests[0].body["model"] == ALIASES["llama3"][0]
    assert heard.end.usage.cost is None


async def test_list_is_fetched_once_an_hour_for_all(connect: Connect, server: ModelServer, clock: ManualClock) -> None:
    server.models = [entry(FLASH, offer("novita"))]
    models = [connect("deepseek"), connect("qwen2"), connect(FLASH)]
    for model in models:
        await listen(model)
    once = len(server.probes)
    await clock.advance(3601)
    await listen(models[0])

    assert (once, len(server.probes)) == (1, 2)


async def test_short_names_are_the_owners_to_choose(connect: Connect, server: ModelServer) -> None:
    await listen(connect("mine", aliases=["mine=maker/one|maker/two"]))

    assert server.requests[0].body["model"] == "maker/one"


@pytest.mark.parametrize("text", ["qwen2", "=a/b", "qwen2=", "qwen2=|"])
def test_wrong_alias_is_reported(text: str) -> None:
    with pytest.raises(SettingsError, match="HF_ALIASES"):
        read_aliases([text])


@pytest.mark.parametrize(
    ("suffix", "price"), [("", 3.0), (":fastest", 3.0), (":cheapest", 1.0), (":slow", 2.0), (":nobody", None)]
)
async def test_price_is_the_chosen_providers(
    connect: Connect, server: ModelServer, suffix: str, price: float | None
) -> None:
    offers = [offer("slow", (2, 2)), offer("quick", (3, 3), throughput=90.5), offer("cheap", (1, 1), throughput=10)]
    server.models = [entry("maker/model", *offers, offer("free"))]
    server.default = Reply(usage=(500_000, 500_000))

    assert (await listen(connect(f"maker/model{suffix}"))).end.usage.cost == price


async def test_highest_price_counts_if_no_speed_is_known(connect: Connect, server: ModelServer) -> None:
    server.models = [entry("maker/model", offer("a", (2, 2)), offer("b", (5, 5)))]
    server.default = Reply(usage=(1_000_000, 0))

    assert (await listen(connect("maker/model"))).end.usage.cost == 5


async def test_owners_price_stands_above_the_list(connect: Connect, server: ModelServer) -> None:
    server.models = [entry("maker/model", offer("a", (2, 2)))]
    server.default = Reply(usage=(1_000_000, 0))

    assert (await listen(connect("maker/model", prices=["hf:maker/model=7/9"]))).end.usage.cost == 7


async def test_context_is_the_smallest_that_may_answer(connect: Connect, server: ModelServer) -> None:
    server.models = [entry(FLASH, offer("a"), offer("b", context_length=8192), offer("c", context_length=None))]
    measuring = find_measuring(connect("deepseek"))
    assert measuring is not None

    assert await measuring.context_size() == 8192
    assert await measuring.count_tokens("text") is None


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (
            refuse(402, "You have depleted your monthly included credits."),
            CreditExhaustedError,
            r"\$0\.10.*huggingface\.co/settings/billing",
        ),
        (
            refuse(403, "Access to model meta-llama/X is restricted and you are not in the authorized list."),
            KeyRejectedError,
            r"accept its licence at https://huggingface\.co/meta-llama/X ",
        ),
        (
            refuse(403, "This authentication method does not have sufficient permissions to call Inference Providers"),
            KeyRejectedError,
            "permission to call Inference Providers: https://huggingface.co/settings/tokens",
        ),
        (refuse(401, "Invalid username or password."), KeyRejectedError, "check HF_TOKEN"),
        (
            refuse(400, "The requested model 'meta-llama/X' is not supported by any provider you have enabled."),
            ModelNotFoundError,
            r"did you mean meta-llama/Xa\?",
        ),
    ],
)
async def test_refusals_come_with_their_remedy(
    connect: Connect, server: ModelServer, reply: Reply, kind: type[Exception], words: str
) -> None:
    server.default = reply
    server.models = [entry("meta-llama/Xa", offer("a"))]
    with pytest.raises(kind, match=words):
        await listen(connect("meta-llama/X:novita"), ask())


@pytest.mark.parametrize(
    "body", [[], {"data": 7}, {"data": [7]}, {"data": [{"id": "a", "providers": 7}]}, {"data": [{"id": "a"}]}]
)
async def test_odd_lists_do_no_harm(connect: Connect, server: ModelServer, body: object) -> None:
    server.models_reply = answer_json(body)

    assert (await listen(connect("a:x"))).end.usage.cost is None


def test_offers_are_read() -> None:
    body = b'{"data": [{"id": "a/b", "providers": [{"provider": "p", "pricing": {"input": 1}}, {"provider": "q"}]}]}'

    assert [(each.provider, each.price) for each in parse_offers(body)["a/b"]] == [("p", None), ("q", None)]


def test_unknown_model_has_no_price(clock: ManualClock) -> None:
    catalogue = RouterCatalogue("http://127.0.0.1:9/v1", clock)

    assert catalogue.price("a/b") is None
    assert catalogue.choose(["a/b", "c/d"]) == "a/b"
