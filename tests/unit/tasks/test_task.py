from __future__ import annotations

import copy
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.errors import InvalidInput
from kafka_tasks.project.directory import Project
from kafka_tasks.tasks import cluster as cluster_tasks
from kafka_tasks.tasks import task as task_module
from kafka_tasks.tasks.task import number
from kafka_tasks.testing import FakeRuntime
from tests.unit.tasks.conftest import Run


@given(value=st.integers(-(10**9), 10**9))
def test_whole_numbers_are_read(value: int) -> None:
    """What is a number is that number; what was not given is none."""
    assert number(str(value), "--tail") == value
    assert number(None, "--tail") is None


@pytest.mark.parametrize("value", ["abc", "1.5", "", " ", "1e3", "0x10", "9" * 5000])
def test_what_is_no_number_is_a_sentence(value: str) -> None:
    """The sentence has the flag and what was typed."""
    with pytest.raises(InvalidInput) as caught:
        number(value, "--partitions")
    assert caught.value.message == f"--partitions is {value!r}, which is not a whole number."


def test_ctrl_c_is_130(run: Run, runtime: FakeRuntime) -> None:
    """An interrupted task says so and exits with 130, in JSON too."""

    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    runtime.start = interrupt  # type: ignore[method-assign]
    ran = run("up")
    assert ran.code == 130
    assert ran.err.startswith("Error: Interrupted.")
    assert run("up -o json").document["error"]["code"] == "interrupted"


@pytest.mark.parametrize("number_", [signal.SIGTERM, signal.SIGHUP])
def test_termination_ends_a_task_as_ctrl_c_does(
    run: Run, runtime: FakeRuntime, number_: signal.Signals
) -> None:
    """SIGTERM and a closed terminal are an interrupt, and the handlers are put back."""
    before = signal.getsignal(number_)

    def terminate(*_: Any, **__: Any) -> Any:
        signal.raise_signal(number_)

    runtime.start = terminate  # type: ignore[method-assign]
    assert run("up").code == 130
    assert signal.getsignal(number_) == before


def test_every_task_has_output_with_its_short_flag() -> None:
    """-o belongs to --output in each task, and no other flag is shortened by Invoke."""
    from kafka_tasks.tasks import kafka

    for name in kafka.task_names:
        task: Any = kafka[name]
        flags = {flag for argument in task.get_arguments() for flag in argument.names}
        assert {"output", "o"} <= flags, name
        assert [flag for flag in flags if len(flag) == 1] == ["o"], name


def test_tasks_with_the_same_code_are_two() -> None:
    """A task equals itself alone."""
    one, other = cluster_tasks.up, cluster_tasks.down
    assert one == cluster_tasks.up and one != other
    assert len({one, other, one}) == 2


def test_help_speaks_of_flags_that_exist(run: Run) -> None:
    """Each task's help can be shown."""
    from kafka_tasks.tasks import kafka

    for name in kafka.task_names:
        ran = run(f"--help {name}")
        assert ran.code == 0 and "--output" in ran.out, name


def test_nobody_else_may_write_what_a_task_makes(tmp_path: Path) -> None:
    """A careless umask makes no difference, and is as it was afterwards."""
    before = os.umask(0)
    try:
        with task_module._no_foreign_writers():
            (tmp_path / "made").write_text("x")
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o644


def test_no_flag_takes_another_flag_as_its_optional_value(run: Run, project: Project) -> None:
    """Invoke's own --dry after such a flag is refused, and no file has its name."""
    from kafka_tasks.tasks import kafka

    flags = [
        (name, argument.names[0])
        for name in kafka.task_names
        for argument in kafka[name].get_arguments()
        if argument.optional
    ]
    assert ("doctor", "bundle") in flags
    for name, flag in flags:
        ran = run(f"{name} --{flag} --dry")
        assert ran.code == 3
        assert f"'--dry' after --{flag} looks like a flag" in ran.err
        assert f"Hint: invoke --help kafka.{name}" in ran.err
    assert not list(project.path.glob("*--dry*"))


def test_a_copied_flag_keeps_its_values_apart() -> None:
    """A value given to the copy is none of the original, a list of values neither."""
    from kafka_tasks.tasks import topic

    for name in ("partitions", "config"):
        (flag,) = [one for one in topic.create.get_arguments() if one.name == name]
        copied = copy.deepcopy(flag)
        assert copied.value == flag.value and type(copied) is type(flag)
        copied.value = "3"
        assert flag.got_value is False and copied.got_value is True
    copied.value.append("4")
    assert flag.value == []


def test_a_task_writes_bytecode_as_python_was_told(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invoke's ban does not hold for what a task imports, and is back after it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    seen: list[bool] = []

    def stop(*_: Any, **__: Any) -> Any:
        seen.append(sys.dont_write_bytecode)
        raise KeyboardInterrupt

    runtime.start = stop  # type: ignore[method-assign]
    run("up")
    assert seen == [bool(sys.flags.dont_write_bytecode)]
    assert sys.dont_write_bytecode is True
