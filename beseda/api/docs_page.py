"""The document as a page to read: plain HTML of our own, that asks nothing of any other host."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import orjson

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1d2433 }
@media (prefers-color-scheme: dark) { body { background: #14171f; color: #d8dee9 } code, pre { background: #222836 } }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8884 } summary { cursor: pointer; padding: .35rem 0 }
summary b { display: inline-block; width: 4.5rem } code, pre { background: #8881; border-radius: .25rem }
code { padding: 0 .25rem } pre { padding: .75rem; overflow-x: auto } table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .25rem .5rem; border-top: 1px solid #8883; vertical-align: top }
"""


def write_page(document: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    groups = "\n".join(_draw_group(document, tag) for tag in document["tags"])
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])} API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1><p>{_prose(info['description'])}"
        f'<p>For programs: <a href="/openapi.json">openapi.json</a>.\n{groups}</html>'
    )


def _draw_group(document: Mapping[str, Any], tag: Mapping[str, str]) -> str:
    found = [
        _draw_operation(document, method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if tag["name"] in operation.get("tags", ())
    ]
    return f"<h2>{escape(tag['name'])}</h2><p>{_prose(tag['description'])}\n" + "\n".join(found)


def _draw_operation(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [f"<p>{_prose(operation.get('description', ''))}", _draw_parameters(operation.get("parameters", ()))]
    if body := operation.get("requestBody"):
        parts.append(f"<p>Body:{_draw_content(document, body['content'])}")
    parts.append(_draw_answers(document, operation["responses"]))
    head = f"<b>{method.upper()}</b> <code>{escape(path)}</code> {escape(operation['summary'])}"
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _draw_parameters(parameters: Iterable[Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(item['name'])}</code><td>{item['in']}{', required' if item.get('required') else ''}"
        f"<td>{_prose(item.get('description', ''))}"
        for item in parameters
    )
    return f"<table>{rows}</table>" if rows else ""


def _draw_answers(document: Mapping[str, Any], answers: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{status}<td>{_prose(answer['description'])}"
        + (_draw_content(document, answer.get("content", {})) if status < "4" else "")
        for status, answer in answers.items()
    )
    return f"<table>{rows}</table>"


def _draw_content(document: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    return "".join(
        f"<pre>{escape(orjson.dumps(example, option=orjson.OPT_INDENT_2).decode())}</pre>"
        for media in content.values()
        if (example := find_example(document, media)) is not None
    )


def find_example(document: Mapping[str, Any], media: Mapping[str, Any]) -> Any:
    """Return the example of a body or an answer: its own, or one put together from those of its schema; or None."""
    if media.get("schema", {}).get("format") == "binary":
        return "…"
    if "example" in media:
        return media["example"]
    return _build(document, media.get("schema", {}))


def _build(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _build(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for given in (schema.get("examples"), [schema[name] for name in ("const", "default") if name in schema]):
        if given:
            return given[0]
    if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return _build(document, options[0])
    if "properties" in schema:
        return {name: _build(document, value) for name, value in schema["properties"].items()}
    return [_build(document, schema["items"])] if "items" in schema else next(iter(schema.get("enum", ())), None)


def _prose(text: str) -> str:
    """Return text as HTML: `code` between backticks, paragraphs at empty lines."""
    pieces = escape(text.strip()).split("`")
    marked = "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))
    return marked.replace("\n\n", "<p>")
