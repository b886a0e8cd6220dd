"""One schema: an option means the same on the command line, in the environment and in a file."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from autohealer.cli.commands.run import command
from autohealer.config.kinds import FilePath, Flag
from autohealer.config.load import load
from autohealer.config.options import Field
from autohealer.config.schema import AGENT_FIELDS, FIELDS, Configuration
from autohealer.errors import UsageError

TYPED = {name: field for name, field in FIELDS.items() if field.variable is not None}
# What only makes sense beside another option.
WITH = {
    "progress_busy": {"progress_http": "http://127.0.0.1:9100/metrics#jobs"},
    "http_host": {"http": "127.0.0.1:8080"},
}


def example(field: Field) -> str:
    if isinstance(field.option.kind, Flag):
        return "true"
    return field.option.example or field.default_text


def by_command_line(words: list[str]) -> Configuration:
    context = command.make_context("run", ["1", *words, "--", "sleep", "1"])
    found = command.arguments(context)["configuration"]
    assert isinstance(found, Configuration)
    return found


def value(configuration: Configuration, name: str) -> Any:
    return getattr(configuration.agent if name in AGENT_FIELDS else configuration.pools[0], name)


@pytest.mark.parametrize("name", [name for name in TYPED if name not in ("pool", "port_base", "env_file")])
def test_it_means_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its example, or its default, as it is typed."""
    for field in FIELDS.values():
        if field.variable is not None:
            monkeypatch.delenv(field.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    field, text = FIELDS[name], example(FIELDS[name])
    beside = dict(WITH.get(name, {}))
    if "{port}" in text:
        beside["port_base"] = "8000"
    words = [word for other, one in beside.items() for word in (FIELDS[other].typed, one)]

    typed = [field.typed] if isinstance(field.option.kind, Flag) else [field.typed, text]
    by_words = value(by_command_line([*words, *typed]), name)
    monkeypatch.setenv(str(field.variable), shlex.quote(text) if field.option.many else text)
    by_variable = value(by_command_line(words), name)
    monkeypatch.delenv(str(field.variable))
    by_file = value(of_file(tmp_path, {name: text, **beside}), name)

    if isinstance(field.option.kind, FilePath):
        by_file = str(Path(by_file).relative_to(tmp_path)) if not Path(text).is_absolute() else by_file
    assert by_words == by_variable == by_file


def of_file(directory: Path, texts: dict[str, str]) -> Configuration:
    lines = ["[defaults]", "workers = 1", 'command = "sleep 1"']
    for name, text in texts.items():
        field = FIELDS[name]
        plain = text if isinstance(field.option.kind, Flag) else json.dumps(text)
        lines.append(f"{field.key} = [{plain}]" if field.option.many else f"{field.key} = {plain}")
    (directory / "a.toml").write_text("\n".join([*lines, "[pools.a]", ""]))
    try:
        return load(directory / "a.toml", {}).configuration
    except UsageError as error:
        pytest.fail(f"{error}")
