"""A small JSON Schema checker: the keywords that our schema uses, and an error for any other."""

from __future__ import annotations

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
}
KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "type", "properties", "required", "items",
    "additionalProperties", "enum", "anyOf", "oneOf", "minItems", "maxItems", "minimum",
}  # fmt: skip


def errors(value, schema, root, path="$"):
    """All violations, as sentences."""
    unknown = schema.keys() - KNOWN
    if unknown:
        return [f"{path}: the checker does not know {sorted(unknown)}"]
    found = []
    if "$ref" in schema:
        found += errors(value, _resolve(schema["$ref"], root), root, path)
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(TYPES[t](value) for t in types):
            return [*found, f"{path}: {value!r:.60} is no {types}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: {value!r:.60} is none of {schema['enum']}")
    if "minimum" in schema and value < schema["minimum"]:
        found.append(f"{path}: {value} is below {schema['minimum']}")
    found += _choices(value, schema, root, path)
    if isinstance(value, dict):
        found += _object(value, schema, root, path)
    if isinstance(value, list):
        found += _array(value, schema, root, path)
    return found


def _choices(value, schema, root, path):
    found = []
    for keyword, right in (("anyOf", lambda n: n >= 1), ("oneOf", lambda n: n == 1)):
        if keyword in schema:
            results = [errors(value, option, root, path) for option in schema[keyword]]
            if not right(sum(not result for result in results)):
                best = min(results, key=len)
                found.append(f"{path}: fits not {keyword}; nearest: {best[:3]}")
    return found


def _object(value, schema, root, path):
    found = [
        f"{path}: {key!r} is missing" for key in schema.get("required", ()) if key not in value
    ]
    properties = schema.get("properties", {})
    for key, item in value.items():
        if key in properties:
            found += errors(item, properties[key], root, f"{path}.{key}")
        elif isinstance(schema.get("additionalProperties"), dict):
            found += errors(item, schema["additionalProperties"], root, f"{path}.{key}")
    return found


def _array(value, schema, root, path):
    found = []
    if len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", len(value)):
        found.append(f"{path}: {len(value)} items")
    for place, item in enumerate(value):
        if "items" in schema:
            found += errors(item, schema["items"], root, f"{path}[{place}]")
    return found


def _resolve(reference, root):
    node = root
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node
