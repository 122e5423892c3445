"""Options that several commands share, so that one name always means one thing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from edgekit.cli.command import FILE
from edgekit.errors import UsageError
from edgekit.options import (
    ALL_LEVERS,
    LEVERS,
    PLAN_TIME,
    EmulatorChoice,
    Kernels,
    Lever,
    Observer,
    Optimize,
    Place,
    ToolchainChoice,
    allowed,
)

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def names_option(*flags: str, help: str) -> Decorator:
    """An option that takes names separated by commas; a config file gives the tuple itself."""

    def split(ctx: click.Context, param: click.Parameter, value: Any) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(part.strip() for part in str(value).split(","))
        if not all(names):
            raise click.BadParameter(f"'{value}' has an empty name; give names as a,b", ctx, param)
        return names

    return click.option(
        *flags, type=click.UNPROCESSED, callback=split, default=(), metavar="A,B", help=help
    )


signature_option = click.option(
    "--signature",
    default="",
    metavar="NAME",
    help="Which signature of a TFLite file.  [default: its first subgraph]",
)


def shape_option() -> Decorator:
    """``--shape NAME=1,3,224,224``, once for each input; a config file gives the same texts."""

    def parse(
        ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
    ) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for text in value:
            name, found, sizes = text.rpartition("=")
            parts = [part.strip() for part in sizes.split(",")]
            if not found or not name or not all(p.isdecimal() and int(p) > 0 for p in parts):
                what = f"'{text}' is no shape; give it as NAME=1,3,224,224"
                raise click.BadParameter(what, ctx, param)
            if name in shapes:
                raise click.BadParameter(f"'{name}' is given twice", ctx, param)
            shapes[name] = tuple(map(int, parts))
        return shapes

    return click.option(
        "--shape",
        multiple=True,
        callback=parse,
        metavar="NAME=N,N,...",
        help="Sizes of an ONNX input whose axes are open; may be given for each input.",
    )


def _bytes(text: object) -> int | None:
    """``64KiB`` as a number of bytes; None where it is no size."""
    number = re.fullmatch(r"(\d+)\s*(KiB|MiB|B)?", str(text).strip())
    return int(number[1]) * UNITS[number[2] or "B"] or None if number else None


def _memories(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for text in value:
        name, given, size = text.partition("=")
        if not name or (given and _bytes(size) is None):
            what = f"'{text}' is no memory; give it as NAME or NAME=64KiB"
            raise click.BadParameter(what, ctx, param)
        if name in found:
            raise click.BadParameter(f"'{name}' is given twice", ctx, param)
        found[name] = _bytes(size)
    return found


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    found = _bytes(value)
    if found is None:
        raise click.BadParameter(f"'{value}' is no size; give it as 64KiB", ctx, param)
    return found


def _choice(flag: str, choices: Sequence[str], default: str, help: str) -> Decorator:
    """An option with a few values; its default is shown."""
    return click.option(
        flag, type=click.Choice(choices), default=default, show_default=True, help=help
    )


UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2}
ram_option = click.option(
    "--ram",
    callback=_size,
    metavar="SIZE",
    help="RAM for arena and state, e.g. 64KiB; layers run in strips of rows where they must.",
)
memory_option = click.option(
    "--memory",
    multiple=True,
    callback=_memories,
    metavar="NAME[=SIZE]",
    help="Memory of the target that the arena may lie in, e.g. dtcm=64KiB; give each, the fastest "
    "first. Without a size: all that the board has there.",
)


def _weights(ctx: click.Context, param: click.Parameter, value: str) -> dict[str, int | None]:
    return {} if value == "flash" else _memories(ctx, param, (value,))


weights_option = click.option(
    "--weights",
    callback=_weights,
    default="flash",
    show_default=True,
    metavar="NAME[=SIZE]",
    help="Memory that constants are copied to at start and read from, e.g. dtcm=32KiB: those that "
    "are read most for each byte. Without a size: what the arena leaves of it.",
)
model_argument = click.argument("model", type=FILE)
folder_argument = click.argument("folder", metavar="OUT", type=FILE)
force_option = click.option(
    "-f", "--force/--no-force", default=False, help="Replace what is already there."
)
observer_option = _choice(
    "--observer",
    allowed(Observer),
    "minmax",
    "How calibration finds ranges.",
)
percentile_option = click.option(
    "--percentile",
    type=click.FloatRange(50, 100, min_open=True),
    default=99.99,
    show_default=True,
    help="For the percentile observer, in percent.",
)
kernels_option = _choice(
    "--kernels",
    allowed(Kernels),
    "fastest",
    "fastest: assembly where the target has it; portable: C alone.",
)
optimize_option = _choice(
    "--optimize",
    allowed(Optimize),
    "speed",
    "fastest: also kernels that pay for instructions with flash, where they save a twentieth of a "
    "layer's (Winograd: four times the weights of 3x3 layers); size: portable kernels compiled for "
    "size; balanced: speed without kinds of kernels that are not worth their code.",
)
plan_time_option = click.option(
    "--plan-time",
    type=click.FloatRange(0, 3600, min_open=True),
    default=PLAN_TIME,
    show_default=True,
    metavar="SECONDS",
    help="Time limit of the memory plan.",
)
toolchain_option = _choice(
    "--toolchain",
    allowed(ToolchainChoice),
    "auto",
    "Compiler; auto builds with every one present and keeps the better image.",
)
emulator_option = _choice(
    "--emulator",
    allowed(EmulatorChoice),
    "auto",
    "Emulator that runs the image; none skips that check.",
)
image_toolchain_option = _choice(
    "--toolchain",
    allowed(ToolchainChoice),
    "auto",
    "Compiler of the image; auto takes the one that convert chose.",
)
image_emulator_option = _choice(
    "--emulator",
    [name for name in allowed(EmulatorChoice) if name != "none"],
    "auto",
    "Emulator that runs the image; auto takes the first that can.",
)


def _levers(ctx: click.Context, param: click.Parameter, value: Any) -> tuple[Lever, ...]:
    """Levers as a config file gives them, or separated by commas; ``none`` for none."""
    names = value if isinstance(value, tuple) else tuple(str(value).split(","))
    names = () if names == ("none",) else names
    unknown = [name for name in names if name not in ALL_LEVERS]
    if unknown:
        choices = f"{', '.join(ALL_LEVERS)}, or none alone"
        raise click.BadParameter(f"'{unknown[0]}' is not one of: {choices}", ctx, param)
    return tuple(lever for lever in ALL_LEVERS if lever in names)


levers_option = click.option(
    "--levers",
    type=click.UNPROCESSED,
    callback=_levers,
    default=LEVERS,
    show_default=",".join(LEVERS),
    metavar="A,B",
    help="What the plan may use beside the place of each tensor: order (of the layers), in-place "
    "(results over operands), rows (results over rows already read), patches (layers in strips, "
    "for the smallest arena), or none.",
)


def calibration_option(*, required: bool) -> Decorator:
    """``--calibration``; ``quantize`` cannot do without."""
    return click.option(
        "--calibration",
        type=FILE,
        metavar="X.npz",
        required=required,
        help="Samples for quantization: arrays named as the inputs, or x.",
    )


def _load_plugins(ctx: click.Context, param: click.Parameter, value: tuple[Path, ...]) -> None:
    if value and ctx.get_parameter_source("plugin") is not ParameterSource.COMMANDLINE:
        raise UsageError("a plugin is loaded only where the command line names it")
    if value and not ctx.resilient_parsing:
        from edgekit.plugins import load_plugin

        for path in value:
            load_plugin(path)


plugin_option = click.option(
    "--plugin",
    type=FILE,
    multiple=True,
    expose_value=False,
    callback=_load_plugins,
    metavar="FILE.py",
    help="Load operators and kernels of your own. It is run as Python; may be given several times.",
)


def place_option(
    default: str,
    text: str = "Numpy reference, generated C on this machine, or the emulated core.",
) -> Decorator:
    """``--on reference|host|emulator``."""
    return click.option(
        "--on",
        type=click.Choice(allowed(Place)),
        default=default,
        show_default=True,
        help=text,
    )


def refuse_idle_percentile(observer: str) -> None:
    """Refuse ``--percentile`` on the command line where the observer does not look at it.

    Raises:
        UsageError: it would have no effect.
    """
    refuse_idle(observer != "percentile", "percentile", "without --observer percentile")


def refuse_idle(idle: bool, name: str, when: str) -> None:
    """Refuse an option on the command line that would have no effect.

    Args:
        idle: whether that is so.
        name: of its parameter.
        when: why, e.g. ``with --plan``.

    Raises:
        UsageError: it is idle and was given.
    """
    source = click.get_current_context().get_parameter_source(name)
    if idle and source is ParameterSource.COMMANDLINE:
        raise UsageError(f"--{name.replace('_', '-')} has no effect {when}")
