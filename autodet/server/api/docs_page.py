"""The description of the API as a page: HTML without scripts, made from the OpenAPI document."""

from collections.abc import Sequence
from html import escape
from typing import Any

from autodet.server.api.openapi import SCHEMAS, description

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; overflow-wrap: anywhere; } h2 b { color: #2f7fd6; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid #8884; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid #8884; border-radius: .5rem; }
"""
EXAMPLE = """curl -F image=@photo.jpg {predict}
curl -F image=@photo.jpg -H "Authorization: Bearer $AUTODET_TOKEN" "{predict}?threshold=0.3"
curl -F image=@photo.jpg -o boxes.jpg "{predict}?format=image\""""


def docs_html(address: str) -> str:
    """Return the page.

    Args:
        address: Address by which the reader reaches the API, without a slash at its end.
    """
    document = description()
    parts = [
        f"<h1>{escape(document['info']['title'])} {escape(document['info']['version'])}: HTTP API</h1>",
        f'<p>{escape(document["info"]["description"])} The same as an <a href="openapi.json">OpenAPI document</a>.</p>',
        f"<pre>{escape(EXAMPLE.format(predict=f'{address}/models/MODEL/predict'))}</pre>",
        "<p>Where the server has a password or a sign-in, send a token: <code>Authorization: Bearer TOKEN</code>. "
        "Editors make tokens on the page <i>Settings</i>.</p>",
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append(_operation(method, path, operation))
    parts += [_schema(name) for name in SCHEMAS]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>autodet: HTTP API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"<h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2><p>{escape(operation['summary'])}.</p>"]
    if parameters := operation.get("parameters"):
        rows = [(one["name"], one["in"], one["description"]) for one in parameters]
        parts.append(_table(("parameter", "in", "meaning"), rows))
    if body := operation.get("requestBody"):
        parts.append(f"<p>{escape(body['description'])} Content-Type: {', '.join(map(_code, body['content']))}.</p>")
    rows = [(status, _kind(answer), answer["description"]) for status, answer in operation["responses"].items()]
    return "".join([*parts, _table(("status", "answer", "meaning"), rows)])


def _kind(answer: dict[str, Any]) -> str:
    return " or ".join(
        _type(content["schema"]) if media == "application/json" else media
        for media, content in answer["content"].items()
    )


def _schema(name: str) -> str:
    rows = [(key, _type(value), value.get("description", "")) for key, value in SCHEMAS[name]["properties"].items()]
    return f'<h2 id="{name}">{name}</h2>' + _table(("entry", "type", "meaning"), rows)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if choices := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
        return " or ".join(map(str, choices))
    kind = schema["type"]
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heading)
    body = "".join(
        f"<tr><td>{_code(first)}</td>{''.join(f'<td>{escape(cell)}</td>' for cell in rest)}</tr>"
        for first, *rest in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
