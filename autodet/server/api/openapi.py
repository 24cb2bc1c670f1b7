"""The description of the API in OpenAPI's format."""

from functools import cache
from typing import Any

from autodet.records import DEFAULT_THRESHOLD
from autodet.server.api.photo_bodies import FIELD, FORM, MAX_BODY_BYTES, RAW
from autodet.text_format import size_text
from autodet.version import __version__

Schema = dict[str, Any]
PHOTO: Schema = {"type": "string", "format": "binary"}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _optional(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _described(schema: Schema, words: str) -> Schema:
    return {**schema, "description": words}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


SCHEMAS: dict[str, Schema] = {
    "Error": _object(error=_described(TEXT, "The problem, the place and the remedy, in a sentence.")),
    "Health": _object(status={"const": "ok"}, version=_described(TEXT, "Version of autodet.")),
    "Model": {
        **_object(
            model=_described(TEXT, "Its id, which never changes."),
            name=_described(TEXT, "Its name; several models may have the same."),
            classes=_described(_list(TEXT), "Class names by class id."),
            thresholds=_described(
                {"type": "object", "additionalProperties": SHARE},
                f"The confidence threshold of each class ({DEFAULT_THRESHOLD} unless chosen on validation photos).",
            ),
            image_size=_described(COUNT, "Side of the square that photos are scaled to, in pixels."),
            architecture=TEXT,
            dataset=_described(TEXT, "Name of the data set that it was trained on."),
            map50=_described(_optional(SHARE), "mAP at an IoU of 0.50 on validation photos."),
            metrics={"type": "object", "additionalProperties": NUMBER},
            runtime={"enum": ["onnx", "torch"]},
            added=_described(_optional(TEXT), "When it was added here, ISO 8601."),
        )
    },
    "Detection": {
        **_object(
            class_id=COUNT,
            score=_described(SHARE, "Confidence."),
            box=_described(
                {**_list(NUMBER), "minItems": 4, "maxItems": 4},
                "x1, y1, x2, y2: left, top, right and bottom edge in pixels of the photo.",
            ),
        )
    },
    "Prediction": _object(
        model=_described(TEXT, "The model's id."),
        image=_described(_object(width=COUNT, height=COUNT), "Size in pixels, with EXIF orientation applied."),
        detections=_described(_list(_reference("Detection")), "The highest score first."),
        truncated=_described(
            {"type": "boolean"}, "Whether the model returned as many objects as it can, so that there may be more."
        ),
        tiles=_described(COUNT, "Number of tiles that were predicted on besides the whole photo."),
        seconds=_described(NUMBER, "Time from the end of the request to the answer."),
    ),
}
SCHEMAS["Detection"]["properties"]["class"] = _described(TEXT, "Name of the class.")
SCHEMAS["Detection"]["required"].append("class")
SCHEMAS["Model"]["properties"]["owner"] = _described(_optional(TEXT), "Who made it; not in a demo.")

ERRORS = {
    "400": "The request is incomplete or has an invalid option.",
    "401": "The server wants a token, or the token is unknown or has expired.",
    "403": "The host name or the origin of the request is foreign.",
    "404": "There is no such model.",
    "408": "The photo arrived too slowly.",
    "409": "The file of the model is damaged.",
    "413": f"The photo has more than {size_text(MAX_BODY_BYTES)}, or too many pixels.",
    "415": "The Content-Type is none of those below.",
    "422": "The file is no photo, or is damaged.",
    "429": "Too many wrong tokens, or the quota of a demo is used up; Retry-After says when to come back.",
    "503": "Too many photos are waiting; Retry-After says when to try again.",
}
READING, PREDICTING = ("401", "403", "429"), tuple(ERRORS)
MODEL_ID = {"name": "model", "in": "path", "required": True, "schema": TEXT, "description": "Id of the model."}


def _operation(summary: str, answer: Schema, errors: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    refusals = {
        status: {"description": ERRORS[status], "content": {"application/json": {"schema": _reference("Error")}}}
        for status in errors
    }
    success = {"description": "The answer.", "content": {"application/json": {"schema": answer}}}
    return {"summary": summary, "responses": {"200": success, **refusals}, **more}


def _prediction_operation() -> dict[str, Any]:
    options = [
        MODEL_ID,
        {
            "name": "threshold",
            "in": "query",
            "schema": SHARE,
            "description": "Minimum confidence of a detection; by default the model's own for each class.",
        },
        {
            "name": "format",
            "in": "query",
            "schema": {"enum": ["json", "image"], "default": "json"},
            "description": "image: the photo with its boxes drawn, a JPEG, instead of JSON.",
        },
        {
            "name": "tiles",
            "in": "query",
            "schema": {"enum": [0, 1], "default": 0},
            "description": "1: find small objects on a large photo, on overlapping tiles of it; takes longer.",
        },
    ]
    photo_form = _object(**{FIELD: PHOTO}) | {"additionalProperties": False}
    body = {
        "required": True,
        "description": f"The photo, at most {size_text(MAX_BODY_BYTES)}: a form with one file, or the bytes.",
        "content": {FORM: {"schema": photo_form}, "image/*": {"schema": PHOTO}, RAW: {"schema": PHOTO}},
    }
    operation = _operation(
        "Detect objects on a photo", _reference("Prediction"), PREDICTING, parameters=options, requestBody=body
    )
    operation["responses"]["200"]["content"]["image/jpeg"] = {"schema": PHOTO}
    return operation


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI document."""
    token: list[Schema] = [{"token": []}, {}]  # needed where the server has a password or a sign-in
    find_errors = (*READING, "404", "409")
    one_model = _operation("Describe a model", _reference("Model"), find_errors, parameters=[MODEL_ID], security=token)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "autodet",
            "version": __version__,
            "description": "Object detection with the models of this server. Every error is JSON with a sentence.",
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/api/health": {"get": _operation("Tell whether the server works", _reference("Health"))},
            "/api/models": {
                "get": _operation("List the models, the newest first", _list(_reference("Model")), READING)
                | {"security": token}
            },
            "/api/models/{model}": {"get": one_model},
            "/api/models/{model}/predict": {"post": _prediction_operation() | {"security": token}},
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
