"""The allowlist for OpenID Connect: e-mail addresses and domains with their roles."""

from collections.abc import Mapping
from typing import Any

from autodet.access.visitor import Role
from autodet.settings import Settings


def verified_email(claims: Mapping[str, Any]) -> str:
    """Return the e-mail address of an identity token, in lower case; empty unless the provider has verified it."""
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") not in (True, "true"):
        return ""
    return email.strip().casefold()


def role_of(email: str, settings: Settings) -> Role | None:
    """Return the role of a verified e-mail address; None if it has no access. An address counts before a domain.

    Args:
        email: E-mail address in lower case.
        settings: The lists ``editors`` and ``viewers``.
    """
    name, at, domain = email.rpartition("@")
    if not (name and domain):
        return None
    for entry in (email, at + domain):
        if entry in settings.editors:
            return "editor"
        if entry in settings.viewers:
            return "viewer"
    return None
