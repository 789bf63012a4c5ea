"""The `onemap` command: what each verb prints, its exit code, and one line for every error."""

from __future__ import annotations

import csv
import io
import json
import socket
import sys

import pytest

from api.cli import run
from api.commands import testing
from api.commands.serve import browser_host, listen
from api.commands.terminal import CommandError, error_line
from twin.errors import BadCall


@pytest.fixture
def onemap(tmp_path, monkeypatch, capfd):
    """Run a command line on a data folder of its own: (exit code, standard output, standard error)."""
    for name in ("ONEMAP_STORE", "ONEMAP_PORT", "ONEMAP_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ONEMAP_DATA_DIR", str(tmp_path / "data"))

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def lamps(tmp_path):
    """Three lamps, the last of them nowhere on earth."""
    places = {"a": (120.0, 36.27), "b": (120.01, 36.28), "c": (500.0, 36.29)}
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "kind": "路灯"},
            "geometry": {"type": "Point", "coordinates": place},
        }
        for code, place in places.items()
    ]
    file = tmp_path / "lamps.geojson"
    file.write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), encoding="utf-8"
    )
    return file


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.parametrize("verb", ["serve", "import", "export", "layers", "doctor", "demo", "test"])
def test_every_verb_is_listed_and_explains_itself(onemap, verb):
    assert f"  {verb} " in onemap("--help")[1]
    code, out, _ = onemap(verb, "--help")
    assert code == 0
    assert "Usage: onemap" in out


def test_an_unknown_verb_is_one_line_with_a_remedy(onemap):
    code, _, err = onemap("srve")
    assert code == 2
    assert "serve" in one_line(err)


def test_a_bad_port_is_one_line(onemap):
    code, _, err = onemap("serve", "--port", "70000")
    assert code == 2
    assert "70000" in one_line(err)


def test_a_bad_setting_names_the_variable_and_its_value(onemap, monkeypatch):
    monkeypatch.setenv("ONEMAP_PORT", "eighty")
    code, _, err = onemap("doctor")
    assert code == 2
    assert "ONEMAP_PORT='eighty'" in one_line(err)


def test_an_unknown_setting_is_pointed_out(onemap, monkeypatch):
    monkeypatch.setenv("ONEMAP_PROT", "80")
    assert "ONEMAP_PROT is not a setting" in onemap("layers")[2]


def test_a_taken_port_says_which_one_and_what_to_do(onemap):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, err = onemap("serve", "--port", port)
    assert code == 2
    line = one_line(err)
    assert f"port {port}" in line
    assert "--port" in line


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(CommandError, match=r"no-such-host\.invalid"):
        listen("no-such-host.invalid", 0)


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("map.lan", "map.lan")])
def test_the_address_shown_can_be_opened_in_a_browser(host, shown):
    assert browser_host(host) == shown


def test_a_file_is_imported_reported_listed_shown_and_removed(onemap, lamps):
    titles = ("--title-zh", "路灯", "--title-en", "Lamps")
    arguments = ("import", lamps, "--layer", "lamps", "--id-property", "code", *titles)
    code, out, _ = onemap(*arguments)
    assert code == 0
    assert "3 rows of lamps.geojson" in out
    assert "inserted 2, updated 0, deleted 0; ids: code" in out
    assert "refused rows · 被拒绝的行: 1" in out
    assert "row 3" in out

    lamps.write_text(lamps.read_text(encoding="utf-8").replace("路灯", "景观灯"), encoding="utf-8")
    _, out, err = onemap(*arguments)
    assert "inserted 0, updated 2" in out, "the same import again updates by id"
    assert "manifest" in one_line(err), "and says that the titles were not taken"

    listed = onemap("layers")[1]
    assert "路灯 · Lamps" in listed
    entry = json.loads(onemap("layers", "show", "lamps")[1])
    assert (entry["feature_count"], entry["version"], entry["title"]) == (2, 2, {"zh": "路灯", "en": "Lamps"})

    assert onemap("layers", "remove", "lamps", "--yes")[0] == 0
    assert "lamps" not in onemap("layers")[1]


def test_a_dry_run_writes_nothing(onemap, lamps):
    code, out, _ = onemap("import", lamps, "--layer", "lamps", "--dry-run")
    assert code == 0
    assert "would be inserted 2" in out
    assert "No layers yet" in onemap("layers")[1]


def test_replacing_deletes_what_the_file_no_longer_has(onemap, lamps):
    onemap("import", lamps, "--layer", "lamps", "--id-property", "code")
    document = json.loads(lamps.read_text(encoding="utf-8"))
    document["features"] = document["features"][:1]
    lamps.write_text(json.dumps(document), encoding="utf-8")
    assert "updated 0, deleted 1" in onemap("import", lamps, "--layer", "lamps", "--mode", "replace")[1]
    assert json.loads(onemap("layers", "show", "lamps")[1])["feature_count"] == 1


