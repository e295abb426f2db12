"""JSON Schema as far as our API's description uses it: what fits a schema, and values that do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,),
    "array": (list,), "null": (type(None),),
}  # fmt: skip


class Shapes:
    """The schemas of one description."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._named = description["components"]["schemas"]
        # Made once: what Hypothesis finds out of a strategy it keeps there.
        self._strategies: dict[int, st.SearchStrategy[Any]] = {}

    def _whole(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._named[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def misfit(self, value: Any, schema: Mapping[str, Any], at: str = "$") -> str | None:
        """What of *value* is not as *schema* says; None when all is."""
        schema = self._whole(schema)
        for part in schema.get("allOf", ()):
            if wrong := self.misfit(value, part, at):
                return wrong
        choices = schema.get("anyOf", ())
        if choices and all(self.misfit(value, choice, at) for choice in choices):
            return f"{at}: {value!r} is none of its choices"
        if "not" in schema and self.misfit(value, schema["not"], at) is None:
            return f"{at}: {value!r} is what it must not be"
        kind = schema.get("type")
        is_odd = isinstance(value, bool) and kind in {"integer", "number"}
        if kind and (is_odd or not isinstance(value, _KINDS[kind])):
            return f"{at}: {value!r} is no {kind}"
        if "enum" in schema and value not in schema["enum"]:
            return f"{at}: {value!r} is not among {schema['enum']}"
        if schema.get("format") == "date-time" and isinstance(value, str):
            datetime.fromisoformat(value)
        return self._misfit_inside(value, schema, at)

    def _misfit_inside(self, value: Any, schema: Mapping[str, Any], at: str) -> str | None:
        if isinstance(value, list) and "items" in schema:
            found = (self.misfit(each, schema["items"], f"{at}[{n}]") for n, each in enumerate(value))
            return next(filter(None, found), None)
        if isinstance(value, dict):
            if missing := set(schema.get("required", ())) - value.keys():
                return f"{at}: {sorted(missing)} missing"
            known = schema.get("properties", {})
            for name, each in value.items():
                inside = known.get(name, schema.get("additionalProperties") or {})
                if inside is not True and (wrong := self.misfit(each, inside, f"{at}.{name}")):
                    return wrong
        return None

    def values(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        """Values that fit. *schema* is a part of the description."""
        schema = self._whole(schema)
        if id(schema) not in self._strategies:
            self._strategies[id(schema)] = self._strategy(schema)
        return self._strategies[id(schema)]

    def _strategy(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        if "enum" in schema or "const" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        if "anyOf" in schema and "type" not in schema:
            return st.one_of(*(self.values(choice) for choice in schema["anyOf"]))
        kind = schema.get("type")
        if kind == "object":
            return self._objects(schema)
        if kind == "array":
            least, most = schema.get("minItems", 0), min(schema.get("maxItems", 5), 5)
            return st.lists(self.values(schema["items"]), min_size=least, max_size=most)
        if kind == "string":
            return _texts(schema)
        return _plain(kind, schema.get("minimum"), schema.get("maximum"))

    def _objects(self, schema: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        known = {name: self.values(each) for name, each in schema.get("properties", {}).items()}
        needed = {name: known.pop(name) for name in schema.get("required", ())}
        made = st.fixed_dictionaries(needed, optional=known)
        return made.filter(lambda value: self.misfit(value, schema) is None) if "anyOf" in schema else made


def _texts(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), min(schema.get("maxLength", 20), 20)
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
    if "pattern" in schema:
        fits = st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True)
        return fits.filter(lambda text: least <= len(text) <= schema.get("maxLength", 5000))
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=most)


def _plain(kind: str | None, least: Any, most: Any) -> st.SearchStrategy[Any]:
    plain: Mapping[str | None, st.SearchStrategy[Any]] = {
        "null": st.none(),
        "boolean": st.booleans(),
        "integer": st.integers(least, most),
        "number": st.floats(least, most, allow_nan=False, allow_infinity=False, width=32),
    }
    return plain.get(kind, st.none() | st.text() | st.integers())
