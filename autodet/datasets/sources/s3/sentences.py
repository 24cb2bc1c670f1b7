"""Error messages for S3 downloads: fixed sentences, because server responses are never shown."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

GONE, CHANGED, REDIRECTED = (404, 410, 416), (409, 412), (301, 307, 400)
FORBIDDEN = (401, 403)


def sentence_for(error: ClientError | BotoCoreError, shown: str, *, anonymous: bool = False) -> str:
    """Return the message for the user.

    Args:
        error: The exception from boto3.
        shown: The address, as the user wrote it.
        anonymous: Whether the request had no keys.
    """
    if isinstance(error, ClientError):
        return _refusal(status_of(error), shown, anonymous=anonymous)
    sentence = unsent_sentence(error, shown)
    return sentence or f"{shown!r} could not be downloaded; try again, or download it by hand and import the zip."


def unsent_sentence(error: BotoCoreError, shown: str) -> str | None:
    """Return the message for a request that reached no server; None for other errors.

    Args:
        error: The exception from boto3.
        shown: The address, as the user wrote it.
    """
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return f"There are no keys for {shown!r}; give an access key, or set AWS_ACCESS_KEY_ID on the machine."
    if isinstance(error, ProfileNotFound):
        return "This machine has no AWS profile of that name; check the name, or AWS_PROFILE."
    if isinstance(error, ConnectionError | HTTPClientError):
        return f"The server of {shown!r} cannot be reached; check the network, or AUTODET_S3_ENDPOINT."
    return None


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an error response; 0 if there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _refusal(status: int, shown: str, *, anonymous: bool) -> str:
    if status in GONE:
        return f"There is nothing at {shown!r}; check the bucket and the name, capital letters included."
    if status in CHANGED:
        return f"Files of {shown!r} changed during the download; continue, or import it again."
    if status in FORBIDDEN and anonymous:
        return f"{shown!r} is not public; give keys that may read it."
    if status in (*FORBIDDEN, *REDIRECTED):
        return f"The server does not let these keys read {shown!r}; check the keys, the region and their permissions."
    return f"The server refused to give {shown!r}; try again later, or download it and import the zip."
