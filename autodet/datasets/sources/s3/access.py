"""Credentials for a bucket, and the choice of server.

Typed keys go only to the client created here. The installation chooses the servers (``AUTODET_S3_ENDPOINT``), never a
user, because a foreign server would receive the key's id. Users of the command line and of Python may use the machine's
own keys; visitors of the app only those that ``AUTODET_S3_IDENTITIES`` names.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from autodet.datasets.sources.archive import is_packed
from autodet.errors import DatasetError, SettingsError
from autodet.settings import AMAZON, MACHINE, S3, Settings

Identity = Literal["keys", "anonymous", "machine", "profile"]
SCHEME = S3
CONNECT_SECONDS, READ_SECONDS = 10, 30
ATTEMPTS = 4  # per request, before it counts as failed


@dataclass(frozen=True)
class S3Credentials:
    """Credentials and server of one import; keys are never written or shown anywhere.

    Attributes:
        access_key_id: The id of a typed key.
        secret_access_key: The secret of a typed key.
        session_token: The token of temporary keys.
        region: The bucket's region, if its server requires one.
        identity: Whether to use the typed keys, none, the machine's own (environment or role), or a profile.
        profile: A name in the machine's AWS configuration.
        endpoint: One of the installation's servers; the first if not given.
    """

    access_key_id: str = field(default="", repr=False)
    secret_access_key: str = field(default="", repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    identity: Identity = "keys"
    profile: str | None = None
    endpoint: str | None = None

    def without_keys(self) -> "S3Credentials":
        """Return a copy without keys, which may be stored."""
        return replace(self, access_key_id="", secret_access_key="", session_token=None)

    @property
    def lacks_keys(self) -> bool:
        """Whether the user must type the keys."""
        return self.identity == "keys" and not (self.access_key_id and self.secret_access_key)


OWN = S3Credentials(identity="machine")
ANONYMOUS = S3Credentials(identity="anonymous")


def parse_address(url: str) -> tuple[str, str]:
    """Split an ``s3://`` address into the bucket and the key or prefix.

    Raises:
        DatasetError: The address is invalid; the message does not repeat it, because people paste keys into addresses.
    """
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    if not url.startswith(SCHEME) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", bucket):
        raise DatasetError("This is not the address of a bucket; write s3://bucket/folder or s3://bucket/file.zip.")
    return bucket, key


def is_zip(key: str) -> bool:
    """Return whether a key names a zip or another archive that can be read."""
    return is_packed(key)


def check_visitor(credentials: S3Credentials, settings: Settings) -> None:
    """Check that a visitor of the app uses only credentials that the installation allows.

    Raises:
        DatasetError: The machine's own keys, or this profile, are not for visitors.
    """
    wanted = {"machine": MACHINE, "profile": credentials.profile}.get(credentials.identity)
    if credentials.identity in ("machine", "profile") and wanted not in settings.s3_identities:
        raise DatasetError(
            "Visitors may not use this machine's own keys; type keys, or ask the administrator of this app to set "
            "AUTODET_S3_IDENTITIES."
        )


def choose_endpoint(credentials: S3Credentials, settings: Settings) -> str | None:
    """Return the server's address; None for Amazon.

    Raises:
        DatasetError: The installation does not allow the server.
        SettingsError: The configured address is invalid.
    """
    endpoint = credentials.endpoint or settings.s3_endpoints[0]
    if endpoint not in settings.s3_endpoints:
        raise DatasetError(
            f"This installation does not import from the server {endpoint[:100]!r}; name it in AUTODET_S3_ENDPOINT, "
            f"or choose among {', '.join(settings.s3_endpoints)}."
        )
    if endpoint == AMAZON:
        return None
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/.*)?", endpoint):
        raise SettingsError(f"AUTODET_S3_ENDPOINT is not an address; set it to https://host, or to {AMAZON}.")
    return endpoint


def connect(credentials: S3Credentials, settings: Settings, connections: int) -> Any:
    """Create a client that many threads may share.

    Args:
        credentials: Credentials and server.
        settings: The allowed servers.
        connections: The maximum number of open connections.

    Raises:
        DatasetError: The keys must be typed again, or the server is not allowed.
        BotoCoreError: The machine has no such profile or region.
    """
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    if credentials.lacks_keys:
        raise DatasetError("S3 keys are never stored; enter the access key id and the secret access key again.")
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        max_pool_connections=connections,
        response_checksum_validation="when_required",  # the bytes are checked against the ETag instead
        request_checksum_calculation="when_required",  # writers give checksums that every server understands
        signature_version=UNSIGNED if credentials.identity == "anonymous" else None,
    )
    session = boto3.session.Session(
        aws_access_key_id=credentials.access_key_id or None,
        aws_secret_access_key=credentials.secret_access_key or None,
        aws_session_token=credentials.session_token,
        region_name=credentials.region,
        profile_name=credentials.profile if credentials.identity == "profile" else None,
    )
    return session.client("s3", endpoint_url=choose_endpoint(credentials, settings), config=config)