@pytest.mark.parametrize("ending", ["geojson", "ndjson", "csv", "fgb", "parquet", "gpkg", "zip"])
def test_what_is_exported_is_imported_again(onemap, lamps, tmp_path, ending):
    onemap("import", lamps, "--layer", "lamps", "--id-property", "code")
    file = tmp_path / f"out.{ending}"
    assert "2 features" in onemap("export", "lamps", file)[1]
    code, out, err = onemap("import", file, "--layer", "again", "--id-property", "code", "--crs", "EPSG:4490")
    assert (code, err) == (0, "")
    assert "inserted 2" in out
    first, again = (json.loads(onemap("layers", "show", layer)[1]) for layer in ("lamps", "again"))
    assert again["bounds"] == pytest.approx(first["bounds"], abs=1e-9)


def test_an_export_is_cut_by_box_and_filter_and_moved_to_another_crs(onemap, lamps, tmp_path):
    onemap("import", lamps, "--layer", "lamps", "--id-property", "code")
    file = tmp_path / "out.csv"
    assert "1 feature →" in onemap("export", "lamps", file, "--filter", "code = 'b'")[1]
    assert "1 feature →" in onemap("export", "lamps", file, "--bbox", "119.99,36.26,120.005,36.275")[1]
    assert "0 features" in onemap("export", "lamps", file, "--filter", "1 = 2")[1]
    moved = tmp_path / "moved.csv"
    assert "EPSG:4549" in onemap("export", "lamps", moved, "--crs", "EPSG:4549")[1]
    rows = list(csv.DictReader(io.StringIO(moved.read_text(encoding="utf-8-sig"))))
    assert float(rows[0]["x"]) == pytest.approx(500_000, abs=0.01), "120°E is the central meridian of EPSG:4549"
    assert float(rows[0]["y"]) == pytest.approx(4_015_502.277, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["out.xyz"], ".xyz"),
        (["out.csv", "--format", "dwg"], "dwg"),
        (["out.csv", "--crs", "EPSG:1"], "EPSG:1"),
        (["out.csv", "--bbox", "1,2"], "1,2"),
        (["out.csv", "--filter", "colour = 1"], "colour"),
        (["missing/out.csv"], "missing"),
    ],
)
def test_a_bad_export_is_one_line_and_writes_nothing(onemap, lamps, tmp_path, arguments, word):
    onemap("import", lamps, "--layer", "lamps")
    code, _, err = onemap("export", "lamps", tmp_path / arguments[0], *arguments[1:])
    assert code == 2
    assert word in one_line(err)
    assert not (tmp_path / arguments[0]).exists()


def test_an_openstreetmap_extract_becomes_base_map_layers(onemap, shared_data):
    extract = shared_data / "vector/andorra.osm.pbf"
    code, out, _ = onemap("import", extract, "--layer", "andorra")
    assert code == 0
    assert "andorra-buildings: 292 rows" in out
    roads = json.loads(onemap("layers", "show", "andorra-roads")[1])
    assert roads["department"] == "basemap"
    assert roads["feature_count"] > 1600
    code, _, err = onemap("import", extract, "--layer", "andorra", "--encoding", "GBK")
    assert code == 2
    assert "--encoding" in one_line(err)


def test_a_missing_file_is_one_line(onemap, tmp_path):
    code, _, err = onemap("import", tmp_path / "nothing.geojson", "--layer", "x")
    assert code == 2
    assert "nothing.geojson" in one_line(err)


def test_a_file_of_no_known_format_is_one_line(onemap, tmp_path):
    (tmp_path / "text.bin").write_bytes(b"\x00\x01 this is not a map")
    code, _, err = onemap("import", tmp_path / "text.bin", "--layer", "x")
    assert code == 2
    assert "text.bin" in one_line(err)


def test_a_bad_layer_id_is_named_before_the_file_is_read(onemap, lamps):
    code, _, err = onemap("import", lamps, "--layer", "Street Lamps")
    assert code == 2
    assert "/id" in err
    assert "Traceback" not in err


def test_an_unknown_layer_is_one_line(onemap):
    for verb in (["show", "nope"], ["remove", "nope", "--yes"]):
        code, _, err = onemap("layers", *verb)
        assert code == 2
        assert "nope" in one_line(err)


