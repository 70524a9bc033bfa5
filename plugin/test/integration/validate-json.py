#!/usr/bin/python3
# validate-json.py: holds files of JSON Lines against a JSON Schema.
# SPDX-License-Identifier: GPL-2.0-or-later
"""validate-json.py SCHEMA FILE...: each line that is no instance of the schema is printed with why. Exit status 0: none; 1: some; 77: the
package python3-jsonschema is not installed. FILE may also be one JSON document of several lines."""

import json
import re
import sys

try:
    import jsonschema
except ModuleNotFoundError:
    sys.exit(77)


def documents(path):
    """Where in the file, and what is there."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    lines = text.splitlines()
    if len(lines) > 1 and not lines[0].rstrip().endswith("}"):
        return [(path, json.loads(text))]
    return [(f"{path}:{number}", json.loads(line)) for number, line in enumerate(lines, 1)]


def main():
    """The exit status."""
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    # The object's type chooses among the alternatives: a fault is named, and not that none of them fits.
    by_type = {each["properties"]["type"]["const"]: each for each in schema.get("definitions", {}).values()
               if "const" in each.get("properties", {}).get("type", {})}
    if "oneOf" in schema and set(each["$ref"].rsplit("/", 1)[1] for each in schema["oneOf"]) != set(by_type):
        print("the alternatives of the schema are not the objects that it defines")
        return 1
    validators = {name: kind({**each, "definitions": schema["definitions"]}) for name, each in by_type.items()}
    whole = kind(schema)
    status = 0
    seen = set()
    for path in sys.argv[2:]:
        for where, document in documents(path):
            # Most lines differ from others by their numbers only.
            shape = re.sub(r"[0-9]+", "0", json.dumps(document))
            if shape in seen:
                continue
            seen.add(shape)
            validator = validators.get(document.get("type"), whole) if validators else whole
            for error in validator.iter_errors(document):
                print(f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
                status = 1
    return status


sys.exit(main())
