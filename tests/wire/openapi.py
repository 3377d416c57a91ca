"""The OpenAPI documents of src/api/openapi, and what an answer must be to fit them.

check(name, method, target, reply) finds the operation and the response, and holds status, content
type, headers and body against it. What no operation describes (no such path, another method) must
be the `default` answer of a path beside it; so must what HTTP itself refuses, on any path.
"""

import functools
import json
import pathlib
import re

import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "src/api/openapi"
NAMES = ["pristo", "omnisend", "infobip", "arsel", "native"]
METHODS = ("get", "post", "put", "patch", "delete")
OF_HTTP = (405, 408, 413, 414, 415, 417, 431, 501, 505)
BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Misfit(AssertionError):
    """An answer that its document does not allow."""


class Document:
    def __init__(self, name):
        self.name = name
        self.data = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
        self.prefixes = [s["url"].rstrip("/") for s in self.data["servers"]]
        # The path with the fewest variables first: /contacts/tags is not /contacts/{id}.
        paths = sorted(self.data["paths"], key=lambda path: path.count("{"))
        self.paths = [(path, path_pattern(path)) for path in paths]
        self.validators = {}

    def resolve(self, node):
        while "$ref" in node:
            node = functools.reduce(lambda at, step: at[step], node["$ref"].split("/")[1:],
                                    self.data)
        return node

    def operations(self):
        for path, item in self.data["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), path, item[method]

    def find(self, target):
        """The path of the document that a target is of, or None."""
        path = re.sub("%3a", ":", target.split("?")[0], flags=re.I)
        if BROKEN_ESCAPE.search(path):
            return None
        for prefix in sorted(self.prefixes, key=len, reverse=True):
            for name, pattern in self.paths:
                if path.startswith(prefix) and pattern.fullmatch(path[len(prefix):]):
                    return name
        return None

    def beside(self, target):
        """The path that has most in common with a target: what is there is refused alike."""
        def common(path):
            pairs = zip(path, target)
            return next((i for i, (a, b) in enumerate(pairs) if a != b), len(path))
        prefix = next((p for p in self.prefixes if p and target.startswith(p + "/")), "")
        target = target[len(prefix):]
        return max(self.data["paths"], key=common)

    def response(self, method, target, status):
        """The response object for an answer, or None when there is none."""
        path = self.find(target)
        item = self.data["paths"][path] if path else {}
        operation = item.get("get" if method == "HEAD" else method.lower())
        if operation and str(status) in operation["responses"]:
            return self.resolve(operation["responses"][str(status)])
        is_otherwise = status in OF_HTTP or (status == 404 and not operation)
        if not is_otherwise:
            return None
        item = item or self.data["paths"][self.beside(target)]
        any_operation = next(item[m] for m in METHODS if m in item)
        return self.resolve(any_operation["responses"]["default"])

    def validator(self, schema):
        if id(schema) not in self.validators:
            whole = {"components": self.data["components"], "allOf": [schema]}
            self.validators[id(schema)] = jsonschema.Draft202012Validator(whole)
        return self.validators[id(schema)]

    def hold(self, schema, value, what):
        wrong = jsonschema.exceptions.best_match(self.validator(schema).iter_errors(value))
        if wrong:
            raise Misfit(f"{what}: {wrong.json_path}: {wrong.message}")


def path_pattern(path):
    """A slash may follow; the dialects themselves say where it may not."""
    parts = re.split(r"\{[^}]+\}", path)
    return re.compile("[^/]+".join(map(re.escape, parts)) + "/?")


@functools.cache
def document(name):
    return Document(name)


def value_of(text, schema):
    return int(text) if schema.get("type") == "integer" and text.isdecimal() else text


def check_headers(doc, response, reply, what):
    for name, header in response.get("headers", {}).items():
        header, text = doc.resolve(header), reply.header(name)
        if text is not None:
            doc.hold(header["schema"], value_of(text, header["schema"]), f"{what}, {name}")
        elif header.get("required"):
            raise Misfit(f"{what}: there is no {name}")


def check_body(doc, response, reply, what):
    content, type_ = response.get("content"), reply.header("Content-Type")
    if not content:
        if reply.body or type_:
            raise Misfit(f"{what}: has a body")
    elif type_ not in content:
        raise Misfit(f"{what}: is {type_}, not one of {list(content)}")
    else:
        value = reply.text if type_.startswith("text/") else reply.json()
        doc.hold(content[type_]["schema"], value, what)


def check(name, method, target, reply):
    doc, what = document(name), f"{name}.json, {method} {target[:100]} {reply.status}"
    if method == "OPTIONS" and reply.status == 204: # HTTP's own: what Allow says
        return
    response = doc.response(method, target, reply.status)
    if response is None:
        raise Misfit(f"{what}: is not documented")
    check_headers(doc, response, reply, what)
    if method != "HEAD":
        check_body(doc, response, reply, what)


def check_of(dialect, method, target, reply):
    """For a request to this dialect, unless its path is of another document."""
    others = [name for name in NAMES if document(name).find(target)]
    name = dialect if dialect in others or not others else others[0]
    check(name, method, target, reply)


def check_served(method, target, reply):
    """For a request of any dialect: by the document that knows its path, if one does."""
    for name in NAMES:
        if document(name).find(target):
            check(name, method, target, reply)
