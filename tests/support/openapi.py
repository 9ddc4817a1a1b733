# SPDX-License-Identifier: MPL-2.0
"""openapi - reads an OpenAPI document and judges by it; the schema keywords that it uses, no more, from the standard's text.

Written apart from the validator of the service, so that one does not share the other's mistakes. An unknown keyword is an
error here, never a pass."""
import copy
import datetime
import re
import uuid

ANNOTATIONS = {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type (None)}


def is_type (value, name):
    if name in ("integer", "number"):
        kinds = (int,) if name == "integer" else (int, float)
        return isinstance (value, kinds) and not isinstance (value, bool) or name == "integer" and isinstance (value, float) and value.is_integer ()
    return isinstance (value, TYPES [name])


def is_format (value, name):
    try:
        if name == "uuid":
            return str (uuid.UUID (value)) == value.lower ()
        if name == "date-time":
            return datetime.datetime.fromisoformat (value.replace ("Z", "+00:00")).tzinfo is not None
        if name == "date":
            return bool (re.fullmatch (r"\d{4}-\d\d-\d\d", value)) and bool (datetime.date.fromisoformat (value))
        if name == "email":
            return bool (re.fullmatch (r"[^@\s]+@[^@\s]+", value))
        if name == "uri":
            return bool (re.match (r"[a-z][a-z0-9+.-]*:", value))
    except ValueError:
        return False
    raise AssertionError (f"unknown format {name}")


class Operation:
    def __init__ (self, document, path, method, body):
        self.document, self.path, self.method, self.body = document, path, method.upper (), body
        self.id = body ["operationId"]
        self.params = [document.resolve (param) for param in body.get ("parameters", [])]
        self.statuses = [status for status in body ["responses"] if status != "default"]

    @property
    def request_schema (self):
        media = self.body.get ("requestBody", {}).get ("content", {}).get ("application/json")
        return media and media ["schema"]

    def example (self):
        """A copy of the body's first example, None where there is no body."""
        media = self.body.get ("requestBody", {}).get ("content", {}).get ("application/json")
        return media and copy.deepcopy (self.document.resolve (next (iter (media ["examples"].values ()))) ["value"])

    def response (self, status):
        return self.document.resolve (self.body ["responses"].get (str (status)) or self.body ["responses"] ["default"])

    @property
    def is_public (self):
        return not self.body ["security"]


