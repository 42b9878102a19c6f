"""The shape of GRSAI's answers, read so that nothing in them can raise (contract §4).

A field of the wrong type counts as absent. Bytes that are not one JSON object in UTF-8 are no answer at all; so are
NaN, nesting beyond measure, and a repeated key, which leaves open what the provider meant.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, Strict, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

MAX_ID_CHARS = 256
MAX_URL_CHARS = 2048


def _or_none(value: object, validate: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - whatever the field holds
    try:
        return validate(value)
    except ValidationError:
        return None


_OR_NONE = WrapValidator(_or_none)
_Text = Annotated[str | None, Strict(), _OR_NONE]
_Whole = Annotated[int | None, Strict(), _OR_NONE]
_Number = Annotated[float | None, Strict(), Field(allow_inf_nan=False), _OR_NONE]


class Clip(BaseModel):
    """One entry of `results`."""

    url: _Text = None


class Data(BaseModel):
    """The inner object `data`: of a submission the id, of a result everything about the task."""

    id: object = None
    task_id: object = None
    status: _Text = None
    progress: _Number = None
    results: Annotated[list[Annotated[Clip | None, _OR_NONE]] | None, _OR_NONE] = None
    url: _Text = None
    failure_reason: _Text = None
    error: _Text = None

    @property
    def video_urls(self) -> list[str]:
        """The usable links, the one that counts first: Sora's `results[0].url`, Veo's `url`."""
        first = self.results[0] if self.results else None
        return [url for url in (first.url if first else None, self.url) if url and _usable(url)]

    @property
    def percent(self) -> int | None:
        """The progress in whole percent, cut to 0..100; 99.9 is not yet 100."""
        return None if self.progress is None else int(min(max(self.progress, 0.0), 100.0))


class Answer(BaseModel):
    """The envelope around everything that GRSAI answers."""

    code: _Whole = None
    msg: _Text = None
    error: _Text = None
    message: _Text = None
    data: Annotated[Data | None, _OR_NONE] = None
    id: object = None
    task_id: object = None

    @property
    def said(self) -> str:
        """The message about the request as a whole: `msg`, in errors also called `error` or `message`."""
        return self.msg or self.error or self.message or ""

    @property
    def reason(self) -> str | None:
        """The provider's own word for a failure."""
        return self.data.failure_reason or None if self.data else None

    @property
    def complaint(self) -> str:
        """The text of a failure: `error`, else `failure_reason`, else the message, unless that one says "success"."""
        said = "" if self.said.lower() in {"success", "ok"} else self.said
        return (self.data.error if self.data else None) or self.error or self.reason or said

    @property
    def remote_id(self) -> str | None:
        """The id of a submission, wherever this deployment puts it."""
        return next((text for text in map(id_text, self._ids()) if text is not None), None)

    def _ids(self) -> Iterator[object]:
        if self.data:
            yield self.data.id
        yield self.id
        yield self.task_id
        if self.data:
            yield self.data.task_id


def parse(body: bytes) -> Answer | None:
    """Read an answer; None when there is none in these bytes."""
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        return Answer.model_validate(document)
    except (ValueError, RecursionError):  # pydantic's and json's errors, and those of decoding, are ValueErrors
        return None


def id_text(value: object) -> str | None:
    """Return a provider's id as text; None when it is neither text nor a whole number, or cannot be stored."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_ID_CHARS or not text.isprintable():
        return None
    return text


def _usable(url: str) -> bool:
    if len(url) > MAX_URL_CHARS or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        message = "a key is repeated"
        raise ValueError(message)
    return document


def _no_constant(name: str) -> None:
    message = f"{name} is not JSON"
    raise ValueError(message)
