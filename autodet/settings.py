"""The installation's settings: frozen, read from the environment.

Streamlit copies the root entries of ``secrets.toml`` into the environment, so one reader serves both.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autodet.errors import SettingsError

MEGABYTE = 1_000_000
MAX_HOST_LETTERS = 254
AMAZON = "amazon"  # Amazon's own S3, in the list of endpoints
LOOPBACK = "127.0.0.1"
S3 = "s3://"  # the start of a bucket's address
MACHINE = "machine"  # the machine's own keys or role, in the list of identities
Mode = Literal["work", "demo"]
Limit = tuple[int, int]  # of one session, and of all sessions together


@dataclass(frozen=True)
class Settings:
    """Settings chosen by the person who installs autodet.

    Attributes:
        home: Folder of the workspace (``AUTODET_HOME``, default ``./workspace``).
        devices: Device slots such as ``("cpu", "cpu")`` or ``("cuda:0", "cuda:1")`` (``AUTODET_DEVICES``);
            ``None`` for every GPU, or one ``cpu`` if there is none.
        address: IP address on which the app listens (``AUTODET_ADDRESS``); the loopback address by default,
            ``0.0.0.0`` for every interface.
        hosts: Host names by which browsers may reach the app, besides those of this machine (``AUTODET_HOSTS``,
            separated by commas); ``*.example.org`` for all hosts below a domain.
        password: Password for access to the app (``AUTODET_PASSWORD``); ``None`` for open access.
        viewer_password: Password of viewers, who can look and predict, but change nothing
            (``AUTODET_VIEWER_PASSWORD``).
        editors: E-mail addresses, and domains such as ``@example.org``, that may change everything after a sign-in with
            OpenID Connect (``AUTODET_EDITORS``, separated by commas).
        viewers: The same for viewers (``AUTODET_VIEWERS``).
        trusted_proxies: IP addresses and networks of reverse proxies, whose ``X-Forwarded-For`` is believed
            (``AUTODET_TRUSTED_PROXIES``, separated by commas).
        mode: ``demo`` where visitors change nothing and have quotas (``AUTODET_MODE``), else ``work``.
        demo_photos: Photos on which visitors of a demo may predict within an hour, in one browser and in total
            (``AUTODET_DEMO_PHOTOS``).
        demo_megapixels: The same for their megapixels (``AUTODET_DEMO_MEGAPIXELS``).
        demo_megabytes: The same for the megabytes that they upload (``AUTODET_DEMO_MEGABYTES``).
        demo_predictions: Maximum concurrent predictions of a demo (``AUTODET_DEMO_PREDICTIONS``).
        keep_scores: Range of the best score, 0 to 1, in which the HTTP API keeps a photo (``AUTODET_KEEP_BETWEEN``);
            None to keep no photos.
        max_kept_photos: Maximum number of photos that it keeps for each model (``AUTODET_KEEP_AT_MOST``).
        max_kept_bytes: Maximum size of these photos (``AUTODET_KEEP_AT_MOST_MB``).
        max_queued_searches: Maximum searches that one visitor may have in the queue (``AUTODET_MAX_QUEUED_SEARCHES``).
        weights_folder: Folder that is searched first for pretrained weights (``AUTODET_WEIGHTS``).
        weights_url: Server, and folder on it, from which pretrained weights are downloaded instead of torchvision's
            server (``AUTODET_WEIGHTS_URL``), which some networks cannot reach.
        storage_url: PostgreSQL database of the studies (``AUTODET_STORAGE_URL``); the workspace's SQLite if None.
        ray_address: Ray cluster that searches may use, ``HOST:PORT`` or ``auto`` (``AUTODET_RAY_ADDRESS``).
        ray_cpus: CPUs per trial on the cluster (``AUTODET_RAY_CPUS``).
        ray_gpus: GPUs per trial on the cluster, possibly a fraction (``AUTODET_RAY_GPUS``); None for one if the
            cluster has any.
        ray_trials: Maximum concurrent trials on the cluster (``AUTODET_RAY_TRIALS``); None for as many as fit.
        data_roots: Folders of the server below which visitors may import from (``AUTODET_DATA_ROOTS``, separated as in
            ``PATH``); none by default.
        s3_endpoints: S3 servers allowed for imports, as addresses or ``amazon``; the first is the default
            (``AUTODET_S3_ENDPOINT``, separated by commas).
        s3_identities: Keys of this machine that visitors may use for S3: ``machine`` for its own, or profile names
            (``AUTODET_S3_IDENTITIES``, separated by commas); none by default.
        registry: The model registry, a folder or ``s3://bucket/prefix`` (``AUTODET_REGISTRY``); None for none.
        max_visitor_upload_bytes: Maximum total size of the uploaded files that one visitor's tab holds in memory
            (``AUTODET_MAX_VISITOR_UPLOADS_MB``).
        max_upload_bytes: The same for all visitors together (``AUTODET_MAX_UPLOADS_MB``).
        large_download_bytes: Size above which S3 downloads need confirmation (``AUTODET_LARGE_DOWNLOAD_MB``).
        max_archive_bytes: Maximum unpacked size of an archive (``AUTODET_MAX_ARCHIVE_MB``).
        max_archive_entries: Maximum number of files in an archive or a folder (``AUTODET_MAX_ARCHIVE_FILES``).
        max_archive_ratio: Maximum ratio of an archive's unpacked size to its own (``AUTODET_MAX_ARCHIVE_RATIO``).
        max_depth: Maximum folder depth of a file in an archive or a folder (``AUTODET_MAX_DEPTH``).
        max_photo_pixels: Maximum size of a photo that is opened, in pixels (``AUTODET_MAX_PHOTO_MEGAPIXELS``).
        max_import_pixels: Maximum size of all photos of an import together, in pixels
            (``AUTODET_MAX_IMPORT_MEGAPIXELS``).
        max_imports: Maximum number of imports that run at the same time (``AUTODET_MAX_IMPORTS``); others wait.
        max_datasets_bytes: Maximum disk space of all data sets (``AUTODET_MAX_DATASETS_MB``); None for no limit.
        progress_deadline: Timeout in seconds: a trial's process without progress for this long is ended and the trial
            restarted (``AUTODET_PROGRESS_DEADLINE``); far longer than a batch, or loading the weights, ever takes.
        compile_backbone: Whether to speed up the network's backbone with ``torch.compile`` before a trial begins
            (``AUTODET_COMPILE``).
    """

    home: Path
    devices: tuple[str, ...] | None = None
    address: str = LOOPBACK
    hosts: tuple[str, ...] = ()
    password: str | None = None
    viewer_password: str | None = None
    editors: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    mode: Mode = "work"
    demo_photos: Limit = (60, 1000)
    demo_megapixels: Limit = (600, 10_000)
    demo_megabytes: Limit = (200, 5000)
    demo_predictions: int = 2
    keep_scores: tuple[float, float] | None = None
    max_kept_photos: int = 500
    max_kept_bytes: int = 1_000 * MEGABYTE
    max_queued_searches: int = 10
    weights_folder: Path | None = None
    weights_url: str | None = None
    storage_url: str | None = None
    ray_address: str | None = None
    ray_cpus: int = 1
    ray_gpus: float | None = None
    ray_trials: int | None = None
    data_roots: tuple[Path, ...] = ()
    s3_endpoints: tuple[str, ...] = (AMAZON,)
    s3_identities: tuple[str, ...] = ()
    registry: str | None = None
    max_visitor_upload_bytes: int = 2_000 * MEGABYTE
    max_upload_bytes: int = 4_000 * MEGABYTE
    large_download_bytes: int = 1_000 * MEGABYTE
    max_archive_bytes: int = 20_000 * MEGABYTE
    max_archive_entries: int = 200_000
    max_archive_ratio: int = 200
    max_depth: int = 32
    max_photo_pixels: int = 100 * MEGABYTE
    max_import_pixels: int = 1_000_000 * MEGABYTE
    max_imports: int = 2
    max_datasets_bytes: int | None = None
    progress_deadline: int = 600
    compile_backbone: bool = False

    def __repr__(self) -> str:
        """Omit secrets, because settings end up in logs."""
        return f"Settings(home={str(self.home)!r}, devices={self.devices!r})"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environ: Environment variables; those of the process if not given.

    Raises:
        SettingsError: A value is invalid; the message names the variable and valid values.
    """
    environ = os.environ if environ is None else environ
    defaults = Settings(home=Path("workspace"))
    weights = environ.get("AUTODET_WEIGHTS")
    roots = [root for root in environ.get("AUTODET_DATA_ROOTS", "").split(os.pathsep) if root.strip()]
    return Settings(
        home=Path(environ.get("AUTODET_HOME") or defaults.home).expanduser().absolute(),
        devices=_listed(environ, "AUTODET_DEVICES") or None,
        address=_address(environ, "AUTODET_ADDRESS"),
        hosts=_hosts(environ, "AUTODET_HOSTS"),
        password=environ.get("AUTODET_PASSWORD") or None,
        viewer_password=_viewer_password(environ),
        editors=_people(environ, "AUTODET_EDITORS"),
        viewers=_people(environ, "AUTODET_VIEWERS"),
        trusted_proxies=_networks(environ, "AUTODET_TRUSTED_PROXIES"),
        mode=_mode(environ, "AUTODET_MODE"),
        demo_photos=_limit(environ, "AUTODET_DEMO_PHOTOS", defaults.demo_photos),
        demo_megapixels=_limit(environ, "AUTODET_DEMO_MEGAPIXELS", defaults.demo_megapixels),
        demo_megabytes=_limit(environ, "AUTODET_DEMO_MEGABYTES", defaults.demo_megabytes),
        demo_predictions=_positive(environ, "AUTODET_DEMO_PREDICTIONS", 1, defaults.demo_predictions),
        keep_scores=_kept_scores(environ, "AUTODET_KEEP_BETWEEN"),
        max_kept_photos=_positive(environ, "AUTODET_KEEP_AT_MOST", 1, defaults.max_kept_photos),
        max_kept_bytes=_positive(environ, "AUTODET_KEEP_AT_MOST_MB", MEGABYTE, defaults.max_kept_bytes),
        max_queued_searches=_positive(environ, "AUTODET_MAX_QUEUED_SEARCHES", 1, defaults.max_queued_searches),
        weights_folder=Path(weights).expanduser() if weights else None,
        weights_url=_web_address(environ, "AUTODET_WEIGHTS_URL"),
        storage_url=environ.get("AUTODET_STORAGE_URL") or None,
        ray_address=environ.get("AUTODET_RAY_ADDRESS") or None,
        ray_cpus=_positive(environ, "AUTODET_RAY_CPUS", 1, defaults.ray_cpus),
        ray_gpus=_share(environ, "AUTODET_RAY_GPUS"),
        ray_trials=_positive(environ, "AUTODET_RAY_TRIALS", 1, 0) or None,
        data_roots=tuple(Path(root.strip()).expanduser().resolve() for root in roots),
        s3_endpoints=_listed(environ, "AUTODET_S3_ENDPOINT") or defaults.s3_endpoints,
        s3_identities=_listed(environ, "AUTODET_S3_IDENTITIES"),
        registry=_registry(environ, "AUTODET_REGISTRY"),
        max_visitor_upload_bytes=_positive(
            environ, "AUTODET_MAX_VISITOR_UPLOADS_MB", MEGABYTE, defaults.max_visitor_upload_bytes
        ),
        max_upload_bytes=_positive(environ, "AUTODET_MAX_UPLOADS_MB", MEGABYTE, defaults.max_upload_bytes),
        large_download_bytes=_positive(environ, "AUTODET_LARGE_DOWNLOAD_MB", MEGABYTE, defaults.large_download_bytes),
        max_archive_bytes=_positive(environ, "AUTODET_MAX_ARCHIVE_MB", MEGABYTE, defaults.max_archive_bytes),
        max_archive_entries=_positive(environ, "AUTODET_MAX_ARCHIVE_FILES", 1, defaults.max_archive_entries),
        max_archive_ratio=_positive(environ, "AUTODET_MAX_ARCHIVE_RATIO", 1, defaults.max_archive_ratio),
        max_depth=_positive(environ, "AUTODET_MAX_DEPTH", 1, defaults.max_depth),
        max_photo_pixels=_positive(environ, "AUTODET_MAX_PHOTO_MEGAPIXELS", MEGABYTE, defaults.max_photo_pixels),
        max_import_pixels=_positive(environ, "AUTODET_MAX_IMPORT_MEGAPIXELS", MEGABYTE, defaults.max_import_pixels),
        max_imports=_positive(environ, "AUTODET_MAX_IMPORTS", 1, defaults.max_imports),
        max_datasets_bytes=_positive(environ, "AUTODET_MAX_DATASETS_MB", MEGABYTE, 0) or None,
        progress_deadline=_positive(environ, "AUTODET_PROGRESS_DEADLINE", 1, defaults.progress_deadline),
        compile_backbone=_switch(environ, "AUTODET_COMPILE"),
    )


