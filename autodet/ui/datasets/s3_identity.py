"""S3 credentials: identities that the installation offers to visitors, and keys that visitors enter."""

from dataclasses import replace
from typing import Any

import streamlit as st

from autodet.datasets.sources.s3.access import ANONYMOUS, OWN, S3Credentials
from autodet.settings import MACHINE, Settings

KEYS = "s3 keys"  # session state: entered keys by import, for imports that may still ask something
TYPED, PUBLIC = "With a key", "It is public"


def choose_identity(settings: Settings, key: str) -> S3Credentials:
    """Let the visitor select an identity with the widget of a key; keys of S3 are not entered yet."""
    ways = {TYPED: S3Credentials(), PUBLIC: ANONYMOUS}
    for name in settings.s3_identities:
        own = name == MACHINE
        ways["With this server's own key" if own else f"As {name}"] = (
            OWN if own else S3Credentials(identity="profile", profile=name)
        )
    chosen = st.segmented_control("Access to the bucket", list(ways), default=TYPED, key=key)
    return ways[chosen or TYPED]


def type_keys(asking: S3Credentials, where: str = "") -> S3Credentials:
    """Show the key fields that an identity needs, inside a form; ``where`` tells it from other forms."""
    if asking.identity != "keys":
        return asking
    st.caption("Keys stay in this browser session and are never stored.")
    left, right = st.columns(2)
    hidden: dict[str, Any] = {"type": "password", "autocomplete": "off"}
    key_id = left.text_input("Access key id", key=f"key id {where}", autocomplete="off")
    secret = right.text_input("Secret access key", key=f"secret {where}", **hidden)
    region = left.text_input(
        "Region", asking.region or "", key=f"region {where}", placeholder="if your bucket needs it"
    )
    token = right.text_input("Session token", key=f"token {where}", placeholder="for temporary keys", **hidden)
    return replace(
        asking,
        access_key_id=key_id.strip(),
        secret_access_key=secret.strip(),
        session_token=token.strip() or None,
        region=region.strip() or None,
    )


def remember_keys(id: str, credentials: S3Credentials) -> None:
    """Keep the keys of an import in this browser session only."""
    st.session_state.setdefault(KEYS, {})[id] = credentials


def keys_of(id: str) -> S3Credentials | None:
    """Return the keys of an import if this browser session has them."""
    kept: S3Credentials | None = st.session_state.get(KEYS, {}).get(id)
    return kept


def forget_keys(id: str) -> None:
    """Forget the keys of an import."""
    st.session_state.get(KEYS, {}).pop(id, None)
