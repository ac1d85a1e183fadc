"""Answers that are JSON objects: their JSON Schema, and reading them out of the text of a model.

A form is a class of pydantic. Its schema goes to the server, and an answer is validated by the same class.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from beseda.core.foreign_json import mend_value
from beseda.llm.thoughts import strip_thoughts

Schema = Mapping[str, object]
FormT = TypeVar("FormT", bound="Form")

_BOUNDS = frozenset({"maxItems", "maxLength"})
_DECODER = json.JSONDecoder(parse_constant=lambda _: None, strict=False)
_DROPPED = frozenset({"$defs", "title", "description"})
_TRIES = 40  # places where an object may begin: a model that thinks aloud in braces is not read for ever


class Form(BaseModel):
    """An object that a model fills in: each field required, none beside them, as strict servers ask for.

    Types are not converted, since "5" for 5 shows a model that did not follow the schema. Additional fields of an
    answer are dropped.
    """

    model_config = ConfigDict(
        strict=True, frozen=True, allow_inf_nan=False, json_schema_extra={"additionalProperties": False}
    )


def _to_whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# JSON knows one kind of number, and 2.0 is an integer of its schema.
Whole = Annotated[int, BeforeValidator(_to_whole)]


@lru_cache(maxsize=64)
def write_schema(form: type[Form]) -> dict[str, object]:
    """Return the JSON Schema of a form, without references and titles: small servers know neither."""
    schema = form.model_json_schema()
    found = _simplify(schema, schema.get("$defs", {}))
    assert isinstance(found, dict)  # noqa: S101 - the schema of a model is an object
    return found


def _simplify(value: object, definitions: Mapping[str, object]) -> object:
    if isinstance(value, list):
        return [_simplify(item, definitions) for item in value]
    if not isinstance(value, Mapping):
        return value
    if isinstance(reference := value.get("$ref"), str):
        return _simplify(definitions[reference.removeprefix("#/$defs/")], definitions)
    found = {name: _simplify(item, definitions) for name, item in value.items() if name not in _DROPPED}
    if isinstance(properties := value.get("properties"), Mapping):
        # The names of fields are no words of the schema.
        found["properties"] = {name: _simplify(field, definitions) for name, field in properties.items()}
    if "const" in found:
        found["enum"] = [found.pop("const")]
    return found


def read_form(text: str, form: type[FormT]) -> tuple[FormT | None, str]:
    """Return the first object in `text` that fits `form`, and an empty string; else None and its fault.

    A draft within the model's reasoning is not the answer. The fault names the place and the rule, never the value: it
    may go into a log.
    """
    fault = "no JSON object in the answer"
    for candidate in _find_objects(strip_thoughts(text)):
        try:
            return form.model_validate(candidate), ""
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
            fault = f"answer{place}: {first['msg']}"
    return None, fault


def spell_out(schema: Schema) -> str:
    """Return the instructions for a model to answer with an object of this schema, if its server cannot enforce it."""
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
