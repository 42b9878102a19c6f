"""Checking a webhook as its receiver does, and guessing why a signature does not fit (contract §5)."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import cast

from batchctl.domain.webhook import STANDARD_PREFIX, standard_key

TOLERANCE_S = 300
"""A timestamp that is further away than this is refused by receivers (Standard Webhooks)."""
LEGACY, STANDARD = "x-webhook-signature", "webhook-signature"
ID, TIMESTAMP = "webhook-id", "webhook-timestamp"
_MILLISECONDS = 13
"""Digits of a time in milliseconds; one in seconds has ten."""
_ORDER = (
    *("type", "batch_id", "user_id", "status", "total_count", "success_count", "failed_count", "credits_spent"),
    *("credits_refunded", "reason", "timestamp"),
)
"""The keys of an event as it is sent."""


Way = tuple[bytes, str]
"""What may have been signed, or with what; and what was done wrong then, empty for nothing."""


class Fit(StrEnum):
    """What a header of signatures comes to."""

    VALID = "valid"
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A webhook as it was received."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case names."""

    def header(self, name: str) -> str:
        """Return a header without blanks around it, empty where it is missing."""
        return self.headers.get(name, "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderCheck:
    """What one header came to."""

    name: str
    fit: Fit
    detail: str | None
    """Why it does not fit, as far as that can be guessed; of several signatures, how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a receiver that does it right would say."""

    schema: str = "batchctl/webhook.verify/1"
    accepted: bool
    """A signature fits, none is wrong, and the timestamp, if there is one, is within the tolerance."""
    checks: tuple[HeaderCheck, ...]
    age_s: int | None
    """How old the timestamp is, negative for one that lies ahead; None: there is none."""
    tolerance_s: int = TOLERANCE_S
    reason: str | None
    """Why it is not accepted."""


def verify(received: Received, secret: str, now: datetime) -> VerifyReport:
    """Check both signatures and the timestamp; MalformedSecretError for a `whsec_` secret that is not base64."""
    standard_key(secret)  # One that is malformed cannot have signed anything of ours, the older header included.
    legacy, standard = _check_legacy(received, secret), _check_standard(received, secret)
    if standard.fit is Fit.WRONG and standard.detail is None and legacy.fit is Fit.VALID:
        detail = f"secret and body are right, so {ID} or {TIMESTAMP} is not that of this request"
        standard = HeaderCheck(name=STANDARD, fit=Fit.WRONG, detail=detail)
    age_s = _age_s(received.header(TIMESTAMP), now)
    reason = _objection((legacy, standard), received, age_s)
    return VerifyReport(accepted=reason is None, checks=(legacy, standard), age_s=age_s, reason=reason)


def _objection(checks: Sequence[HeaderCheck], received: Received, age_s: int | None) -> str | None:
    """Say what a receiver objects to first; None: to nothing."""
    wrong = [check for check in checks if check.fit is Fit.WRONG]
    if wrong:
        names = " and ".join(check.name for check in wrong)
        guess = "; ".join(dict.fromkeys(check.detail for check in wrong if check.detail))
        guess = guess or "it is another secret, or the body is not the bytes that were sent"
        return f"{names} {'do' if len(wrong) > 1 else 'does'} not fit: {guess}"
    if all(check.fit is Fit.MISSING for check in checks):
        return f"there is no signature: give {LEGACY}, or {ID}, {TIMESTAMP} and {STANDARD}"
    if received.header(TIMESTAMP) and age_s is None:
        return f"{TIMESTAMP} is no number of seconds"
    if age_s is not None and abs(age_s) > TOLERANCE_S:
        how = "old" if age_s > 0 else "ahead"
        return f"the signature fits, but its timestamp is {abs(age_s)} s {how}: a receiver takes {TOLERANCE_S} s"
    return None


def _check_legacy(received: Received, secret: str) -> HeaderCheck:
    given = received.header(LEGACY)
    if not given:
        return HeaderCheck(name=LEGACY, fit=Fit.MISSING, detail=None)
    for (key, wrong_key), (body, wrong_body) in _fewest_first(_legacy_keys(secret), _bodies(received.body)):
        right = hmac.new(key, body, hashlib.sha256).hexdigest()
        if hmac.compare_digest(right.encode(), _bytes(given)):
            return _found(LEGACY, wrong_key, wrong_body)
        if hmac.compare_digest(right.encode(), _bytes(given.lower())):
            return _found(LEGACY, "it is in upper case: the hex digits are lower-case", wrong_key, wrong_body)
    detail = f"this is a value of {STANDARD}" if given.startswith("v1,") else None
    return HeaderCheck(name=LEGACY, fit=Fit.WRONG, detail=detail)


def _check_standard(received: Received, secret: str) -> HeaderCheck:
    given, timestamp = received.header(STANDARD), received.header(TIMESTAMP)
    webhook_id = _bytes(received.header(ID))
    if not given:
        return HeaderCheck(name=STANDARD, fit=Fit.MISSING, detail=None)
    if not (webhook_id and timestamp):
        return HeaderCheck(name=STANDARD, fit=Fit.WRONG, detail=f"it takes {ID} and {TIMESTAMP} too")
    signatures = [_bytes(one) for one in given.split()]
    several = f"one of {len(signatures)} signatures" if len(signatures) > 1 else None
    ways = _fewest_first(_standard_keys(secret), _bodies(received.body), _timestamps(timestamp))
    for (key, wrong_key), (body, wrong_body), (at, wrong_time) in ways:
        digest = hmac.new(key, b".".join((webhook_id, at, body)), hashlib.sha256).digest()
        right = b"v1," + base64.b64encode(digest)
        if any(hmac.compare_digest(right, one) for one in signatures):
            found = _found(STANDARD, wrong_key, wrong_body, wrong_time)
            return found if found.detail else HeaderCheck(name=STANDARD, fit=Fit.VALID, detail=several)
    detail = None if any(one.startswith(b"v1,") for one in signatures) else "each signature begins with v1,"
    return HeaderCheck(name=STANDARD, fit=Fit.WRONG, detail=detail)


def _found(name: str, *wrong: str) -> HeaderCheck:
    told = [one for one in wrong if one]
    return HeaderCheck(name=name, fit=Fit.WRONG if told else Fit.VALID, detail="; ".join(told) or None)


def _fewest_first(*ways: Sequence[Way]) -> Iterator[tuple[Way, ...]]:
    """Yield every combination, that without a mistake first, then those with one, and so on."""
    yield from sorted(product(*ways), key=lambda combined: sum(bool(wrong) for _, wrong in combined))


def _legacy_keys(secret: str) -> list[Way]:
    """Return the key, the secret's text as it stands, and those that others may have taken for it."""
    bare = secret.strip().removeprefix(STANDARD_PREFIX)
    return [
        (secret.encode(), ""),
        (secret.strip().encode(), "the secret has blanks around it"),
        (f"{STANDARD_PREFIX}{bare}".encode(), f"the secret begins with {STANDARD_PREFIX}"),
        (bare.encode(), f"it was signed without {STANDARD_PREFIX}: the key is the text of the secret as it stands"),
        *(
            (key, "it was signed with the decoded secret: here the key is its text as it stands")
            for key in _base64(bare)
        ),
    ]


def _standard_keys(secret: str) -> list[Way]:
    """Return the key and those that others may have taken for it."""
    bare = secret.strip().removeprefix(STANDARD_PREFIX)
    is_encoded = secret.startswith(STANDARD_PREFIX)
    undecoded = f"it was signed with the text of the secret: what follows {STANDARD_PREFIX} is base64, to be decoded"
    decoded = f"the secret begins with {STANDARD_PREFIX}: it is base64, to be decoded"
    return [
        (standard_key(secret), ""),
        (secret.strip().encode(), undecoded if is_encoded else "the secret has blanks around it"),
        *([(bare.encode(), undecoded)] if is_encoded else [(key, decoded) for key in _base64(bare)]),
    ]


def _base64(text: str) -> list[bytes]:
    """Return what a text is when it is decoded, if it can be."""
    try:
        return [base64.b64decode(text + "=" * (-len(text) % 4), validate=True)]
    except (binascii.Error, ValueError):
        return []


def _bodies(body: bytes) -> list[Way]:
    """Return the body and what it may have been before somebody changed it."""
    line_end, anew = "the body has a line end that was not sent", "the body was parsed and written anew: take its bytes"
    ways = [(body, ""), (body.rstrip(b"\r\n"), line_end), (body + b"\n", "the body lacks its line end")]
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        return ways
    documents = [document]
    if isinstance(document, dict):
        fields = cast("dict[str, object]", document)
        documents.append({name: fields[name] for name in sorted(fields, key=_place)})
    texts = [
        json.dumps(one, ensure_ascii=only_ascii, separators=(",", ":"))
        for one in documents
        for only_ascii in (False, True)
    ]
    return ways + [(text.encode("utf-8", "replace"), anew) for text in dict.fromkeys(texts)]


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _timestamps(text: str) -> list[Way]:
    ways = [(_bytes(text), "")]
    if len(text) >= _MILLISECONDS:
        ways.append((_bytes(text[:-3]), f"{TIMESTAMP} is in milliseconds: it takes seconds"))
    return ways


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _age_s(text: str, now: datetime) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MILLISECONDS):
        return None
    return round(now.timestamp()) - int(text)
