"""Where the sun stands: azimuth and altitude for an instant and a place, within 0.01° of NREL's SPA from 1990 to 2050.

Source: J. Meeus, Astronomical Algorithms, 2nd ed. 1998, chapters 12, 13, 22, 25 (low accuracy) and 40; refraction by G. Sæmundsson (chapter 16).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from scenes3d.rays.port import Floats

# Terrestrial minus universal time: 69.2 s in 2020 to 2026, which moves the sun by 0.0008°.
_DELTA_T_DAYS = 69.2 / 86_400
# Seen from the ground, the sun stands a little lower than from the middle of the earth.
_PARALLAX_DEG = 8.794 / 3600
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SunPositions:
    """Where the sun stands at n instants.

    Attributes:
        instants: With a time zone.
        azimuth_deg: (n,), clockwise from true north.
        altitude_deg: (n,), above the horizon, without refraction.
    """

    instants: Sequence[datetime]
    azimuth_deg: Floats
    altitude_deg: Floats

    @property
    def directions(self) -> Floats:
        """Unit vectors towards the sun, (n, 3): east, north, up."""
        return unit_vectors(self.azimuth_deg, self.altitude_deg)


def unit_vectors(azimuth_deg: Floats, altitude_deg: Floats) -> Floats:
    """East, north, up, (n, 3)."""
    azimuth, altitude = np.radians(azimuth_deg), np.radians(altitude_deg)
    return np.column_stack([np.sin(azimuth) * np.cos(altitude), np.cos(azimuth) * np.cos(altitude), np.sin(altitude)])


def sun_positions(instants: Sequence[datetime], lon: float, lat: float) -> SunPositions:
    """The sun over a place (degrees) at instants that carry a time zone."""
    days = _days(instants)
    ascension, declination = _equatorial(days + _DELTA_T_DAYS)
    centuries = days / 36_525
    sidereal = 280.46061837 + 360.98564736629 * days + 0.000387933 * centuries**2
    hour = np.radians(sidereal + _equation_of_equinoxes(days) + lon) - ascension
    phi = np.radians(lat)
    south = np.cos(hour) * np.sin(phi) - np.tan(declination) * np.cos(phi)
    azimuth = (np.degrees(np.arctan2(np.sin(hour), south)) + 180) % 360
    sine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour)
    altitude = np.arcsin(sine)
    return SunPositions(instants, azimuth, np.degrees(altitude) - _PARALLAX_DEG * np.cos(altitude))


def refraction_deg(altitude_deg: Floats) -> Floats:
    """How much higher the sun appears, at 1010 hPa and 10 °C."""
    shown = np.maximum(altitude_deg, -1.0)
    return np.asarray(1.02 / 60 / np.tan(np.radians(shown + 10.3 / (shown + 5.11))))


def true_solar_offset(day: date, lon: float) -> timedelta:
    """What to take from true solar time on a day at a longitude to get UTC; within seconds.

    True solar noon is when the sun stands in the meridian.
    """
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(hours=lon / 15)
    for _ in range(2):
        days = _days([noon])
        ascension, _declination = _equatorial(days + _DELTA_T_DAYS)
        sidereal = 280.46061837 + 360.98564736629 * days + _equation_of_equinoxes(days)
        hour = (sidereal + lon - np.degrees(ascension) + 180) % 360 - 180
        noon -= timedelta(days=float(hour[0]) / 360)
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - noon


def solar_term_instant(year: int, longitude_deg: float) -> datetime:
    """When the sun reaches an apparent longitude in a year: 270° winter solstice, 300° great cold. Within a minute or two.

    Source: the definition of solar terms in GB/T 33661-2017.
    """
    # The sun passes longitude 280° about the first of January.
    guess = ((longitude_deg - 280) % 360) / 360 * 365.2422
    instant = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=guess)
    for _ in range(6):
        found = np.degrees(_apparent_longitude(_days([instant]) + _DELTA_T_DAYS))[0]
        instant += timedelta(days=((longitude_deg - found + 180) % 360 - 180) / 360 * 365.2422)
    return instant


def _days(instants: Sequence[datetime]) -> Floats:
    """Days since noon UTC on 1 January 2000."""
    return np.array([(instant - _J2000).total_seconds() / 86_400 for instant in instants])


def _apparent_longitude(days: Floats) -> Floats:
    """Radians, with aberration and nutation."""
    t = days / 36_525
    mean = 280.46646 + 36_000.76983 * t + 0.0003032 * t**2
    anomaly = np.radians(357.52911 + 35_999.05029 * t - 0.0001537 * t**2)
    centre = (
        (1.914602 - 0.004817 * t - 0.000014 * t**2) * np.sin(anomaly)
        + (0.019993 - 0.000101 * t) * np.sin(2 * anomaly)
        + 0.000289 * np.sin(3 * anomaly)
    )
    node = np.radians(125.04 - 1934.136 * t)
    return np.asarray(np.radians(mean + centre - 0.00569 - 0.00478 * np.sin(node)))


def _obliquity(days: Floats) -> Floats:
    t = days / 36_525
    node = np.radians(125.04 - 1934.136 * t)
    return np.asarray(np.radians(23.4392911 - 0.0130042 * t - 1.64e-7 * t**2 + 0.00256 * np.cos(node)))


def _equation_of_equinoxes(days: Floats) -> Floats:
    """Degrees: nutation in right ascension."""
    node = np.radians(125.04 - 1934.136 * days / 36_525)
    return np.asarray(-0.00478 * np.sin(node) * np.cos(_obliquity(days)))


def _equatorial(days: Floats) -> tuple[Floats, Floats]:
    """Right ascension and declination, radians."""
    longitude, obliquity = _apparent_longitude(days), _obliquity(days)
    ascension = np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))
    return ascension, np.arcsin(np.sin(obliquity) * np.sin(longitude))
