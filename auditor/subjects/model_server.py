"""The MLflow server that a spec names: its addresses set for a while, whether it answers, and what it says in words."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from auditor.errors import ModelError
from auditor.tracking_server import REGISTRY, TRACKING, said, without_credentials

SECONDS = 10
"""How long a server may take to say that it is there."""


@contextmanager
def servers(tracking: str, registry: str) -> Iterator[str]:
    """MLflow's addresses as the spec has them, for the while, and then as they were.

    Yields:
        The one that is shown: of the registry, without credentials.

    Raises:
        ModelError: Nobody listens there.
    """
    import mlflow

    with as_found():
        before = os.environ.get(TRACKING), os.environ.get(REGISTRY)
        unset: Any = None
        try:
            if tracking:
                mlflow.set_tracking_uri(tracking)
            if registry:
                mlflow.set_registry_uri(registry)
            address = mlflow.get_registry_uri() if registry else mlflow.get_tracking_uri()
            _knock(address)
            yield without_credentials(address)
        finally:
            # unset, then as the environment had it: an address that is set wins over the environment from then on
            if tracking:
                mlflow.set_tracking_uri(unset)
            if registry:
                mlflow.set_registry_uri(unset)
            os.environ.update({name: value for name, value in zip((TRACKING, REGISTRY), before, strict=True) if value})


def _knock(address: str) -> None:
    """Whether anybody listens: MLflow's client would try for minutes.

    Raises:
        ModelError: Nobody does.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.scheme in getproxies():
        return
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=SECONDS).close()
    except OSError as error:
        what = f"no MLflow server answers at {without_credentials(address)}: {error.strerror or error}"
        raise ModelError(f"{what}; is it running, and is model.tracking (or {TRACKING}) right?") from None


@contextmanager
def as_found(**variables: str) -> Iterator[None]:
    """Set environment variables for the while; they and the import path are afterwards as they were."""
    environment, path = dict(os.environ), list(sys.path)
    os.environ.update(variables)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in {*os.environ, *environment}:
            if os.environ.get(name) != environment.get(name):
                if name in environment:
                    os.environ[name] = environment[name]
                else:
                    del os.environ[name]


@contextmanager
def in_words(uri: str, server: str) -> Iterator[None]:
    """MLflow's errors, and those of the store of artifacts behind it.

    Raises:
        ModelError: What the server said, credentials masked.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        absent = error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND")
        words = f"no such model on {server}" if absent else f"{server} refused it"
        raise ModelError(f"{uri}: {words}: {said(error)}") from None
    except OSError as error:
        raise ModelError(f"{uri}: it cannot be fetched from {server}: {said(error)}") from None
