"""The services that other tests lean on do what they promise."""

from __future__ import annotations

import psycopg
import pytest

from loud_skips import loud_lines, skip_loudly


def test_each_postgis_database_is_fresh_and_has_postgis(new_postgis_database):
    first, second = new_postgis_database(), new_postgis_database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE here (id int)")
        ((version,),) = connection.execute("SELECT postgis_lib_version()").fetchall()
    assert int(version.split(".")[0]) >= 3
    with psycopg.connect(second) as connection:
        ((found,),) = connection.execute("SELECT to_regclass('here')").fetchall()
    assert found is None


def test_chromium_draws_with_webgl2(page):
    page.set_content("<canvas></canvas>")
    version = "document.querySelector('canvas').getContext('webgl2').getParameter(WebGL2RenderingContext.VERSION)"
    assert page.evaluate(version).startswith("WebGL 2")


def test_a_spawned_program_is_read_line_by_line_and_killed(spawn):
    program = spawn("import sys; print('ready', sys.argv[1]); input(); print('never')", "胶州")
    assert program.read_line() == "ready 胶州"
    program.kill()
    assert program.wait() == -9


def test_a_program_that_ends_early_is_reported_with_its_log(spawn):
    program = spawn("raise SystemExit('broken on purpose')")
    with pytest.raises(AssertionError, match="broken on purpose"):
        program.read_line()


def test_loud_skips_are_counted_and_quiet_ones_left_out():
    with pytest.raises(pytest.skip.Exception) as caught:
        skip_loudly("PostGIS", "install it")
    reason = str(caught.value)
    assert loud_lines([reason, reason, "not today"]) == ["2 tests not run: PostGIS — install it"]
