"""Columns of a table as fields of a dataclass, derived from both, so that a column is written down once in each."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson
from sqlalchemy import ColumnElement, FromClause, Row

T = TypeVar("T")
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Codec:
    """The conversions between the value of a column and the value of a field."""

    load: Callable[[Any], Any]
    dump: Callable[[Any], Any]


JSON = Codec(
    lambda text: None if text is None else orjson.loads(text),
    lambda value: None if value is None else orjson.dumps(value).decode(),
)


class RowMapping(Generic[T]):
    """Rows of a table as instances of a dataclass.

    A field is stored in the column of its name. Enumerations are stored by value, mappings and sequences as JSON. A
    field without a column whose type is a dataclass spreads over the columns of that dataclass's fields.
    """

    def __init__(
        self,
        model: type[T],
        table: FromClause,
        *,
        without: Collection[str] = (),
        names: Mapping[str, str] = _NONE,
        codecs: Mapping[str, Codec] = _NONE,
    ) -> None:
        """`names` are columns by field if they differ, `codecs` conversions by field; both apply to nested fields too.

        Fields in `without` are not stored: `load` takes their values. Raises TypeError for any other field without a
        column, so that a forgotten column is found when the module is imported.
        """
        self._model = model
        self._plain: list[tuple[str, str, Codec | None]] = []
        self._nested: list[tuple[str, RowMapping[Any]]] = []
        hints = get_type_hints(model)
        for item in fields(model):  # type: ignore[arg-type]  # typeshed: no bound of a TypeVar is "a dataclass"
            kind, column = _without_none(hints[item.name]), names.get(item.name, item.name)
            if item.name in without:
                continue
            if column in table.c:
                self._plain.append((item.name, column, codecs.get(item.name) or _find_codec(kind)))
            elif is_dataclass(kind):
                nested = cast("type[Any]", kind)
                self._nested.append((item.name, RowMapping(nested, table, names=names, codecs=codecs)))
            else:
                raise TypeError(f"{model.__name__}.{item.name} has no column in {table.description}")
        stored = set(self._list_names())
        self.columns: Sequence[ColumnElement[Any]] = [column for column in table.c if column.key in stored]

    def load(self, row: Row[*tuple[Any, ...]], **given: Any) -> T:
        """Return the instance of a row; `given` are the values of fields that are not stored."""
        found = row._mapping  # public: attributes of a row named like methods of a tuple are hidden by these
        for name, column, codec in self._plain:
            value = found[column]
            given[name] = codec.load(value) if codec is not None else value
        for name, nested in self._nested:
            given[name] = nested.load(row)
        return self._model(**given)

    def load_all(self, rows: Iterable[Row[*tuple[Any, ...]]]) -> list[T]:
        """Return the instances of rows."""
        return [self.load(row) for row in rows]

    def values(self, item: T, *, without: Collection[str] = ()) -> dict[str, Any]:
        """Return the values of an instance by column, except those of the columns in `without`."""
        found: dict[str, Any] = {}
        for name, column, codec in self._plain:
            value = getattr(item, name)
            found[column] = codec.dump(value) if codec is not None else value
        for name, nested in self._nested:
            found |= nested.values(getattr(item, name))
        return {column: value for column, value in found.items() if column not in without}

    def _list_names(self) -> list[str]:
        plain = [column for _, column, _ in self._plain]
        return plain + [column for _, nested in self._nested for column in nested._list_names()]


def _without_none(hint: Any) -> Any:
    """Return the type of an optional field, or any other type as it is."""
    if get_origin(hint) not in {Union, UnionType}:
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else hint


def _find_codec(kind: Any) -> Codec | None:
    base = get_origin(kind) or kind
    if not isinstance(base, type):
        return None
    if issubclass(base, Enum):
        return Codec(
            lambda value: None if value is None else base(value), lambda value: None if value is None else value.value
        )
    is_json = issubclass(base, Mapping | Sequence) and not issubclass(base, str | bytes)
    return JSON if is_json else None
