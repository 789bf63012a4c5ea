"""Identifiers built on component and matter classes: a component's 16 or 17 digits, a matter class's 11.

A component's identifier counts the components of its class in the county; a matter's code names the class only, never the case.
One row of digits may be read in more than one way (16 digits have two forms): all readings are given.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.codes.classes import ClassCatalogue, CodeClass, IdForm, Kind
from twin.codes.digit_codes import field_digits, split_digits
from twin.errors import BadCodeError, Finding


@dataclass(frozen=True, slots=True)
class ClassedId:
    """One reading of an identifier, field by field, leading zeros kept; `sequence` is "" for a matter class."""

    form: IdForm
    county: str
    major: str
    minor: str
    sequence: str = ""

    def __str__(self) -> str:
        return self.county + self.major + self.minor + self.sequence

    def code_class(self, catalogue: ClassCatalogue) -> CodeClass | None:
        """The class it names; None where the list has none of that number."""
        edition = catalogue.edition(self.form.edition)
        digits = next((len(known.minor) for known in edition.classes.values()), len(self.minor))
        minor = self.minor.lstrip("0").zfill(digits) if len(self.minor) > digits else self.minor
        return edition.find(self.form.kind, self.major, minor)


def parse_classed_ids(text: str, kind: Kind, catalogue: ClassCatalogue, edition: str | None = None) -> list[ClassedId]:
    """Every reading of an identifier, those whose class is known first.

    Args:
        edition: Only the forms of this one.

    Raises:
        BadCodeError: if no form has that many digits.
        UnknownCodeError: if there is no such edition.
    """
    editions = list(catalogue.editions.values()) if edition is None else [catalogue.edition(edition)]
    forms = [form for known in editions for form in known.forms if form.kind is kind]
    fitting = [form for form in forms if form.length == len(text)]
    if not fitting or not (text.isascii() and text.isdigit()):
        limit = "; ".join(
            f"{form.length} digits ({form.edition}: {' + '.join(map(str, form.widths))})" for form in forms
        )
        raise BadCodeError(
            f"'{text}' is not the code of a {kind.value}.",
            value=text,
            limit=limit or f"the edition has no codes of a {kind.value}",
            remedy="Write all digits, leading zeros included.",
        )
    readings = [ClassedId(form, *split_digits(text, form.widths, f"{kind.value}s")) for form in fitting]
    return sorted(readings, key=lambda reading: reading.code_class(catalogue) is None)


def compose_classed_id(form: IdForm, county: str, major: str, minor: str, sequence: int | None = None) -> str:
    """The identifier of these fields.

    Raises:
        BadCodeError: if a field does not fit, or there is one too many or too few.
    """
    values: list[str | int] = [county, major, minor, *([] if sequence is None else [sequence])]
    if len(values) != len(form.widths):
        raise BadCodeError(
            f"A code of a {form.kind.value} has {len(form.widths)} fields.",
            value=len(values),
            limit=" + ".join(map(str, form.widths)),
            remedy="Give a sequence for a component, and none for a matter.",
        )
    names = ("county", "major", "minor", "sequence")
    return "".join(field_digits(v, w, n) for v, w, n in zip(values, form.widths, names, strict=False))


def check_classed_id(reading: ClassedId, catalogue: ClassCatalogue, county: str | None = None) -> tuple[Finding, ...]:
    """What is wrong with an identifier beyond its form: another county's, a vacant number, a sequence of zero.

    Args:
        county: The county it should belong to; None for any.
    """
    found = []
    if county is not None and reading.county != county:
        found.append(
            Finding("county", reading.county, f"The county is not {county}.", "Check where the identifier comes from.")
        )
    edition = catalogue.edition(reading.form.edition)
    if reading.code_class(catalogue) is None:
        problem = "vacant" if edition.complete else "not among those known here"
        where, value = "class", reading.major + reading.minor
        found.append(
            Finding(where, value, f"This number is {problem} in {edition.id}.", "Compare it with the standard's list.")
        )
    if reading.sequence and not reading.sequence.strip("0"):
        found.append(Finding("sequence", reading.sequence, "Sequences count from 1.", "Number the component."))
    return tuple(found)
