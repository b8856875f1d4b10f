"""The API's description, and wrong requests as problem documents of the one kind that it describes."""

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

from playnet.asgi.problems import MEDIA_TYPE, problem
from playnet.errors import InvalidInput

_MAX_MISTAKES = 20


async def invalid_request(request: Request, exc: Exception) -> JSONResponse:
    """400 with each mistake's place. Never echoes the input: it may hold anything."""
    assert isinstance(exc, RequestValidationError)
    mistakes = [
        {"where": ".".join(str(part)[:80] for part in error["loc"]), "message": error["msg"][:300]}
        for error in exc.errors()[:_MAX_MISTAKES]
    ]
    detail = "; ".join(f"{mistake['where']}: {mistake['message']}" for mistake in mistakes[:3])
    return problem(
        request, status=400, code=InvalidInput.code, title=InvalidInput.title, detail=detail, mistakes=mistakes
    )


def describe(app: FastAPI) -> None:
    """FastAPI describes errors in a form of its own; ours are problem documents, and 400 instead of 422."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            for operations in schema["paths"].values():
                for operation in operations.values():
                    _only_problems(operation["responses"])
            for unused in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(unused, None)
            app.openapi_schema = schema
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def declare(app: FastAPI, paths: dict[str, Any], *models: type[BaseModel]) -> None:
    """Describe plain routes, which FastAPI does not know, and the models that they name."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        schema["paths"].update(paths)
        known = schema.setdefault("components", {}).setdefault("schemas", {})
        for model in models:
            described = model.model_json_schema(ref_template="#/components/schemas/{model}")
            known.update(described.pop("$defs", {}))
            known[model.__name__] = described
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _only_problems(responses: dict[str, Any]) -> None:
    responses.pop("422", None)
    for response in responses.values():
        if MEDIA_TYPE in response.get("content", {}):
            response["content"].pop("application/json", None)
