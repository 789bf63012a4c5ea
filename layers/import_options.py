"""How a file is to be taken, by whom, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from layers.city import City
from layers.manifest import Manifest
from layers.policy import Actor, OpenPolicy, Policy


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to take a file.

    Attributes:
        layer_id: Layer to write to; it is made when there is none.
        crs: CRS of the file's coordinates; overrides what the file says.
        id_property: Column with the ids; overrides the manifest's.
        encoding: Text encoding of the file; overrides detection.
        source_layer: Layer inside the file, or member of an archive.
        mode: "upsert" adds and updates by id; "replace" leaves exactly the rows of the file.
        manifest: For a layer that does not exist yet; None makes one from the file.
        name: File name to show where the path is a spooled upload.
        repair: Mend invalid polygons (counted in the report) instead of refusing their rows; None does what the layer's
            `geometry_faults` says, and mends where that says nothing.
        dry_run: Read and judge everything, write nothing.
        check_codes: Refuse rows whose coded values are not in the schema; off where codes only lend titles.
        new_layer: The layer must not exist yet, even when somebody makes it while this import begins.
        accept_because: Why the data are taken even if the guard believes that they lie elsewhere; None takes no such data.
        sha256: Checksum of the file, for the lineage.
    """

    layer_id: str
    crs: str | None = None
    id_property: str | None = None
    encoding: str | None = None
    source_layer: str | None = None
    mode: Literal["upsert", "replace"] = "upsert"
    manifest: Manifest | None = None
    name: str | None = None
    repair: bool | None = None
    dry_run: bool = False
    new_layer: bool = False
    check_codes: bool = True
    accept_because: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is; `total` is None where only reading tells."""

    rows: int
    rejected: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Who imports, what they may, and for which city; the command line of the server's own machine may everything."""

    actor: Actor = field(default_factory=lambda: Actor("import"))
    policy: Policy = field(default_factory=OpenPolicy)
    city: City | None = None
