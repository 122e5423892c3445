"""edgekit.toml: every option, every error at once, the command line wins."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import click
import pytest

from edgekit.cli.app import cli
from edgekit.config import Config, command_sections, load_config, section_values, template
from edgekit.errors import UsageError
from tests.cli.conftest import FakeApi, Runner


def write(folder: Path, text: str) -> Path:
    path = folder / "edgekit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_error_at_once(tmp_path: Path, edgekit_cli: Runner) -> None:
    path = write(
        tmp_path,
        '[convert]\nroundng = "x"\nrounding = "up"\npercentile = "9"\nvectors = 0\n'
        "[run]\ncarry_state = 1\n[flash]\nport = 1\n",
    )
    result = edgekit_cli("convert", "--config", path)
    assert result.exit_code == 2
    for part in (
        "convert.roundng: unknown key",
        "Did you mean 'rounding'?",
        "convert.rounding: ",
        "'litert', 'tflm'",
        "convert.percentile: ",
        "convert.vectors: ",
        "run.carry_state: ",
        "flash: unknown section",
    ):
        assert part in result.stderr, part


@pytest.mark.parametrize("text", ["[convert", "a = \n", "\x00", "convert = 3"])
def test_damaged_files(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_config(write(tmp_path, text))


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not TOML"):
        load_config(tmp_path / "b.toml")


def test_file_gives_arguments_and_options(
    tmp_path: Path, api: FakeApi, edgekit_cli: Runner
) -> None:
    path = write(
        tmp_path,
        '[convert]\nmodel = "m.onnx"\ntarget = "cortex-m4"\nout = "out"\nvectors = 9\n'
        'outputs = ["a", "b"]\nforce = true\nrequire_emulator = true\n',
    )
    result = edgekit_cli("convert", "--config", path)
    assert result.exit_code == 0, result.stderr
    assert api.last["model"] == tmp_path / "m.onnx", "relative to the file"
    assert api.last["out"] == tmp_path / "out"
    assert api.last["outputs"] == ("a", "b")
    assert api.last["vectors"] == 9
    assert api.last["force"] is True
    assert api.last["toolchain"] == "auto"


def test_command_line_wins(tmp_path: Path, api: FakeApi, edgekit_cli: Runner) -> None:
    path = write(
        tmp_path, '[convert]\nmodel = "m.onnx"\ntarget = "cortex-m4"\nout = "o"\nforce = true\n'
    )
    line = ("convert", "other.onnx", "--target", "cortex-m7", "--no-force", "--config", path)
    assert edgekit_cli(*line).exit_code == 0
    assert api.last["model"] == Path("other.onnx")
    assert api.last["target"] == "cortex-m7"
    assert api.last["force"] is False


def test_absolute_paths_stay(tmp_path: Path) -> None:
    path = write(tmp_path, '[run]\ninput = "/data/x.npz"\non = "host"\n')
    assert section_values(path, "run") == {"input": "/data/x.npz", "on": "host"}


@pytest.mark.parametrize("section", list(command_sections()))
def test_a_section_has_every_option_of_its_command(section: str) -> None:
    command = cli.get_command(click.Context(cli), section)
    assert command is not None
    common = {"json_", "quiet", "debug", "config"}
    common.add("plugin")  # is code: only the command line may name it
    options = {p.name for p in command.params} - common
    kind = Config.model_fields[section].annotation
    assert options == set(getattr(kind, "model_fields", {}))


@pytest.mark.parametrize("section", list(command_sections()))
def test_defaults_are_those_of_the_command(section: str) -> None:
    command = cli.get_command(click.Context(cli), section)
    assert command is not None
    kind = getattr(Config(), section)
    for option in command.params:
        if isinstance(option, click.Option) and option.name in type(kind).model_fields:
            given = getattr(kind, option.name)
            if given not in (None, ()):
                assert option.default == given, option.name


def test_template_is_right_once_filled_in(tmp_path: Path) -> None:
    text = template()
    assert tomllib.loads(text).keys() == command_sections().keys()
    lines = [line.removeprefix("# ") for line in text.splitlines()[1:]]
    filled = load_config(write(tmp_path, "\n".join(lines)))
    for name in command_sections():
        section = getattr(Config(), name)
        for key, default in section:
            given = getattr(getattr(filled, name), key)
            assert given == default or (default is None and given), f"{name}.{key}"


def test_uncommented_template_is_checked_and_used(
    tmp_path: Path, api: FakeApi, edgekit_cli: Runner
) -> None:
    lines = [line.removeprefix("# ") for line in template().splitlines()[1:]]
    path = write(tmp_path, "\n".join(lines))
    assert edgekit_cli("config", "--check", path).exit_code == 0
    result = edgekit_cli("convert", "--config", path)
    assert result.exit_code == 0, result.stderr


def test_check_knows_targets(tmp_path: Path, edgekit_cli: Runner) -> None:
    path = write(tmp_path, '[convert]\ntarget = "cortex-m44"\n[inspect]\ntarget = "z80"\n')
    result = edgekit_cli("config", "--check", path)
    assert result.exit_code == 2
    for part in ("convert.target: target 'cortex-m44' is unknown", "inspect.target: target 'z80'"):
        assert part in result.stderr


def test_schema_and_check(tmp_path: Path, edgekit_cli: Runner) -> None:
    schema = json.loads(edgekit_cli("config", "--schema").stdout)
    assert schema["additionalProperties"] is False
    assert schema["properties"].keys() == Config.model_fields.keys()
    assert "schema_version" not in schema
    versioned = json.loads(edgekit_cli("config", "--schema", "--json").stdout)
    assert versioned == {"schema_version": 1, **schema}
    good = write(tmp_path, "[convert]\nvectors = 2\n")
    assert edgekit_cli("config", "--check", good).exit_code == 0
    raw = json.loads(edgekit_cli("config", "--check", good, "--json").stdout)
    assert raw["config"] == {"convert": {"vectors": 2}}
    good.write_text("[convert]\nvectors = -2\n", encoding="utf-8")
    assert edgekit_cli("config", "--check", good).exit_code == 2
