"""What all that talks to an MLflow server shares: how models are addressed, and how its errors are shown."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from auditor.surroundings import setting

VERSION = re.compile(r"models:/(?P<name>[^/@]+)(/(?P<version>\d+)|@(?P<alias>[\w.-]+))")
RUN = re.compile(r"runs:/(?P<run>[0-9a-zA-Z_-]+)")
RUN_FILE = re.compile(RUN.pattern + r"/(?P<path>[^/].*)")
SECRETS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "DATABRICKS_TOKEN")
TRACKING, REGISTRY = "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"
LONGEST = 500


def without_credentials(address: str) -> str:
    """An address as it may be shown: no user, no password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else address


def said(error: BaseException) -> str:
    """The first line of what a server or its store of artifacts said, credentials masked."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    for name in SECRETS:
        if secret := setting(name):
            text = text.replace(secret, "***")
    return re.sub(r"://[^/@\s]+@", "://***@", text)[:LONGEST]
