#!/usr/bin/env python3
"""Makes table.rs: the shape of every request that the codec decodes, from Kafka's own message schemas.

    python3 src/wire/shape/generate.py kafka-clients-4.4.0.jar > src/wire/shape/table.rs

The schemas are the files common/message/*Request.json of the kafka-clients jar (Maven Central). Requests that
kafka-protocol lacks are left out. An element's size in memory is taken from kafka-protocol's struct of the same name.
"""
import json, re, sys, textwrap, zipfile

LACKING = {"StreamsGroupHeartbeat", "StreamsGroupDescribe", "StreamsGroupTopologyDescriptionUpdate", "UnregisterController"}
FIXED = {"bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "int64": 8, "float64": 8, "uuid": 16}
OPEN = "LAST"


def schemas(jar):
    with zipfile.ZipFile(jar) as files:
        for name in files.namelist():
            if re.fullmatch(r"common/message/\w+Request\.json", name):
                text = files.read(name).decode()
                yield json.loads("\n".join(line for line in text.split("\n") if not line.strip().startswith("//")))


def bounds(versions):
    if versions == "none":
        return None
    first, _, last = versions.partition("-")
    return (first[:-1], OPEN) if first.endswith("+") else (first, last or first)


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def join_fixed(rows):
    """Neighbouring fields of fixed size that the same versions have become one."""
    joined = []
    for row in rows:
        one, other = (re.fullmatch(r"field\((.*), Fixed\((\d+)\)\)", text) for text in (joined[-1] if joined else "", row))
        if one and other and one[1] == other[1]:
            row = f"field({one[1]}, Fixed({int(one[2]) + int(other[2])}))"
            joined.pop()
        joined.append(row)
    return joined


class Request:
    def __init__(self, schema):
        self.schema, self.name = schema, schema["name"][:-7]
        self.structs = {s["name"]: s["fields"] for s in schema.get("commonStructs", [])}
        self.done = {}
        self.lines = []

    def shape(self, struct, fields):
        """The constant of a struct's shape, written before whatever names it."""
        if struct not in self.done:
            constant = re.sub(r"^(.*)_REQUEST$", r"\1", snake(self.schema["name"]).upper())
            constant += "" if struct == self.schema["name"] else "__" + snake(struct).upper()
            rows = " ".join(row.replace(" ", "~") + "," for row in join_fixed([self.field(field) for field in fields]))
            rust = f"messages::{snake(self.schema['name'])}::{struct}"
            self.lines.append(f"const {constant}: Shape = shape(size_of::<{rust}>(), &[")
            lines = textwrap.wrap(rows, 116, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
            self.lines += [line.replace("~", " ") for line in lines] + ["]);"]
            self.done[struct] = constant
        return self.done[struct]

    def field(self, field):
        first, last = bounds(field["versions"])
        kind = self.kind(field, field["type"])
        if "tag" in field:
            first, last = bounds(field["taggedVersions"])
            return f"tagged({field['tag']}, {first}, {last}, {kind})"
        return f"field({first}, {last}, {kind})"

    def kind(self, field, kind):
        if kind in FIXED:
            return f"Fixed({FIXED[kind]})"
        if kind == "string":
            return "Text"
        if kind in ("bytes", "records"):
            return "Blob"
        if kind.startswith("[]"):
            return f"Array(&{self.kind(field, kind[2:])})"
        shape = self.shape(kind, field.get("fields") or self.structs[kind])
        nullable = "nullableVersions" in field and not field["type"].startswith("[]")
        return f"{'Optional' if nullable else 'Struct'}(&{shape})"


print("""// Do not edit: made by generate.py from the message schemas of Apache Kafka 4.4.0.
//! The shape of every request, in the order of API keys.

use super::{field, request, shape, tagged, Kind::*, Request, Shape, LAST, NEVER};
use kafka_protocol::messages;
use std::mem::size_of;
""")
requests = [Request(s) for s in sorted(schemas(sys.argv[1]), key=lambda s: s["apiKey"])]
requests = [r for r in requests if r.schema["validVersions"] != "none" and r.name not in LACKING]
rows = []
for request in requests:
    top = request.shape(request.schema["name"], request.schema["fields"])
    flexible = bounds(request.schema["flexibleVersions"])
    flexible = flexible[0] if flexible else "NEVER"
    rows.append(f"    request({request.schema['apiKey']}, {flexible}, &{top}),")
    print("\n".join(request.lines))
print("\n/// One row per API.\npub(super) const REQUESTS: &[Request] = &[")
print("\n".join(rows) + "\n];")
