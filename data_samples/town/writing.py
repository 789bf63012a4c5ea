"""Tables as files in the formats that departments really send; the same rows give the same bytes."""

from __future__ import annotations

import csv
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from data_samples.town.frame import Geometries, geometries_to_lon_lat
from data_samples.town.table import Table
from twin.crs import parse_crs

CRS = "EPSG:4490"
STAMP = "2026-11-01T00:00:00.000Z"
"""The hour written into files that must carry one."""


def write_geoparquet(table: Table, path: Path) -> None:
    """GeoParquet 1.1 with WKB, zstd."""
    shapes = geometries_to_lon_lat(table.shapes)
    arrays = {name: pa.array(list(values)) for name, values in table.columns.items()}
    arrays["geometry"] = pa.array(list(shapely.to_wkb(shapes, flavor="iso")), pa.binary())
    column = {
        "encoding": "WKB",
        "geometry_types": sorted({str(name) for name in np.unique([s.geom_type for s in shapes])}),
        "crs": parse_crs(CRS).to_json_dict(),
        "bbox": [float(v) for v in shapely.total_bounds(shapes)],
    }
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    body = pa.table(arrays).replace_schema_metadata({"geo": json.dumps(geo, ensure_ascii=False)})
    pq.write_table(body, path, compression="zstd", compression_level=9, row_group_size=16_384)


def write_csv(table: Table, path: Path) -> None:
    """UTF-8 text with the place of each point in the columns lon and lat."""
    points = shapely.get_coordinates(geometries_to_lon_lat(table.shapes))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*table.columns, "lon", "lat"])
        for i, (lon, lat) in enumerate(points):
            writer.writerow([*(values[i] for values in table.columns.values()), f"{lon:.7f}", f"{lat:.7f}"])


def write_geojson(table: Table, path: Path) -> None:
    """GeoJSON, one feature a line, with the CRS named as GDAL does."""
    shapes = [json.loads(text) for text in shapely.to_geojson(geometries_to_lon_lat(table.shapes))]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    head = {"type": "FeatureCollection", "name": table.layer_id, "crs": crs}
    lines = []
    for i, shape in enumerate(shapes):
        properties = {name: values[i] for name, values in table.columns.items()}
        feature = {"type": "Feature", "properties": properties, "geometry": shape}
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    text = json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [\n' + ",\n".join(lines) + "\n]}\n"
    path.write_text(text, encoding="utf-8")


def write_geopackage(table: Table, path: Path) -> None:
    """GeoPackage whose time stamps are fixed."""
    path.unlink(missing_ok=True)
    with _gdal_option("OGR_CURRENT_DATE", STAMP):
        pyogrio.write_dataframe(_frame(table), path, layer=table.layer_id, driver="GPKG", DATETIME_FORMAT="UTC")


def write_flatgeobuf(table: Table, path: Path) -> None:
    """FlatGeobuf with its spatial index."""
    pyogrio.write_dataframe(_frame(table), path, layer=table.layer_id, driver="FlatGeobuf")


def write_shapefile_gbk(table: Table, path: Path) -> None:
    """Shapefile in a zip, attributes in GBK as Chinese desktop programs write it."""
    stem = table.layer_id
    with tempfile.TemporaryDirectory() as folder:
        shp = Path(folder) / f"{stem}.shp"
        pyogrio.write_dataframe(
            _frame(table), shp, driver="ESRI Shapefile", encoding="GBK", DBF_DATE_LAST_UPDATE=STAMP[:10]
        )
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in sorted(Path(folder).iterdir()):
                info = zipfile.ZipInfo(part.name, (2026, 11, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                archive.writestr(info, part.read_bytes())


def _frame(table: Table) -> Any:
    columns = {name: list(values) for name, values in table.columns.items()}
    return geopandas.GeoDataFrame(columns, geometry=list(_lon_lat(table)), crs=CRS)


def _lon_lat(table: Table) -> Geometries:
    return geometries_to_lon_lat(table.shapes)


@contextmanager
def _gdal_option(name: str, value: str) -> Iterator[None]:
    before = pyogrio.get_gdal_config_option(name)
    pyogrio.set_gdal_config_options({name: value})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({name: before})


WRITERS = {
    ".parquet": write_geoparquet, ".csv": write_csv, ".geojson": write_geojson, ".gpkg": write_geopackage,
    ".fgb": write_flatgeobuf, ".zip": write_shapefile_gbk,
}  # fmt: skip
