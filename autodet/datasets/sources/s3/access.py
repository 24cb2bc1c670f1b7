"""Who asks a bucket's server, and which server.

Typed keys go to the client that is made here and nowhere else. Where to is the installation's choice
(``AUTODET_S3_ENDPOINT``), never a user's, because a foreign server would be sent the key's id. Whoever runs autodet on
the command line or from Python may use the machine's own keys; visitors of the app only those that
``AUTODET_S3_IDENTITIES`` names.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from autodet.errors import DatasetError, SettingsError
from autodet.settings import AMAZON, MACHINE, Settings

Identity = Literal["keys", "anonymous", "machine", "profile"]
SCHEME = "s3://"
CONNECT_SECONDS, READ_SECONDS = 10, 30
ATTEMPTS = 4  # of one request, before what it was for counts as failed


@dataclass(frozen=True)
class S3Credentials:
    """Who asks, and which server; keys are for one import: never written anywhere, never shown.

    Attributes:
        access_key_id: Half of a typed key.
        secret_access_key: The other half.
        session_token: What temporary keys have besides.
        region: The bucket's, if its server needs to be told.
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
        """What may be written down."""
        return replace(self, access_key_id="", secret_access_key="", session_token=None)

    @property
    def lacks_keys(self) -> bool:
        """Whether somebody must type them."""
        return self.identity == "keys" and not (self.access_key_id and self.secret_access_key)


OWN = S3Credentials(identity="machine")
ANONYMOUS = S3Credentials(identity="anonymous")


def parse_address(url: str) -> tuple[str, str]:
    """The bucket and the key or prefix of an ``s3://`` address.

    Raises:
        DatasetError: It is none; the sentence does not repeat it, because people paste keys into addresses.
    """
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    if not url.startswith(SCHEME) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", bucket):
        raise DatasetError("This is not the address of a bucket; write s3://bucket/folder or s3://bucket/file.zip.")
    return bucket, key


def is_zip(key: str) -> bool:
    """Whether a key is a zip's."""
    return key.lower().endswith(".zip")


def check_visitor(credentials: S3Credentials, settings: Settings) -> None:
    """Make sure that a visitor of the app asks only as the installation allows.

    Raises:
        DatasetError: The machine's own keys, or this profile, are not for visitors.
    """
    wanted = {"machine": MACHINE, "profile": credentials.profile}.get(credentials.identity)
    if credentials.identity in ("machine", "profile") and wanted not in settings.s3_identities:
        raise DatasetError(
            "Visitors may not use this machine's own keys; type keys, or ask whoever runs this app to set "
            "AUTODET_S3_IDENTITIES."
        )


def choose_endpoint(credentials: S3Credentials, settings: Settings) -> str | None:
    """The server's address; None for Amazon's.

    Raises:
        DatasetError: The installation does not allow it.
        SettingsError: It is no address.
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
    """A client that many threads may use at once.

    Args:
        credentials: Who asks, and which server.
        settings: The servers that are allowed.
        connections: How many it keeps open at most.

    Raises:
        DatasetError: The keys must be typed again, or the server is not allowed.
        BotoCoreError: The machine has no such profile or region.
    """
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    if credentials.lacks_keys:
        raise DatasetError("The keys were written nowhere; give the access key's id and its secret again.")
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        max_pool_connections=connections,
        response_checksum_validation="when_required",  # the bytes are checked against the ETag instead
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
