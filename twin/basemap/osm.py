"""An OpenStreetMap extract (.osm.pbf) as the layers of a base map, in one reading.

What bounds the memory: positions of all nodes (about 16 bytes each while the extract is under 512 MB, a temporary file of
the same size beyond) and the members of area relations. Everything else goes to temporary files layer by layer. A province
of China (some 100-200 MB, 20-30 million nodes) needs about half a gigabyte.

Ids are the object's own: n123, w123, r123; an area is known by the way or relation it was assembled from.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import osmium
import shapely

from twin.basemap.area import area_km2
from twin.basemap.osm_classes import ClassTable, FeatureKind, class_table
from twin.basemap.osm_properties import properties_of
from twin.basemap.schemas import SCHEMAS
from twin.basemap.spool import SpoolSource, SpoolWriter
from twin.errors import UnreadableFileError
from twin.formats.port import FeatureSource, SourceInfo

logger = logging.getLogger(__name__)

CRS = "EPSG:4326"
AREA_LAYERS = ("landuse", "water", "buildings")
LINE_LAYERS = ("rivers", "roads", "railways")
_INCOMPLETE = "the area is not complete in this extract, or its rings do not close"
_NO_PLACES = "the object's nodes are not in this extract"
_LARGE_BYTES = 512 << 20
_REPORT_EVERY = 10_000
_AREA_RELATIONS = {"multipolygon", "boundary"}


class OsmLayers(dict[str, FeatureSource]):
    """Layer id → its features. Closing it, or the last of its sources, removes the temporary files."""

    def close(self) -> None:
        for source in self.values():
            source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def open_osm(
    path: Path | str,
    *,
    layers: Collection[str] | None = None,
    table: ClassTable | None = None,
    progress: Callable[[int], None] | None = None,
) -> OsmLayers:
    """The base-map layers in an extract; layers without a single object are left out.

    Args:
        path: A .osm.pbf file (or another form that libosmium reads).
        layers: Only these; None for all.
        table: Tags → kinds; None for the table that ships.
        progress: Called now and then with the number of objects of interest seen so far.

    Raises:
        UnreadableFileError: if the file is damaged, cut off or not OpenStreetMap data.
    """
    wanted = tuple(layer for layer in SCHEMAS if layers is None or layer in layers)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="onemap-osm-", ignore_cleanup_errors=True))
        )
        sorter = _Sorter(folder, wanted, table or class_table())
        try:
            _walk(Path(path), folder, sorter, progress)
        except (RuntimeError, OSError) as error:
            raise UnreadableFileError(
                "This OpenStreetMap extract is damaged or cut off.",
                value=f"{Path(path).name}: {error}",
                remedy="Download it again and compare its checksum.",
            ) from error
        finally:
            sorter.close()
        return _sources(Path(path), sorter, stack.pop_all())


def _walk(path: Path, folder: Path, sorter: _Sorter, progress: Callable[[int], None] | None) -> None:
    index = "flex_mem" if path.stat().st_size < _LARGE_BYTES else f"sparse_file_array,{folder / 'nodes'}"
    keys = osmium.filter.KeyFilter(*sorted(sorter.table.keys))
    processor = osmium.FileProcessor(path).with_locations(index).with_areas(keys).with_filter(keys)
    for count, thing in enumerate(processor, start=1):
        sorter.take(thing)
        if progress is not None and count % _REPORT_EVERY == 0:
            progress(count)
    sorter.finish()


class _Sorter:
    """Puts each object into the spools of the layers it belongs to."""

    def __init__(self, folder: Path, layers: tuple[str, ...], table: ClassTable) -> None:
        self.table = table
        self.spools = {layer: SpoolWriter(folder / f"{layer}.arrow", SCHEMAS[layer]) for layer in layers}
        self._areas = tuple(layer for layer in AREA_LAYERS if layer in layers)
        self._lines = tuple(layer for layer in LINE_LAYERS if layer in layers)
        self._factory = osmium.geom.WKBFactory()
        self._expected: dict[int, tuple[tuple[str, ...], str]] = {}

    def take(self, thing: Any) -> None:
        tags = {tag.k: tag.v for tag in thing.tags}
        if thing.is_area():
            self._take_area(thing, tags)
        elif thing.is_way():
            self._take_way(thing, tags)
        elif thing.is_node():
            self._take_node(thing, tags)
        elif tags.get("type") in _AREA_RELATIONS:
            layers = tuple(kind.layer for kind in self._area_kinds(tags))
            if layers:
                self._expected[thing.id] = (layers, tags.get("name", ""))

    def finish(self) -> None:
        """Report the relations of which no area came."""
        for relation, (layers, name) in self._expected.items():
            for layer in layers:
                self.spools[layer].reject(_INCOMPLETE, f"r{relation} {name}".strip())
        if self._expected:
            logger.info("%d area relations were not complete in the extract", len(self._expected))

    def close(self) -> None:
        for spool in self.spools.values():
            spool.close()

    def _area_kinds(self, tags: Mapping[str, str]) -> Iterator[FeatureKind]:
        for layer in self._areas:
            if (kind := self.table.find(layer, tags)) is not None:
                yield kind
        if "districts" in self.spools and tags.get("boundary") == "administrative" and tags.get("maritime") != "yes":
            district = self.table.district(tags.get("admin_level"))
            if district is not None:
                yield FeatureKind("districts", district[1], district[2])

    def _take_area(self, area: Any, tags: dict[str, str]) -> None:
        from_way = area.from_way()
        id_ = f"{'w' if from_way else 'r'}{area.orig_id()}"
        if not from_way:
            self._expected.pop(area.orig_id(), None)
        kinds = list(self._area_kinds(tags))
        poi = self.table.find("poi", tags) if "poi" in self.spools else None
        if not kinds and poi is None:
            return
        wkb = bytes.fromhex(self._factory.create_multipolygon(area))
        for kind in kinds:
            properties = properties_of(kind, tags, self.table)
            if kind.layer == "districts":
                properties["area_km2"] = round(area_km2(shapely.from_wkb(wkb)), 4)
            self.spools[kind.layer].add(id_, wkb, properties)
        if poi is not None:
            inside = shapely.point_on_surface(shapely.from_wkb(wkb))
            self.spools["poi"].add(id_, shapely.to_wkb(inside, flavor="iso"), properties_of(poi, tags, self.table))

    def _take_way(self, way: Any, tags: dict[str, str]) -> None:
        if way.is_closed() and tags.get("area") == "yes":
            return
        for layer in self._lines:
            kind = self.table.find(layer, tags)
            if kind is not None:
                self._add(
                    layer,
                    f"w{way.id}",
                    lambda: self._factory.create_linestring(way),
                    properties_of(kind, tags, self.table),
                )

    def _take_node(self, node: Any, tags: dict[str, str]) -> None:
        for layer in ("places", "poi"):
            kind = self.table.find(layer, tags) if layer in self.spools else None
            if kind is not None:
                self._add(
                    layer,
                    f"n{node.id}",
                    lambda: self._factory.create_point(node),
                    properties_of(kind, tags, self.table),
                )

    def _add(self, layer: str, id_: str, encode: Callable[[], str], properties: Mapping[str, Any]) -> None:
        try:
            wkb = bytes.fromhex(encode())
        except RuntimeError:
            self.spools[layer].reject(_NO_PLACES, id_)
            return
        self.spools[layer].add(id_, wkb, properties)


def _sources(path: Path, sorter: _Sorter, cleanup: ExitStack) -> OsmLayers:
    """One source for each layer that has rows; the temporary folder goes with the last of them."""
    kept = {layer: spool for layer, spool in sorter.spools.items() if spool.count}
    left = [len(kept)]

    def release() -> None:
        left[0] -= 1
        if left[0] == 0:
            cleanup.close()

    if not kept:
        cleanup.close()
    result = OsmLayers()
    for layer, spool in kept.items():
        info = SourceInfo(
            format="OpenStreetMap",
            crs=CRS,
            file_crs=CRS,
            geometry_type=SCHEMAS[layer].geometry_type,
            properties=SCHEMAS[layer].properties,
            feature_count=spool.count,
            layer=layer,
            layers=tuple(kept),
            id_column="id",
        )
        result[layer] = SpoolSource(spool, info, release)
    return result
