"""A command that cannot run is one line and a hint at the start, not a loop later."""

from __future__ import annotations

from pathlib import Path

import pytest

from autohealer.errors import UsageError
from autohealer.processes.launch.command import resolve_command


def script(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_name_is_searched_in_the_workers_own_path(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / "tool").mkdir()
    script(tmp_path / "b" / "tool", "#!/bin/sh\n")

    command = resolve_command(["tool", "-v"], {"PATH": f"{tmp_path}/a:{tmp_path}/b"}, "/")

    assert command.path == f"{tmp_path}/b/tool"
    assert command.argv == ("tool", "-v")


def test_relative_paths_begin_at_the_working_directory(tmp_path: Path) -> None:
    script(tmp_path / "tool", "#!/bin/sh\n")

    assert resolve_command(["./tool"], {}, str(tmp_path)).path == f"{tmp_path}/./tool"
    assert resolve_command(["tool"], {"PATH": ""}, str(tmp_path)).path == f"{tmp_path}/tool"


def test_without_a_path_the_usual_places_are_searched() -> None:
    assert resolve_command(["sh"], {}, "/").path.endswith("/bin/sh")


@pytest.mark.parametrize(
    ("name", "text", "mode", "message", "hint"),
    [
        ("missing", None, 0, "command not found: ./missing", "no file"),
        ("plain", "#!/bin/sh\n", 0o644, "not executable", "chmod +x"),
        ("bare", "echo hello\n", 0o755, "neither a program nor a script", "sh ./bare"),
        ("empty", "", 0o755, "neither a program nor a script", "#!/bin/sh"),
        ("orphan", "#!/missing/python -u\n", 0o755, "interpreter /missing/python, which does not exist", "install"),
        ("dos", "#!/bin/sh\r\n", 0o755, "no usable interpreter|does not exist", "first line"),
        ("nothing", "#!\n", 0o755, "no usable interpreter", "first line"),
    ],
)
def test_what_the_kernel_would_refuse(  # noqa: PLR0917 - a case is a row
    tmp_path: Path, name: str, text: str | None, mode: int, message: str, hint: str
) -> None:
    if text is not None:
        script(tmp_path / name, text, mode)

    with pytest.raises(UsageError, match=message) as caught:
        resolve_command([f"./{name}"], {}, str(tmp_path))

    assert hint in caught.value.hint
    assert "\n" not in str(caught.value) + caught.value.hint


def test_a_directory_is_no_command() -> None:
    with pytest.raises(UsageError, match="is a directory"):
        resolve_command(["/tmp"], {}, "/")  # noqa: S108 - any folder


def test_a_name_that_is_nowhere(tmp_path: Path) -> None:
    script(tmp_path / "tool", "#!/bin/sh\n")

    with pytest.raises(UsageError, match="command not found: tool") as caught:
        resolve_command(["tool"], {"PATH": "/nowhere"}, str(tmp_path))

    assert "./tool" in caught.value.hint


def test_no_command_at_all() -> None:
    for argv in ([], [""]):
        with pytest.raises(UsageError, match="no command"):
            resolve_command(argv, {}, "/")


def test_a_nul_character_is_refused() -> None:
    with pytest.raises(UsageError, match="NUL"):
        resolve_command(["sh", "a\0b"], {}, "/")


@pytest.mark.parametrize(("cwd", "message"), [("/missing", "does not exist"), ("/etc/passwd", "not a directory")])
def test_the_working_directory_must_be_one(cwd: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        resolve_command(["sh"], {}, cwd)

    assert "--cwd" in caught.value.hint
