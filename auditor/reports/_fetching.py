"""What WeasyPrint may load: pictures and typefaces that were handed over, and nothing else in the world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weasyprint.urls import URLFetcher, URLFetcherResponse

from auditor.reports._holding import SCHEME

_INLINE = ("data:image/png;base64,", "data:image/jpeg;base64,")
"""Pictures inside our own charts; they reach nothing."""


class ClosedFetcher(URLFetcher):  # type: ignore[misc]
    """Serves what `embed` was given under a scheme of its own; refuses files, networks and everything else."""

    base = f"{SCHEME}:/"

    def __init__(self, held: Mapping[str, tuple[bytes, str]]) -> None:
        """Serve what is held.

        Args:
            held: Address → bytes and media type; see `Holder`.
        """
        super().__init__(allowed_protocols=(SCHEME, "data"), allow_redirects=False)
        self._held = held

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """The bytes that were handed over for that address.

        Raises:
            ValueError: Any other address; WeasyPrint logs it, and the build fails on the log.
        """
        if url.startswith(_INLINE):
            return super().fetch(url, headers)
        if url not in self._held:
            raise ValueError(f"refused: {url[:200]} was not handed over to the report")
        data, kind = self._held[url]
        return URLFetcherResponse(url, data, {"Content-Type": kind})
