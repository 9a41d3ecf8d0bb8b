"""The run's figures as a page shows them: checked, described, and reachable only through the page's own scheme.

Where a figure is printed follows from who names it: a check, a method, an image. Those of the run as a whole are placed
by the beginning of their file name (`SECTIONS`), and in the annex where it says nothing, so that none is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.errors import RenderError
from auditor.languages import say
from auditor.records import Audit, VisualizationRecord
from auditor.reports._drawings import Key, Words, legend_of, words_on
from auditor.reports._fitting import WHOLE, Reduction
from auditor.reports._pixels import bare, reduced
from auditor.reports._words import after, plain, stopped

Embed = Callable[[str, bytes, str], str]
"""(name, bytes, media type) → the address under which the page shows them."""

MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml"}
SECTIONS = {
    "causal-map": "8",
    "forest": "8",
    "findings-forest": "12",
    "groups-": "9",
    "adversarial": "10",
    "trend": "14",
    "per-class-accuracy": "6",
    "reliability": "6",
    "confusion": "6 confusion",
    "robustness": "10",
    "side-by-side": "7 side by side",
    "insertion": "7",
    "deletion": "7",
    "curves": "7",
    "trust": "7",
    "agreement": "7",
    "road": "7",
    "cascade": "7",
    "trends": "14",
}
"""How a file name begins → the section that shows it."""
_BEGINNINGS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}
_ENDINGS = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND\xaeB`\x82"}
WIDE = 1.9
"""Pictures wider than this, in heights, take the whole text width; others share it with a neighbour or their words."""
HALF_CHART = 340
"""Charts at most this wide, in CSS pixels, stand two in a row."""
THUMBNAIL = 320


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture on a page.

    Attributes:
        path: Of its file in the run folder.
        url: Address in the page's own scheme.
        alt: What it shows, for those who do not see it.
        width, height: Pixels.
        layout: "wide", "half", "chart" or "chart-half".
        mark: A warning that goes with it, such as a failed trust check; "" for none.
        caption: Stands under it.
        reading: How to read it; "" for none.
        words: Titles, names and axes, to be set over it.
        legend: What its marks and colours are, to be set under it.
        rows: Top and height of each row of a sheet whose words stand beside it, in percent of its height.
    """

    path: str
    url: str
    alt: str
    caption: str
    reading: str
    width: int
    height: int
    layout: str
    mark: str = ""
    words: tuple[Words, ...] = ()
    legend: tuple[Key, ...] = ()
    rows: tuple[tuple[float, float], ...] = ()


