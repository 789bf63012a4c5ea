"""The launcher at the root: what it remembers, what it installs, what it says when it cannot go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

import pytest

PYPROJECT = """
[project]
name = "onemap-twin"
version = "0.1.0"
description = "One map"
[project.scripts]
onemap = "api.cli:main"
[project.entry-points."onemap.layers"]
sample = "sample:layers"
"""


@pytest.fixture
def launcher(checkout, tmp_path, monkeypatch):
    """The launcher as a module, at work on a small checkout of its own in a folder whose name has a blank."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("launcher", str(checkout / "onemap"))
    module = module_from_spec(spec_from_loader("launcher", loader))
    loader.exec_module(module)
    root = tmp_path / "a checkout"
    (root / ".venv/bin").mkdir(parents=True)
    for name in ("requirements.lock", "requirements-dev.lock"):
        (root / name).write_text(f"# {name}\nnumpy==2.4.6\n")
    (root / "pyproject.toml").write_text(PYPROJECT)
    module.ROOT, module.VENV, module.STAMP = root, root / ".venv", root / ".venv/onemap-stamp.json"
    module.UNFINISHED = root / ".venv/onemap-unfinished"
    (root / ".venv/bin/python").symlink_to(os.path.realpath(sys.executable))
    return module


def stamp(launcher, **locks: str) -> None:
    launcher.STAMP.write_text(json.dumps({"python": os.path.realpath(launcher.venv_python()), "locks": locks}))


def test_without_a_stamp_nothing_is_ready(launcher):
    assert not launcher.is_ready("requirements.lock")


def test_what_the_tests_need_contains_what_the_server_needs_and_not_the_other_way_round(launcher):
    stamp(launcher, dev=launcher.fingerprint("requirements-dev.lock"))
    assert launcher.is_ready("requirements.lock")
    assert launcher.is_ready("requirements-dev.lock")
    stamp(launcher, runtime=launcher.fingerprint("requirements.lock"))
    assert launcher.is_ready("requirements.lock")
    assert not launcher.is_ready("requirements-dev.lock")


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_is_installed_again(launcher, changed):
    stamp(launcher, runtime=launcher.fingerprint("requirements.lock"))
    with (launcher.ROOT / changed).open("a") as file:
        file.write("# more\n")
    assert not launcher.is_ready("requirements.lock")


def test_a_moved_checkout_is_set_up_again(launcher):
    stamp(launcher, runtime=launcher.fingerprint("requirements.lock"))
    moved = launcher.ROOT.with_name("moved")
    launcher.ROOT.rename(moved)
    launcher.ROOT, launcher.VENV, launcher.STAMP = moved, moved / ".venv", moved / ".venv/onemap-stamp.json"
    assert not launcher.is_ready("requirements.lock")


def test_an_interpreter_that_went_away_is_noticed(launcher):
    stamp(launcher, runtime=launcher.fingerprint("requirements.lock"))
    (launcher.VENV / "bin/python").unlink()
    assert not launcher.is_ready("requirements.lock")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"locks": {}}', '{"python": 3, "locks": []}'])
def test_a_broken_stamp_means_set_up_again(launcher, text):
    launcher.STAMP.write_text(text)
    assert not launcher.is_ready("requirements.lock")


def test_an_interrupted_set_up_leaves_no_stamp_and_the_next_one_finishes(launcher, monkeypatch, capsys):
    stamp(launcher, runtime="an older lock")
    done = []
    monkeypatch.setattr(launcher, "make_venv", lambda: done.append("venv"))
    monkeypatch.setattr(launcher, "install_project", lambda: done.append("project"))
    monkeypatch.setattr(launcher, "compile_kernels", lambda: done.append("kernels"))

    def interrupted(lock):
        raise KeyboardInterrupt

    monkeypatch.setattr(launcher, "install_lock", interrupted)
    with pytest.raises(KeyboardInterrupt):
        launcher.set_up("requirements.lock")
    assert not launcher.STAMP.exists()
    assert launcher.UNFINISHED.exists()

    monkeypatch.setattr(launcher, "install_lock", done.append)
    launcher.set_up("requirements.lock")
    assert done == ["venv", "venv", "requirements.lock", "project", "kernels"]
    assert launcher.is_ready("requirements.lock")
    assert not launcher.UNFINISHED.exists()


def test_a_lock_that_changes_while_pip_works_is_installed_by_the_next_run(launcher, monkeypatch):
    def install_while_the_checkout_moves_on(lock):
        with (launcher.ROOT / lock).open("a") as file:
            file.write("scipy==1.17.1\n")

    monkeypatch.setattr(launcher, "make_venv", lambda: None)
    monkeypatch.setattr(launcher, "install_lock", install_while_the_checkout_moves_on)
    monkeypatch.setattr(launcher, "install_project", lambda: None)
    monkeypatch.setattr(launcher, "compile_kernels", lambda: None)
    launcher.set_up("requirements.lock")
    assert not launcher.is_ready("requirements.lock")


def test_an_environment_that_was_left_half_made_is_made_again(launcher, monkeypatch):
    asked = []
    monkeypatch.setattr(launcher, "run", lambda command, problem, remedy: asked.append(command))
    launcher.make_venv()
    assert asked == [], "a whole one is kept"
    launcher.UNFINISHED.touch()
    launcher.make_venv()
    assert asked[0][-3:] == ["venv", "--clear", str(launcher.VENV)]


