"""What is wrong with a delivery is said in both languages, whichever reader found it."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from layers.scenes.fault_words import WORDS, with_words
from scenes3d.models import shaping
from scenes3d.sources.meshes import mesh
from scenes3d.sources.osgb import assembling, converting, geometry, levels


@pytest.mark.parametrize("module", [shaping, mesh, assembling, converting, geometry, levels])
def test_every_fault_of_a_reader_has_words(module: ModuleType) -> None:
    codes = [value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)]
    codes = [code for code in codes if re.fullmatch(r"[a-z]+(-[a-z]+)+", code)]
    assert codes
    assert set(codes) <= set(WORDS)


def test_a_report_keeps_what_it_says() -> None:
    known, strange = ({"fault": code, "count": 2, "examples": ["a"]} for code in ("osgb-file-lost", "new"))
    told = with_words({"seen": 3, "faults": [known, strange]})
    assert told["faults"][0]["title"]["zh"].startswith("文件缺失")
    assert told == {"seen": 3, "faults": [{**known, "title": told["faults"][0]["title"]}, strange]}
