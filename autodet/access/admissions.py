"""Browsers that have signed in with a password: random tokens, known only to this process.

A token is kept as its SHA-256. It expires ``ADMISSION_SECONDS`` after the sign-in.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass

from autodet.access.visitor import Role

ADMISSION_SECONDS = 12 * 3600.0


@dataclass(frozen=True)
class _Admission:
    role: Role
    until: float  # on the monotonic clock


_admissions: dict[str, _Admission] = {}  # by the token's digest


def admit(role: Role) -> str:
    """Return a new token for a browser's cookie, and forget expired ones."""
    now, token = time.monotonic(), secrets.token_urlsafe(32)
    for digest, admission in list(_admissions.items()):
        if admission.until < now:
            _admissions.pop(digest, None)
    _admissions[digest_of(token)] = _Admission(role, now + ADMISSION_SECONDS)
    return token


def admitted_role(digest: str) -> Role | None:
    """Return the role of a token; None if it is unknown or has expired.

    Args:
        digest: ``digest_of`` the token.
    """
    admission = _admissions.get(digest)
    return admission.role if admission and admission.until > time.monotonic() else None


def revoke(digest: str) -> None:
    """Invalidate a token."""
    _admissions.pop(digest, None)


def digest_of(token: str) -> str:
    """Return the SHA-256 of a token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
