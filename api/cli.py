"""The `onemap` command: finds the verb, and turns every expected failure into one line and exit code 2."""

from __future__ import annotations

import sys

import typer
from typer.exceptions import TyperException

from api.commands import (
    analyse,
    basemap,
    codes,
    demo,
    doctor,
    exporting,
    history,
    importing,
    layers,
    places,
    rasters,
    relations,
    scenes,
    serve,
    terrain,
    testing,
    tiles,
)
from api.commands.terminal import error_line, finding_lines, forget_consoles
from twin.errors import OneMapError

BAD_CALL = 2
INTERRUPTED = 130

app = typer.Typer(
    name="onemap",
    help="One Map: one map for every department of a city. · 胶州基准一张图",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("import")(importing.import_file)
app.command("export")(exporting.export)
app.command("history")(history.show_history)
app.command("restore")(history.restore)
app.add_typer(layers.app, name="layers")
app.add_typer(basemap.app, name="basemap")
app.command("places")(places.places)
app.add_typer(relations.app, name="relations")
app.command("codes", context_settings=codes.NEGATIVE_NUMBERS)(codes.codes)
app.add_typer(codes.divisions_app, name="divisions")
app.add_typer(tiles.app, name="tiles")
app.add_typer(rasters.app, name="rasters")
app.add_typer(terrain.app, name="terrain")
app.command("analyse")(analyse.analyse)
app.add_typer(scenes.app, name="scenes")
app.add_typer(doctor.app, name="doctor")
app.command("test", context_settings=testing.PASS_ON)(testing.test)


def run(arguments: list[str]) -> int:
    """Run one command line and give its exit code: 0 done, 1 trouble found, 2 cannot be done, 130 interrupted."""
    forget_consoles()
    try:
        code = app(arguments, prog_name="onemap", standalone_mode=False)
    except OneMapError as error:
        _complain(error_line(error), *finding_lines(error))
        return BAD_CALL
    except TyperException as error:
        _complain(f"{error.format_message().rstrip('.')}. Remedy: onemap --help lists verbs and options.")
        return BAD_CALL
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted")
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _complain(first: str, *more: str) -> None:
    typer.echo("\n".join((f"onemap: {first}", *more)), err=True)


def main() -> None:
    """Entry point of the `onemap` program."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
