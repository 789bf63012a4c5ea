"""Vertical datums: what heights count from. They are carried as data and never converted.

No public geoid model leads from ellipsoidal heights to the 1985 datum, and none from the 1956 datum either: the
difference is metres and varies. So heights stay as delivered, and whoever mixes two datums is told.
"""

from __future__ import annotations

from twin.crs import parse_crs, vertical_part
from twin.errors import BadManifestError, UnknownCRSError, VerticalDatumError
from twin.text import LocalText

UNKNOWN = "unknown"
ELLIPSOIDAL = "ellipsoidal"
_TITLES = {
    "EPSG:5737": LocalText("1985国家高程基准", "Yellow Sea 1985 height"),
    "EPSG:5736": LocalText("1956年黄海高程系", "Yellow Sea 1956 height"),
    "EPSG:3855": LocalText("EGM2008 高程", "EGM2008 height"),
    "EPSG:5773": LocalText("EGM96 高程", "EGM96 height"),
    ELLIPSOIDAL: LocalText("椭球高", "Ellipsoidal height"),
    UNKNOWN: LocalText("高程基准不明", "Unknown vertical datum"),
}


def parse_vertical_datum(text: str) -> str:
    """The datum in its one spelling: `EPSG:` and the code of a vertical system, "ellipsoidal" or "unknown".

    Raises:
        BadManifestError: if it is none of these.

    >>> parse_vertical_datum("5737"), parse_vertical_datum("Ellipsoidal")
    ('EPSG:5737', 'ellipsoidal')
    """
    word = text.strip().lower()
    if word in (UNKNOWN, ELLIPSOIDAL):
        return word
    try:
        crs = parse_crs(text)
    except UnknownCRSError:
        crs = None
    code = crs.to_epsg(min_confidence=60) if crs is not None and crs.is_vertical and not crs.is_compound else None
    if code is None:
        raise BadManifestError(
            "This is no vertical datum.",
            value=text,
            limit="EPSG:5737 (1985), EPSG:5736 (1956) or another vertical system, ellipsoidal, unknown",
            remedy="Write EPSG:5737 for heights in the 1985 national datum.",
        )
    return f"EPSG:{code}"


def vertical_datum_title(datum: str) -> LocalText:
    """What people call it."""
    return _TITLES.get(datum) or LocalText(datum, datum)


def stated_vertical_datum(crs_text: str) -> str | None:
    """The datum of the heights of a CRS such as `EPSG:4490+5737`; None where it says nothing of heights.

    Raises:
        UnknownCRSError: if the text names no CRS.
    """
    return vertical_part(parse_crs(crs_text))


def check_same_vertical(found: str | None, wanted: str | None, what: str = "the data") -> None:
    """Refuse to take heights of one datum for heights of another. Where either side says nothing, nothing contradicts.

    Raises:
        VerticalDatumError: if both say something and it differs; the message has both.
    """
    if None in (found, wanted) or UNKNOWN in (found, wanted) or found == wanted:
        return
    assert found is not None
    assert wanted is not None
    raise VerticalDatumError(
        f"The heights of {what} count from {vertical_datum_title(found).en} ({found}), those of the layer from "
        f"{vertical_datum_title(wanted).en} ({wanted}).",
        value=found,
        limit=wanted,
        remedy="Heights are never converted here: there is no public geoid model for it. Have the survey authority deliver "
        f"the heights in {wanted}, or keep these in a layer of their own.",
    )
