"""Settings of the server: environment variables that start with `ONEMAP_`, read once, handed to `create_app`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from scenes3d.editions.keeping import Keep
from twin.errors import BadCall, BadLimitError
from twin.tasks.opening import open_tasks
from twin.text import LocalText
from twin.validity import END_AHEAD_DAYS, START_AHEAD_DAYS, ValidityLimits

PREFIX = "ONEMAP_"


class Settings(BaseSettings):
    """Everything an operator may change. Each field is one row of the README's table."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    data_dir: Path = Field(
        default=Path("onemap-data"), description="Folder that holds the embedded store and the inbox."
    )
    store: str = Field(
        default="",
        description="PostgreSQL URL, or path of a GeoPackage; empty means onemap.gpkg inside ONEMAP_DATA_DIR.",
    )
    host: str = Field(
        default="127.0.0.1", description="Address to listen on. There is no sign-in yet: keep it on loopback."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port to listen on.")
    public_url: str = Field(
        default="", description="Address the outside world uses, for links; empty means the address of each request."
    )
    trust_forwarded: bool = Field(
        default=False, description="Believe Forwarded and X-Forwarded-* headers when building links (behind a proxy)."
    )
    title_zh: str = Field(default="一张图", description="Chinese title of the service.")
    title_en: str = Field(default="One Map", description="English title of the service.")
    city: str = Field(default="", description="Path of a city profile; empty means Jiaozhou, which ships.")
    limit_default: int = Field(default=10, ge=1, description="Features on a page when the request does not say.")
    limit_max: int = Field(default=10_000, ge=1, description="Most features on one page; a larger limit is cut to it.")
    export_rows_max: int = Field(
        default=2_000_000, ge=1, description="Most features in one CSV, FlatGeobuf, GeoParquet or GeoPackage answer."
    )
    max_body_mb: int = Field(
        default=16, ge=1, description="Largest request body, except uploads to /layers and /scenes."
    )
    max_upload_mb: int = Field(default=2048, ge=1, description="Largest upload to /layers and /scenes.")
    inbox: Path | None = Field(
        default=None, description="Folder that inbox sources may read from; empty means inbox inside ONEMAP_DATA_DIR."
    )
    rules: Path | None = Field(
        default=None,
        description="Folder of the city's own sunlight_rules.json and control_surfaces.json; empty means rules inside ONEMAP_DATA_DIR.",
    )
    snapshots: Path | None = Field(
        default=None,
        description="Folder for copies of large layers that tiles are cut from; empty means snapshots inside ONEMAP_DATA_DIR.",
    )
    tile_memory_mb: int = Field(default=256, ge=0, description="Room in memory for tiles that were made; 0 keeps none.")
    tile_disk_mb: int = Field(
        default=0,
        ge=0,
        description="Room on disk (tiles.cache inside ONEMAP_DATA_DIR) for tiles that were made; 0 keeps none.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer requests, all on one port.")
    archives: Path | None = Field(
        default=None,
        description="Folder of tile archives (.pmtiles) to serve; empty means archives inside ONEMAP_DATA_DIR.",
    )
    source_hosts: list[str] = Field(
        default=[],
        description='Servers that ogc-features sources may read from, as a JSON list of "host" or "host:port".',
    )
    valid_from_ahead_days: int = Field(
        default=START_AHEAD_DAYS,
        ge=0,
        le=1_000_000,
        description="How many days ahead the planned state of a feature may begin.",
    )
    valid_to_ahead_days: int = Field(
        default=END_AHEAD_DAYS, ge=0, le=1_000_000, description="How many days ahead a feature's state may end."
    )
    tasks: str = Field(
        default="1",
        description="Who makes the tiles of large scenes: 1 for the process that builds, another number for so many processes, "
        "or tcp://host:port of a Dask scheduler.",
    )
    analysis_workers: int = Field(default=1, ge=1, le=64, description="Analyses at the same time in one process.")
    analysis_waiting_max: int = Field(default=20, ge=0, description="How many more analyses may wait for their turn.")
    analysis_jobs_kept: int = Field(
        default=200, ge=0, description="Finished analysis jobs kept with their results (jobs inside ONEMAP_DATA_DIR)."
    )
    analysis_cells_max: int = Field(default=25_000_000, ge=4, description="Most cells of ground in one analysis.")
    analysis_rays_max: int = Field(default=100_000_000, ge=1, description="Most lines of sight in one analysis.")
    analysis_buildings_max: int = Field(default=200_000, ge=1, description="Most buildings or cameras in one analysis.")
    scene_keep: str = Field(
        default=str(Keep()),
        description="Editions of scenes that are kept: the newest, the last of each day and of each month; all for all.",
    )
    analysis_triangles_max: int = Field(
        default=20_000_000, ge=1, description="Most triangles of scenes in one analysis."
    )
    url_length_max: int = Field(default=16_384, ge=256, description="Longest request target in bytes.")
    filter_length_max: int = Field(default=8_192, ge=16, description="Longest filter in characters.")
    cors_origins: list[str] = Field(
        default=["*"], description='Origins that may read from a browser, as a JSON list; "[]" means none.'
    )
    compress_min_kb: int = Field(
        default=0,
        ge=0,
        description="Feature answers above this size are gzipped when the client accepts it; 0 means never.",
    )
    log_level: str = Field(default="info", description="debug, info, warning or error.")

    @field_validator("public_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("ONEMAP_PUBLIC_URL must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("tasks")
    @classmethod
    def _known_hands(cls, value: str) -> str:
        try:
            open_tasks(value)
        except BadCall as error:
            raise ValueError(f"ONEMAP_TASKS: {error}") from error
        return value

    @field_validator("scene_keep")
    @classmethod
    def _known_editions(cls, value: str) -> str:
        try:
            Keep.parse(value)
        except BadLimitError as error:
            raise ValueError(f"ONEMAP_SCENE_KEEP: {error.limit}") from error
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in ("debug", "info", "warning", "error"):
            raise ValueError("ONEMAP_LOG_LEVEL must be debug, info, warning or error")
        return value.lower()

    @property
    def title(self) -> LocalText:
        return LocalText(zh=self.title_zh, en=self.title_en)

    @property
    def validity_limits(self) -> ValidityLimits:
        """Which valid times of features are believed."""
        return ValidityLimits(
            start_ahead=timedelta(days=self.valid_from_ahead_days), end_ahead=timedelta(days=self.valid_to_ahead_days)
        )

    @property
    def store_location(self) -> str:
        """What `twin.store.open_store` is given."""
        return self.store or str(self.data_dir / "onemap.gpkg")

    @property
    def raster_dir(self) -> Path:
        """Folder of the COGs; it need not exist."""
        return self.data_dir / "rasters"

    @property
    def inbox_dir(self) -> Path:
        """Folder that inbox sources may read from; it need not exist."""
        return self.inbox or self.data_dir / "inbox"

    @property
    def rules_dir(self) -> Path:
        """Folder of the city's own tables of rules; it need not exist."""
        return self.rules or self.data_dir / "rules"

    @property
    def snapshot_dir(self) -> Path:
        """Folder for copies of large layers; made when needed, and nothing is lost with it."""
        return self.snapshots or self.data_dir / "snapshots"

    @property
    def tile_cache_file(self) -> Path:
        """Where tiles are kept beyond a restart, if there is room for them."""
        return self.data_dir / "tiles.cache"

    @property
    def archive_dir(self) -> Path:
        """Folder of tile archives; it need not exist."""
        return self.archives or self.data_dir / "archives"

    @property
    def jobs_dir(self) -> Path:
        """Folder of analysis jobs; made when there is one."""
        return self.data_dir / "jobs"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server; anything else deserves a loud warning."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def unknown_names(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Names in `environment` that start with `ONEMAP_` and are no setting, sorted: most likely typing mistakes."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return tuple(sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known))


def describe_settings() -> list[tuple[str, str, str]]:
    """(variable, default as text, description) of each setting, in order: the README's table."""
    return [
        (PREFIX + name.upper(), str(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
