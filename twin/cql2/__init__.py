"""CQL2 filters at the door: text or JSON in, a checked JSON tree out.

The `cql2` package (Rust) reads both encodings into one JSON tree; here the tree is held against a layer's schema, its
geometries are brought to CGCS2000, and whatever is unknown, too deep or of the wrong type is refused with the place named.

Source: OGC 21-065r2.
"""

from twin.cql2.checking import check_filter
from twin.cql2.reading import parse_filter
from twin.cql2.refusals import MAX_DEPTH, MAX_LENGTH
from twin.cql2.times import TEMPORAL_RELATIONS, instant_range

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "TEMPORAL_RELATIONS", "check_filter", "instant_range", "parse_filter"]
