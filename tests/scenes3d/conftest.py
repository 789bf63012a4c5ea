"""A small town of made-up buildings, cleaned once."""

from __future__ import annotations

import pytest

from box_town import box_town
from scenes3d.buildings.cleaning import footprints_of
from scenes3d.buildings.faults import BuildReport
from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.heights import HeightRule


@pytest.fixture(scope="session")
def town() -> Footprints:
    """2,500 boxes, L-shapes and courtyards, 3 km from end to end."""
    parts = [footprints_of(batch, HeightRule("height"), None, BuildReport()) for batch in box_town(2_500)]
    return Footprints.concatenated(parts)