def is_loopback(address: str | None) -> bool:
    """Return whether only this machine can reach a server on an address; None means every interface."""
    if address in (None, ""):
        return False
    return address == "localhost" or ipaddress.ip_address(address).is_loopback


def _listed(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())


def _address(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "").strip() or LOOPBACK
    if text == "localhost":
        return LOOPBACK
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise SettingsError(
            f"{name} is {text[:40]!r}; give it an IP address of this machine (0.0.0.0 for all), or remove it."
        ) from None


def _hosts(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    hosts = tuple(host.strip("[]").lower() for host in _listed(environ, name))
    for host in hosts:
        if host != "*" and not _is_host(host):
            raise SettingsError(
                f"{name} has {host[:80]!r} in it; give it names without https:// and port, such as photos.example.org."
            )
    return hosts


def _is_host(text: str) -> bool:
    """Return whether a text is a host name, one with a leading ``*.``, or an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) < MAX_HOST_LETTERS and bool(re.fullmatch(r"(\*\.)?[\w-]+(\.[\w-]+)*\.?", text))
    return True


def _viewer_password(environ: Mapping[str, str]) -> str | None:
    viewers, editors = environ.get("AUTODET_VIEWER_PASSWORD"), environ.get("AUTODET_PASSWORD")
    if viewers and not editors:
        raise SettingsError(
            "AUTODET_VIEWER_PASSWORD is set without AUTODET_PASSWORD, so no one could change anything; set both."
        )
    if viewers and viewers == editors:
        raise SettingsError("AUTODET_VIEWER_PASSWORD equals AUTODET_PASSWORD; choose two different passwords.")
    return viewers or None


def _people(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    people = tuple(person.casefold() for person in _listed(environ, name))
    for person in people:
        if not re.fullmatch(r"[^\s@,]*@[\w-]+(\.[\w-]+)*", person):
            raise SettingsError(
                f"{name} has {person[:80]!r} in it; give it e-mail addresses, or domains such as @example.org."
            )
    return people


def _networks(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    networks = _listed(environ, name)
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise SettingsError(
                f"{name} has {network[:80]!r} in it; give it IP addresses or networks, such as 10.0.0.0/8."
            ) from None
    return networks


def _mode(environ: Mapping[str, str], name: str) -> Mode:
    text = environ.get(name, "").strip() or "work"
    if text not in ("work", "demo"):
        raise SettingsError(f"{name} is {text[:40]!r}; give it demo, or remove it.")
    return "demo" if text == "demo" else "work"


def _kept_scores(environ: Mapping[str, str], name: str) -> tuple[float, float] | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    number = r"\s*(0?\.\d{1,6}|[01](\.0*)?)\s*"
    low, high = map(float, text.split(",")) if re.fullmatch(f"{number},{number}", text) else (1.0, 0.0)
    if low > high:
        raise SettingsError(
            f"{name} is {text[:40]!r}; give it two scores from 0 to 1, the lower one first, such as 0.3,0.6; or remove "
            "it."
        )
    if _mode(environ, "AUTODET_MODE") == "demo":
        raise SettingsError(f"{name} keeps photos of visitors, which a demo does not; remove it, or AUTODET_MODE.")
    return low, high


def _limit(environ: Mapping[str, str], name: str, default: Limit) -> Limit:
    text = environ.get(name)
    if not text:
        return default
    if not re.fullmatch(r"\s*[1-9]\d{0,8}\s*,\s*[1-9]\d{0,8}\s*", text, re.ASCII):
        raise SettingsError(
            f"{name} is {text[:40]!r}; give it two whole numbers above 0, such as 60,1000: for one session, and for "
            "all together; or remove it."
        )
    one, all_together = map(int, text.split(","))
    return one, all_together


def _web_address(environ: Mapping[str, str], name: str) -> str | None:
    text = environ.get(name, "").strip()
    if text and not re.match(r"https?://[^/@]+(/|$)", text):
        raise SettingsError(f"{name} is not the address of a server; give one that begins with https://, or remove it.")
    return text or None


def _registry(environ: Mapping[str, str], name: str) -> str | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not re.match(r"[A-Za-z][\w+.-]*:/", text):
        return str(Path(text).expanduser().absolute())
    if not re.fullmatch(rf"{S3}[A-Za-z0-9][A-Za-z0-9._-]{{1,254}}(/[^?#\x00-\x1f]*)?", text):  # it may hold a key
        raise SettingsError(f"{name} is not a place for models; give it a folder, or s3://bucket/prefix, or remove it.")
    return text.rstrip("/")


def _positive(environ: Mapping[str, str], name: str, unit: int, default: int) -> int:
    text = environ.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) == 0:
        raise SettingsError(f"{name} is {text[:40]!r}; give it a whole number above 0, or remove it.")
    return int(text) * unit


def _switch(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name) or "0"
    if text not in ("0", "1"):
        raise SettingsError(f"{name} is {text[:40]!r}; give it 1 or 0, or remove it.")
    return text == "1"


def _share(environ: Mapping[str, str], name: str) -> float | None:
    text = environ.get(name)
    if not text:
        return None
    if not re.fullmatch(r"\d{1,3}|0?\.\d{1,4}", text):
        raise SettingsError(f"{name} is {text[:40]!r}; give it a whole number or a share such as 0.5, or remove it.")
    return float(text)
