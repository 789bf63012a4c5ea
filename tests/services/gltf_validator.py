"""Khronos' validator of glTF, run by node: what it says is wrong with a file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from loud_skips import skip_loudly

PACKAGES = Path(sys.prefix) / "javascript" / "node_modules"
# Severity 0 is an error, 1 a warning. The validator does not know the extensions of 3D Tiles and says so at severity 2.
_PROGRAM = """
const fs = require("fs"), validator = require("gltf-validator");
(async () => {
  const lines = [];
  for (const file of process.argv.slice(1)) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)), { maxIssues: 20 });
    for (const m of report.issues.messages) {
      if (m.severity < 2) lines.push(`${file.split("/").pop()}: ${m.code} ${m.message} ${m.pointer}`);
    }
  }
  console.log(JSON.stringify(lines));
})();
"""


def gltf_checker(folder: Path) -> Callable[[Mapping[str, bytes]], list[str]]:
    """A function that gives the errors and warnings of GLB files by name; skips loudly where there is no validator."""
    node = shutil.which("node")
    if node is None or not (PACKAGES / "gltf-validator").is_dir():
        skip_loudly("the glTF validator of Khronos", "./onemap test installs it with npm")

    def problems(files: Mapping[str, bytes]) -> list[str]:
        paths = []
        for name, data in files.items():
            paths.append(folder / f"{name.replace('/', '-')}.glb")
            paths[-1].write_bytes(data)
        done = subprocess.run(
            [node, "-e", _PROGRAM, *map(str, paths)],
            env={"NODE_PATH": str(PACKAGES), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return list(json.loads(done.stdout))

    return problems