class Document:
    def __init__ (self, content):
        self.content = content
        self.operations = [Operation (self, path, method, body) for path, item in content ["paths"].items () for method, body in item.items ()]

    def resolve (self, value):
        while "$ref" in value:
            target = self.content
            for key in value ["$ref"].removeprefix ("#/").split ("/"):
                target = target [key.replace ("~1", "/").replace ("~0", "~")]
            value = target
        return value

    def faults (self, schema, value, at = ""):
        """Everything that is wrong with value, as ["place: what"]; [] where nothing is."""
        if schema is True:
            return []
        found = []
        for keyword, wanted in schema.items ():
            if keyword not in ANNOTATIONS:
                found += getattr (self, "check_" + keyword.replace ("$", ""), self.unknown (keyword)) (wanted, value, at, schema)
        return found

    def unknown (self, keyword):
        def refuse (*_):
            raise AssertionError (f"unknown keyword {keyword}")
        return refuse

    # one function a keyword

    def check_ref (self, wanted, value, at, schema):
        return self.faults (self.resolve ({"$ref": wanted}), value, at)

    def check_type (self, wanted, value, at, schema):
        wanted = wanted if isinstance (wanted, list) else [wanted]
        return [] if any (is_type (value, name) for name in wanted) else [f"{at}: {type (value).__name__}, not {wanted}"]

    def check_enum (self, wanted, value, at, schema):
        return [] if any (value == one and isinstance (value, bool) == isinstance (one, bool) for one in wanted) else [f"{at}: {value!r}, not of {wanted}"]

    def check_const (self, wanted, value, at, schema):
        return self.check_enum ([wanted], value, at, schema)

    def check_required (self, wanted, value, at, schema):
        return [f"{at}.{name}: missing" for name in wanted if isinstance (value, dict) and name not in value]

    def check_properties (self, wanted, value, at, schema):
        return [fault for name, one in wanted.items () if isinstance (value, dict) and name in value for fault in self.faults (one, value [name], f"{at}.{name}")]

    def check_additionalProperties (self, wanted, value, at, schema):
        more = [name for name in value if name not in schema.get ("properties", {})] if isinstance (value, dict) else []
        if wanted is False:
            return [f"{at}.{name}: unknown" for name in more]
        return [fault for name in more for fault in self.faults (wanted, value [name], f"{at}.{name}")]

    def check_items (self, wanted, value, at, schema):
        return [fault for number, one in enumerate (value if isinstance (value, list) else []) for fault in self.faults (wanted, one, f"{at}.{number}")]

    def bound (kind, keep, what):                       # noqa: N805: makes the methods below
        def check (self, wanted, value, at, schema):
            return [f"{at}: {what} {wanted}"] if is_of (value, kind) and not keep (value, wanted) else []

        def is_of (value, kind):
            return isinstance (value, kind) and not isinstance (value, bool)
        return check

    check_minLength = bound (str, lambda value, wanted: len (value) >= wanted, "shorter than")
    check_maxLength = bound (str, lambda value, wanted: len (value) <= wanted, "longer than")
    check_minItems = bound (list, lambda value, wanted: len (value) >= wanted, "fewer than")
    check_maxItems = bound (list, lambda value, wanted: len (value) <= wanted, "more than")
    check_minProperties = bound (dict, lambda value, wanted: len (value) >= wanted, "fewer than")
    check_maxProperties = bound (dict, lambda value, wanted: len (value) <= wanted, "more than")
    check_minimum = bound ((int, float), lambda value, wanted: value >= wanted, "less than")
    check_maximum = bound ((int, float), lambda value, wanted: value <= wanted, "greater than")
    check_exclusiveMinimum = bound ((int, float), lambda value, wanted: value > wanted, "not more than")
    check_exclusiveMaximum = bound ((int, float), lambda value, wanted: value < wanted, "not less than")
    check_pattern = bound (str, lambda value, wanted: re.search (wanted, value), "does not match")
    check_format = bound (str, is_format, "is no")
    del bound

    def check_uniqueItems (self, wanted, value, at, schema):
        twice = wanted and isinstance (value, list) and any (one in value [:number] for number, one in enumerate (value))
        return [f"{at}: has an item twice"] if twice else []

    def check_anyOf (self, wanted, value, at, schema):
        each = [self.faults (one, value, at) for one in wanted]
        return [] if [] in each else [f"{at}: fits none: {min (each, key = len)}"]

    def check_oneOf (self, wanted, value, at, schema):
        each = [self.faults (one, value, at) for one in wanted]
        return [] if each.count ([]) == 1 else [f"{at}: fits {each.count ([])} of {len (each)}: {min (each, key = len)}"]

    def check_allOf (self, wanted, value, at, schema):
        return [fault for one in wanted for fault in self.faults (one, value, at)]

    # what breaks a schema

    def violations (self, schema, value, at = ""):
        """(field, value broken in one way, how) for every way in which the schema can be broken from this valid value."""
        schema = self.resolve (schema)
        for how, wrong in self.broken (schema, value):
            yield at, wrong, how
        if isinstance (value, dict):
            yield from self.broken_members (schema, value, at)
        if isinstance (value, list) and value and "items" in schema:
            for field, wrong, how in self.violations (schema ["items"], value [0], f"{at}.0".lstrip (".")):
                yield field, [wrong, *value [1:]], how

    def broken_members (self, schema, value, at):
        for name in schema.get ("required", []):
            yield f"{at}.{name}".lstrip ("."), {key: one for key, one in value.items () if key != name}, "missing"
        if schema.get ("additionalProperties") is False:
            yield f"{at}.surplus".lstrip ("."), {**value, "surplus": 1}, "unknown member"
        for name, one in schema.get ("properties", {}).items ():
            given = value.get (name, self.sample (one))
            for field, wrong, how in self.violations (one, given, f"{at}.{name}".lstrip (".")):
                yield field, {**value, name: wrong}, how

    def sample (self, schema):
        """Something to break where the example has nothing."""
        schema = self.resolve (schema)
        kind = schema.get ("type")
        return [self.sample (schema ["items"])] if kind == "array" and schema.get ("minItems", 1) else {} if kind == "object" else None

    def broken (self, schema, value):
        kind = schema.get ("type")
        if kind in ("string", "boolean", "object", "array", "integer", "number"):
            yield "type", [] if kind == "object" else {} if kind == "array" else 1 if kind in ("string", "boolean") else "1"
        if "enum" in schema:
            yield "enum", "none of them"
        elif "format" in schema or "pattern" in schema:
            yield "format", "?" * max (schema.get ("minLength", 1), 1)
        if schema.get ("minLength"):
            yield "minLength", "x" * (schema ["minLength"] - 1)
        if "maxLength" in schema and schema ["maxLength"] <= 200_000:
            yield "maxLength", "x" * (schema ["maxLength"] + 1)
        if "minimum" in schema:
            yield "minimum", schema ["minimum"] - 1
        if "maximum" in schema:
            yield "maximum", schema ["maximum"] + 1
        if isinstance (value, list):
            item = value [0] if value else "x"
            if schema.get ("minItems"):
                yield "minItems", [item] * (schema ["minItems"] - 1)
            if "maxItems" in schema:
                yield "maxItems", [item] * (schema ["maxItems"] + 1)
        if "maxProperties" in schema:
            yield "maxProperties", {f"key{number}": 1 for number in range (schema ["maxProperties"] + 1)}
        if schema.get ("minProperties"):
            yield "minProperties", {}
