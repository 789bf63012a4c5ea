"""Which editions are kept: by number, by day, by month, against a plain count of days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scenes3d.editions.keeping import Keep
from twin.errors import BadLimitError

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)


def test_a_layer_edited_every_minute_keeps_tens_of_editions_not_thousands():
    stamps = {number: NOW - timedelta(minutes=90_000 - number) for number in range(1, 90_001)}
    kept = sorted(Keep(newest=10, days=7, months=2).chosen(stamps, NOW))
    # 10 newest, among them the last of today; the last of each of 7 days back; of May (the same), April and March.
    ends = [datetime(2026, 5, day, 23, 59, tzinfo=UTC) for day in range(24, 31)]
    assert kept[-10:] == list(range(89_991, 90_001))
    assert [stamps[version] for version in kept[2:-10]] == ends
    months = [datetime(2026, month, day, 23, 59, tzinfo=UTC) for month, day in ((3, 31), (4, 30))]
    assert [stamps[version] for version in kept[:2]] == months


def test_the_last_of_a_day_is_the_one_that_as_of_the_day_asks_for():
    stamps = {
        1: datetime(2026, 5, 30, 23, 59, 59, tzinfo=UTC),
        2: datetime(2026, 5, 31, 0, 0, tzinfo=UTC),
        3: datetime(2026, 5, 31, 9, 0, tzinfo=UTC),
        4: datetime(2026, 5, 31, 11, 0, tzinfo=UTC),
    }
    assert Keep(1, 31, 0).chosen(stamps, NOW) == {1, 4}
    assert Keep(2, 0, 0).chosen(stamps, NOW) == {3, 4}
    assert Keep().chosen({}, NOW) == set()


def test_a_policy_reads_what_it_writes():
    assert Keep.parse(str(Keep(3, 2, 1))) == Keep(3, 2, 1)
    assert Keep.parse(" newest=5 ") == Keep(newest=5)
    assert Keep.parse("all") is None


@pytest.mark.parametrize(
    "text", ["", "10", "newest=0", "weeks=3", "days=-1", "days=1,days=2", "days=９", "months=9999999"]
)
def test_what_is_no_policy_is_refused_with_an_example(text):
    with pytest.raises(BadLimitError) as caught:
        Keep.parse(text)
    assert "newest=50,days=31,months=600" in caught.value.remedy