def test_a_data_folder_that_cannot_be_made_is_one_line(onemap, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, _, err = onemap("layers", "--data", tmp_path / "file" / "data")
    assert code == 2
    assert "--data" in one_line(err)


def test_doctor_reports_what_is_there(onemap, tmp_path):
    code, out, _ = onemap("doctor", "--data", tmp_path / "new")
    assert code == 0
    assert "with R-tree" in out
    assert "will be made" in out
    assert not (tmp_path / "new").exists(), "looking leaves nothing behind"


def test_doctor_ends_with_one_when_the_data_folder_is_in_trouble(onemap, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, out, _ = onemap("doctor", "--data", tmp_path / "file")
    assert code == 1
    assert "✗ data folder" in out


def test_doctor_hides_the_password_of_the_store(onemap, monkeypatch):
    monkeypatch.setenv("ONEMAP_STORE", "postgresql://map:secret@127.0.0.1:1/map")
    code, out, err = onemap("doctor")
    assert code == 1
    assert "secret" not in out + err


def test_an_error_line_holds_value_limit_and_remedy_once():
    error = BadCall("The limit 0 is too small.", value="0", limit="1 to 10000", remedy="Ask for more.")
    assert error_line(error) == "The limit 0 is too small. Limit: 1 to 10000. Remedy: Ask for more."


def test_the_server_announces_itself_serves_and_warns_beyond_loopback(running_server):
    server = running_server(arguments=("--host", "0.0.0.0"))
    assert server.read_line() == f"One Map · 一张图  →  {server.url}/view"
    assert "no sign-in yet" in server.log()


def test_the_same_verbs_work_on_postgis(onemap, lamps, tmp_path, postgis_url, monkeypatch):
    monkeypatch.setenv("ONEMAP_STORE", postgis_url)
    assert "inserted 2" in onemap("import", lamps, "--layer", "lamps", "--id-property", "code")[1]
    assert "lamps" in onemap("layers")[1]
    assert "2 features" in onemap("export", "lamps", tmp_path / "out.fgb")[1]
    code, out, _ = onemap("doctor")
    assert code == 0
    assert "1 layers, 2 features" in out
    assert onemap("layers", "remove", "lamps", "--yes")[0] == 0
    assert not (tmp_path / "data").exists(), "nothing is written to the data folder"


@pytest.mark.parametrize(("second", "code"), [("pass", 0), ("raise SystemExit(3)", 1)])
def test_every_check_is_run_and_one_failure_fails_the_whole(onemap, monkeypatch, capfd, second, code):
    commands = [("first", "pass"), ("second", second), ("third", "print('pytest was here')")]
    checks = [(name, [sys.executable, "-c", program]) for name, program in commands]
    monkeypatch.setattr(testing, "checks", lambda arguments: checks)
    found, out, err = onemap("test")
    assert found == code
    assert "pytest was here" in out, "a failing check does not hide the others"
    assert ("FAILED · 未通过: second" in err) == bool(code)


def test_what_follows_test_goes_to_pytest():
    names = [name for name, _ in testing.checks([])]
    assert names == ["ruff check", "ruff format", "import-linter", "mypy", "pytest"]
    assert testing.checks(["-k", "manifest"])[-1][1][-2:] == ["-k", "manifest"]


def test_without_the_development_tools_the_remedy_is_the_launcher(onemap, monkeypatch):
    monkeypatch.setattr(testing, "NEEDED", ("ruff", "no_such_tool"))
    code, _, err = onemap("test")
    assert code == 2
    assert "no_such_tool" in one_line(err)
    assert "./onemap test" in err


def test_the_history_of_a_feature_is_shown_restored_and_exported(onemap, lamps, tmp_path):
    onemap("import", lamps, "--layer", "lamps")
    document = json.loads(lamps.read_text(encoding="utf-8"))
    document["features"][0]["properties"]["kind"] = "树 [bold]"
    lamps.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    onemap("import", lamps, "--layer", "lamps")
    code, out, _ = onemap("history", "lamps", "1")
    assert (code, len(out.splitlines())) == (0, 3)
    code, out, _ = onemap("restore", "lamps", "1", "1", "--reason", "a slip [bold]")
    assert code == 0
    assert "version 3" in out
    assert "a slip [bold]" in onemap("history", "lamps", "1")[1]
    kinds = {}
    for version in ("v1", "v2", "v3"):
        file = tmp_path / f"{version}.csv"
        assert onemap("export", "lamps", file, "--as-of", version)[0] == 0
        kinds[version] = next(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))["kind"]
    assert kinds == {"v1": "路灯", "v2": "树 [bold]", "v3": "路灯"}
    assert onemap("export", "lamps", tmp_path / "x.csv", "--as-of", "v9")[0] == 2
    assert onemap("export", "lamps", tmp_path / "x.csv", "--datetime", "2024-05-01")[0] == 0
    assert onemap("restore", "lamps", "nobody", "1")[0] == 2
