"""Settings, package versions, GPUs and free disk space of the installation."""

import platform
import shutil
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import pandas as pd
import streamlit as st

from autodet.inference.runtime import choose_runtime
from autodet.messages.runtimes import runtime_text
from autodet.search.study.database import storage_label
from autodet.settings import Settings, load_settings
from autodet.text_format import size_text
from autodet.training.device import device_slots, number_slots, visible_gpu
from autodet.training.gpu import GpuReading, read_gpu
from autodet.ui.common.markdown import escape
from autodet.ui.common.sign_in import needs_sign_in
from autodet.ui.common.undo import show_trash
from autodet.version import __version__
from autodet.workspace import open_workspace

PACKAGES = ("streamlit", "torch", "torchvision", "onnxruntime", "onnx", "optuna", "pycocotools", "plotly", "boto3")


def show_installation() -> None:
    """Show the settings without secrets, the GPUs, and the versions of the main packages."""
    settings, workspace = load_settings(), open_workspace()
    if settings.mode == "demo":  # hides details of this machine from strangers
        _table("Within an hour", _quotas(settings))
        _table("Version of", {"autodet": __version__, "Python": platform.python_version(), **_versions()})
        return
    free = shutil.disk_usage(workspace.datasets).free
    facts = {
        "Workspace (AUTODET_HOME)": str(settings.home),
        "Free space": f"{free / 1e9:.1f} GB",
        "Devices (AUTODET_DEVICES)": ", ".join(device_slots(settings)),
        "Predictions are computed by": runtime_text(choose_runtime().reason),
        "Listens on (AUTODET_ADDRESS)": st.get_option("server.address") or "every interface",
        "Answers to (AUTODET_HOSTS)": ", ".join(st.get_option("server.allowedHosts")) or "every host name",
        "Sign-in ([auth] or AUTODET_PASSWORD)": "set"
        if needs_sign_in()
        else "not set: everyone who can reach it may use it",
        "Folder of weights (AUTODET_WEIGHTS)": str(settings.weights_folder or "not set"),
        "Server of weights (AUTODET_WEIGHTS_URL)": settings.weights_url or "torchvision's",
        "Folders to import from (AUTODET_DATA_ROOTS)": ", ".join(map(str, settings.data_roots)) or "none",
        "S3 servers (AUTODET_S3_ENDPOINT)": ", ".join(settings.s3_endpoints),
        "S3 keys of this machine for visitors (AUTODET_S3_IDENTITIES)": ", ".join(settings.s3_identities) or "none",
        "Model registry (AUTODET_REGISTRY)": settings.registry or "none",
        "Photos that the API keeps (AUTODET_KEEP_BETWEEN)": _kept(settings),
        "S3 downloads that need consent": f"those above {settings.large_download_bytes / 1e9:g} GB",
        "An archive may unpack to": f"{settings.max_archive_bytes / 1e9:.0f} GB",
        "An archive may hold": f"{settings.max_archive_entries:,} files",
        "Largest photo": f"{settings.max_photo_pixels / 1e6:.0f} megapixels",
        "Photos of an import": f"{settings.max_import_pixels / 1e6:,.0f} megapixels",
        "Disk space of data sets": size_text(settings.max_datasets_bytes)
        if settings.max_datasets_bytes
        else "no limit",
        "Largest upload": f"{st.get_option('server.maxUploadSize')} MB",
        "Uploads that a tab may hold": size_text(settings.max_visitor_upload_bytes),
        "Uploads that all tabs may hold": size_text(settings.max_upload_bytes),
        "Studies (AUTODET_STORAGE_URL)": f"PostgreSQL on {storage_label()}"
        if settings.storage_url
        else "in the workspace",
    }
    _table("Setting", facts)
    if gpus := _gpus(device_slots(settings)):
        _table("GPU", gpus)
    _table("Version of", {"autodet": __version__, "Python": platform.python_version(), **_versions()})
    show_trash()
    if not settings.storage_url:
        st.caption("The workspace's studies as optuna-dashboard shows them, where that is installed:")
        st.code(f"optuna-dashboard {workspace.optuna_url}", language=None, wrap_lines=True)


def _kept(settings: Settings) -> str:
    if settings.keep_scores is None:
        return "none"
    low, high = settings.keep_scores
    most = f"{settings.max_kept_photos:,} and {size_text(settings.max_kept_bytes)}"
    return f"those with a best score from {low:g} to {high:g}, at most {most} for each model"


def _quotas(settings: Settings) -> dict[str, str]:
    quotas = {
        "Photos that visitors predict on": settings.demo_photos,
        "Their megapixels": settings.demo_megapixels,
        "Their size in megabytes": settings.demo_megabytes,
    }
    return {what: f"{one:,} in a browser, {total:,} in total" for what, (one, total) in quotas.items()}


def _gpus(devices: Sequence[str]) -> dict[str, str]:
    """Describe each GPU and its current load; GPUs without a reading are left out."""
    gpus = sorted({slot.device for slot in number_slots(devices)} - {"cpu"})
    readings = {device: read_gpu(visible_gpu(device)) for device in gpus}
    return {device: _reading_text(reading) for device, reading in readings.items() if reading}


def _reading_text(reading: GpuReading) -> str:
    busy = "" if reading.utilisation is None else f", {reading.utilisation:.0%} busy"
    used, total = size_text(reading.memory_bytes), size_text(reading.memory_total_bytes)
    return f"{reading.name}{busy}, {used} of {total} in use"


@cache
def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _table(heading: str, facts: dict[str, str]) -> None:
    escaped = [(escape(name), escape(value)) for name, value in facts.items()]
    st.table(pd.DataFrame(escaped, columns=[heading, "Value"]), hide_index=True, border="horizontal")
