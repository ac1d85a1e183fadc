"""An answer that is to be a JSON object: cut out of what a model said around it, and held against its schema.

Of JSON Schema only what our requests use is known: `type`, `enum`, `properties`, `required`, `items`, `anyOf`,
`minimum`, `maximum`. Other words bind the model, where its server knows them, and nobody here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from beseda.domain.thoughts import strip_thoughts
from beseda.kit.foreign_json import mend_value

Schema = Mapping[str, object]

_BOUNDS = frozenset({"maxItems", "maxLength"})
_DECODER = json.JSONDecoder(parse_constant=lambda _: None, strict=False)
_TRIES = 40  # places where an object may begin: a model that thinks aloud in braces is not read for ever
_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def read_object(text: str, schema: Schema) -> tuple[dict[str, object], str]:
    """Return the first object in `text` that fits `schema`, and an empty string; else an empty object and its fault.

    A draft within the model's reasoning is not the answer. The fault says where and what kind, never what was said: it
    may go into a log.
    """
    fault = "no JSON object in the answer"
    for candidate in _find_objects(strip_thoughts(text)):
        fault = find_fault(candidate, schema)
        if not fault:
            return candidate, ""
    return {}, fault


def find_fault(value: object, schema: Schema, place: str = "answer") -> str:
    """Return what is wrong with `value` in one line, an empty string where it fits."""
    if isinstance(choices := schema.get("anyOf"), list):
        faults = [find_fault(value, choice, place) for choice in choices]
        return "" if not all(faults) else faults[0]
    if fault := _check_kind(value, schema, place):
        return fault
    if isinstance(options := schema.get("enum"), list) and value not in options:
        return f"{place} must be one of {', '.join(map(str, options))}"
    if isinstance(value, dict):
        return _check_fields(value, schema, place)
    if isinstance(value, list) and isinstance(items := schema.get("items"), Mapping):
        return next((fault for n, item in enumerate(value) if (fault := find_fault(item, items, f"{place}[{n}]"))), "")
    return ""


def spell_out(schema: Schema) -> str:
    """Return the words that ask a model for an object of this schema, where its server cannot hold it to one."""
    written = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return (
        f"Answer with one JSON object and nothing else: no words around it, no code fence. Its JSON Schema:\n{written}"
    )


def is_strict(schema: object) -> bool:
    """Return whether servers take the schema as `strict`: every field required, none beside them, at every level.

    Source: OpenAI, guides/structured-outputs; Groq, docs/structured-outputs.
    """
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object":
        properties: Any = schema.get("properties") or {}
        required: Any = schema.get("required") or ()
        if schema.get("additionalProperties") is not False or set(properties) != set(required):
            return False
        return all(map(is_strict, properties.values()))
    return is_strict(schema.get("items")) and is_strict(schema.get("anyOf"))


def strip_bounds(schema: Schema) -> dict[str, object]:
    """Return `schema` without the lengths of lists and texts.

    A small model of one's own needs them: its grammar would let it add entries until the context is full. Services
    refuse strict schemas that hold them (OpenAI, guides/structured-outputs), and their models end a list by themselves.
    """
    return {name: _strip(value) for name, value in schema.items() if name not in _BOUNDS}


def list_numbers(schema: Schema) -> dict[str, object]:
    """Return `schema` with each bounded number as a choice of eleven.

    llama.cpp's grammar holds integers to their bounds, other numbers not: a small model gave a confidence of 100.
    """
    low, high = schema.get("minimum"), schema.get("maximum")
    if schema.get("type") == "number" and isinstance(low, int | float) and isinstance(high, int | float):
        return {"enum": [round(low + (high - low) * step / 10, 6) for step in range(11)]}
    return {name: _list_numbers(value) for name, value in schema.items()}


def _list_numbers(value: object) -> object:
    if isinstance(value, Mapping):
        return list_numbers(value)
    return [_list_numbers(item) for item in value] if isinstance(value, list) else value


def _strip(value: object) -> object:
    if isinstance(value, Mapping):
        return strip_bounds(value)
    return [_strip(item) for item in value] if isinstance(value, list) else value


def _find_objects(text: str) -> Iterator[dict[str, object]]:
    start = -1
    for _ in range(_TRIES):
        start = text.find("{", start + 1)
        if start < 0:
            return
        try:
            found, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield mend_value(found)
            start = end - 1


def _check_kind(value: object, schema: Schema, place: str) -> str:
    named: Any = schema.get("type")
    kinds = [named] if isinstance(named, str) else named or []
    if kinds and not any(_is_kind(value, kind) for kind in kinds):
        return f"{place} must be of type {' or '.join(kinds)}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum"), schema.get("maximum")
        if isinstance(low, int | float) and not value >= low:
            return f"{place} must be at least {low}"
        if isinstance(high, int | float) and not value <= high:
            return f"{place} must be at most {high}"
    return ""


def _is_kind(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS.get(kind, (object,)))


def _check_fields(value: dict[str, object], schema: Schema, place: str) -> str:
    required: Any = schema.get("required") or ()
    for name in required:
        if name not in value:
            return f"{place}.{name} is missing"
    properties: Any = schema.get("properties") or {}
    for name, field in properties.items():
        if name in value and (fault := find_fault(value[name], field, f"{place}.{name}")):
            return fault
    return ""