def test_the_project_is_installed_without_building_anything(launcher, tmp_path):
    (launcher.VENV / "bin/python").unlink()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--clear", str(launcher.VENV)], check=True)
    (launcher.ROOT / "api").mkdir()
    (launcher.ROOT / "api/cli.py").write_text("import sys\ndef main(): print('ran with', sys.argv[1:])\n")
    launcher.install_project()
    launcher.install_project()  # twice does no harm
    program = launcher.VENV / "bin/onemap"
    done = subprocess.run([program, "serve", "胶 州"], cwd="/", capture_output=True, text=True)
    assert done.stdout == "ran with ['serve', '胶 州']\n", done.stderr
    ask = (
        "from importlib.metadata import version, entry_points as e;"
        "print(version('onemap-twin'), [p.value for p in e(group='onemap.layers')], len(e(group='console_scripts')))"
    )
    answer = subprocess.run([launcher.venv_python(), "-c", ask], cwd="/", capture_output=True, text=True)
    assert answer.stdout == "0.1.0 ['sample:layers'] 1\n", answer.stderr


def test_pip_follows_the_users_sources_but_not_the_users_targets(launcher, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", "/somewhere")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/old")
    environment = launcher.pip_environment()
    assert environment["PIP_FIND_LINKS"] == "/somewhere"
    assert environment["PIP_USER"] == "0"
    assert "PIP_TARGET" not in environment
    assert "PYTHONPATH" not in environment


def test_a_failing_step_is_one_line_with_its_remedy(launcher):
    with pytest.raises(launcher.SetUpError, match=r"pip broke \(exit code 3\); remedy: try again"):
        launcher.run([sys.executable, "-c", "raise SystemExit(3)"], "pip broke", "try again")


def test_missing_test_services_are_named_loudly_with_the_command_that_brings_them(launcher, monkeypatch, capfd):
    monkeypatch.setattr(launcher, "missing_test_services", lambda: [("chromium", "the page in a real browser")])
    monkeypatch.setattr(launcher, "apt_install", lambda packages: False)
    monkeypatch.setattr(launcher, "are_readers_ready", lambda: True)
    launcher.install_test_services()
    said = capfd.readouterr().err
    assert "WILL NOT BE TESTED" in said
    assert "the page in a real browser" in said
    assert "sudo apt-get install chromium" in said


def npm_of(launcher, monkeypatch, code: int) -> list[list[str]]:
    """A machine whose npm ends with `code`, and what was asked of it."""
    asked: list[list[str]] = []

    def fake_run(command, **kwargs):
        assert (kwargs["cwd"] / "package-lock.json").read_text() == "{}"
        asked.append(command)
        return subprocess.CompletedProcess(command, code)

    lock = launcher.readers_lock()
    lock.parent.mkdir(parents=True)
    for name in ("package.json", lock.name):
        lock.with_name(name).write_text("{}")
    monkeypatch.setattr(launcher, "missing_test_services", list)
    monkeypatch.setattr(launcher.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(launcher.subprocess, "run", fake_run)
    return asked


def test_the_foreign_readers_are_installed_once_for_each_lock(launcher, monkeypatch, capfd):
    asked = npm_of(launcher, monkeypatch, 0)
    launcher.install_test_services()
    launcher.install_test_services()
    assert [command[:2] for command in asked] == [["npm", "ci"]]
    launcher.readers_lock().write_text("{ }")
    assert not launcher.are_readers_ready()
    assert "WILL NOT BE TESTED" not in capfd.readouterr().err


def test_readers_that_npm_cannot_bring_are_named_loudly_and_tried_again(launcher, monkeypatch, capfd):
    asked = npm_of(launcher, monkeypatch, 1)
    launcher.install_test_services()
    launcher.install_test_services()
    assert len(asked) == 2
    said = capfd.readouterr().err
    assert "WILL NOT BE TESTED" in said
    assert "readers in JavaScript" in said
    assert "see npm's words" in said


def test_one_unknown_package_does_not_keep_the_others_away(launcher, monkeypatch):
    asked = []

    def fake_run(command, **kwargs):
        asked.append(command)
        return subprocess.CompletedProcess(command, 100 if "chromium" in command else 0)

    monkeypatch.setattr(launcher.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(launcher.os, "geteuid", lambda: 0)
    monkeypatch.setattr(launcher.subprocess, "run", fake_run)
    assert not launcher.apt_install(["chromium", "gdal-bin"])
    assert asked[-1][-1] == "gdal-bin"
    assert launcher.apt_install(["gdal-bin"])


def test_without_root_and_sudo_nothing_is_installed(launcher, monkeypatch):
    monkeypatch.setattr(launcher.shutil, "which", lambda name: None if name == "sudo" else f"/usr/bin/{name}")
    monkeypatch.setattr(launcher.os, "geteuid", lambda: 1000)
    assert not launcher.apt_install(["chromium"])


def test_an_old_python_is_refused_in_one_line(launcher, monkeypatch):
    distutils = type(sys)("distutils.spawn")
    distutils.find_executable = lambda name: None
    monkeypatch.setitem(sys.modules, "distutils", type(sys)("distutils"))
    monkeypatch.setitem(sys.modules, "distutils.spawn", distutils)
    monkeypatch.setattr(launcher.sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit, match=r"this is Python 3\.9\.2, the limit is 3\.11 or newer; remedy: "):
        launcher.main(["demo"])


def test_the_launcher_parses_on_interpreters_that_are_too_old(checkout):
    import ast

    ast.parse((checkout / "onemap").read_text(encoding="utf-8"), feature_version=(3, 7))
