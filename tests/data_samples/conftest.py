"""The sample town drawn once, and the committed one, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import geopandas
import pytest

from data_samples.town import SampleFile, generate

COMMITTED = Path(__file__).resolve().parents[2] / "data_samples" / "jiaozhou"


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SampleFile]:
    return {file.layer_id: file for file in generate(tmp_path_factory.mktemp("town"))}


@pytest.fixture(scope="session")
def layers() -> dict[str, geopandas.GeoDataFrame]:
    """Every committed layer as a GeoDataFrame in EPSG:4490."""
    frames: dict[str, geopandas.GeoDataFrame] = {}
    for path in sorted(COMMITTED.iterdir()):
        if path.suffix == ".parquet":
            frame = geopandas.read_parquet(path)
        elif path.suffix == ".csv":
            plain = geopandas.pd.read_csv(path, dtype={"code": str, "town_code": str})
            points = geopandas.points_from_xy(plain.pop("lon"), plain.pop("lat"))
            frame = geopandas.GeoDataFrame(plain, geometry=points, crs="EPSG:4490")
        else:
            frame = geopandas.read_file(f"/vsizip/{path}" if path.suffix == ".zip" else path)
        frames[path.stem] = frame
    return frames