class Pictures:
    """All figures of one audit; asking for one that is missing, broken or outside the run folder ends the rendering."""

    def __init__(
        self,
        audit: Audit,
        run: Path,
        embed: Embed,
        *,
        images: bool,
        reduction: Reduction = WHOLE,
        without: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare the figures of an audit.

        Args:
            images: False leaves pictures of the sample out; charts stay.
            reduction: How far pictures are reduced.
            without: Figures that this page shows in another way, and that are left out everywhere.
        """
        self._audit, self._run, self._embed, self._images = audit, run, embed, images
        self._without, self._reduction = without, reduction
        self._urls: dict[str, str] = {}
        lists = [item.figures for item in audit.checks] + [item.figures for item in audit.visualizations]
        self._named = {path for paths in (*lists, *(item.figures for item in audit.images)) for path in paths}

    @property
    def shown(self) -> bool:
        """False where pictures of the sample are left out on request."""
        return self._images

    def figure(self, path: str, *, facts: str = "", mark: str = "") -> Figure | None:
        """One figure by its path; None where pictures are left out and this is not a chart.

        Args:
            path: As the audit names it.
            facts: Verdict and numbers, added to the alternative text.
            mark: A warning that goes with it.

        Raises:
            RenderError: The audit does not describe it, or its file is missing, broken or outside the run folder.
        """
        picture = self._audit.figures.get(path)
        if picture is None:
            raise RenderError(f"{path}: is used in the audit and missing from its list of figures")
        data, kind = self._read(path)
        if not self._images and (kind != "image/svg+xml" or b"<image" in data):
            return None
        if kind == "image/svg+xml":
            layout = "chart-half" if picture.width <= HALF_CHART else "chart"
        else:
            layout = "wide" if picture.width > WIDE * picture.height else "half"
        if path not in self._urls:
            small, kind = reduced(data, kind, self._reduction)
            self._urls[path] = self._embed(path, small, kind)
        alt = plain(picture.alt or picture.caption)
        return Figure(
            path=path,
            url=self._urls[path],
            alt=after((stopped(alt), plain(facts))) if facts else alt,
            caption=plain(picture.caption),
            reading=plain(picture.reading or ""),
            width=picture.width,
            height=picture.height,
            layout=layout,
            mark=mark,
            words=words_on(picture),
            legend=legend_of(picture),
            rows=picture.rows,
        )

    def figures(self, paths: Iterable[str], *, facts: str = "", mark: str = "") -> tuple[Figure, ...]:
        """Those of several that are shown."""
        found = (
            self.figure(path, facts=facts, mark=mark) for path in dict.fromkeys(paths) if path not in self._without
        )
        return tuple(figure for figure in found if figure is not None)

    def thumbnail(self, path: str) -> Figure | None:
        """The picture at a small size, for lists; None for charts and where pictures are left out."""
        if not self._images or not path.lower().endswith((".jpg", ".jpeg")):
            return None
        figure = self.figure(path)
        if figure is None:
            return None
        data, kind = self._read(path)
        small, kind = reduced(data, kind, replace(self._reduction, scale=THUMBNAIL / figure.width), least=0)
        url = self._embed(f"thumbnails/{path}", small, kind)
        return replace(
            figure,
            url=url,
            words=(),
            legend=(),
            width=THUMBNAIL,
            height=round(figure.height * THUMBNAIL / figure.width),
        )

    def maps_alone(self, item: VisualizationRecord, title: str, *, facts: str, mark: str) -> Figure | None:
        """A method's maps where pictures are left out; None where they are shown, or where the run keeps no maps."""
        if self._images:
            return None
        from auditor.figures import encode_jpeg
        from auditor.reports._maps import maps_alone

        found = maps_alone(item, self._audit, self._run)
        if found is None:
            return None
        sheet, amount = found
        words = say(
            "{method}: the first {amount} maps, in the order of the images; their pictures are left out of this copy.",
            method=title,
            amount=amount,
        )
        content, kind = reduced(encode_jpeg(sheet), "image/jpeg", self._reduction)
        return Figure(
            path=item.maps or "",
            url=self._embed(f"alone/{item.maps}", content, kind),
            alt=f"{words} {plain(facts)}".strip(),
            caption=" ".join([words, say("Each map goes from 0 to its own maximum.")]),
            reading="",
            width=sheet.shape[1],
            height=sheet.shape[0],
            layout="wide",
            mark=mark,
        )

    def placed(self, section: str) -> tuple[Figure, ...]:
        """Figures of the run as a whole that belong to a section, as `SECTIONS` calls it."""
        return self.figures(
            path for path in self._audit.figures if path not in self._named and _section(path) == section
        )

    def rest(self) -> tuple[Figure, ...]:
        """Whatever nobody asked for yet; for the annex, so that no figure is lost."""
        return self.figures(path for path in self._audit.figures if path not in self._urls)

    def _read(self, path: str) -> tuple[bytes, str]:
        kind = MEDIA_TYPES.get(Path(path).suffix.lower())
        if kind is None:
            raise RenderError(f"{path}: figures are {', '.join(sorted(MEDIA_TYPES))}; this is none of them")
        data = read_inside(self._run, path)
        whole = data.startswith(_BEGINNINGS.get(kind, b"")) and data.rstrip(b"\0").endswith(_ENDINGS.get(kind, b""))
        if not data or not whole:
            raise RenderError(f"{path}: is not a whole {kind} file; draw it again with `auditor run --resume`")
        return bare(data, kind), kind


def _section(path: str) -> str | None:
    stem = Path(path).stem
    return next((section for beginning, section in SECTIONS.items() if stem.startswith(beginning)), None)


def inside(run: Path, name: str) -> Path:
    """Where a file of the run folder really lies.

    Raises:
        RenderError: Outside the folder, by its name or because it is a link.
    """
    folder = run.resolve()
    file = (folder / name).resolve()
    if not file.is_relative_to(folder):
        raise RenderError(f"{name}: lies outside the run folder {run}; nothing outside it is rendered")
    return file


def read_inside(run: Path, name: str) -> bytes:
    """A file of the run folder.

    Raises:
        RenderError: It is missing, or lies outside the folder.
    """
    file = inside(run, name)
    try:
        return file.read_bytes()
    except OSError as error:
        raise RenderError(f"{name}: the audit names this file, and it cannot be read ({error.strerror})") from error
