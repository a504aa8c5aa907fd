"""Promise 6, never silent: of two commands in one command line, none is silently left out."""

from __future__ import annotations

from itertools import combinations

import pytest

from support.in_process import BASE, Inputs, assert_rejected, partition, run_without_api, state

MODES = {
    "--check": (),
    "--test": (),
    "--estimate": (),
    "--reset": ("orders",),
    "--merge": ("state.json",),
    "--shops": (),
    "--discover": (),
}
"""By option: its value."""


@pytest.mark.parametrize("modes", list(combinations(MODES, 2)), ids=" ".join)
@pytest.mark.parametrize("order", [1, -1])
def test_two_commands_are_an_error_that_names_both(
    inputs: Inputs, modes: tuple[str, ...], order: int
) -> None:
    """`--check --discover` printed a catalog and checked nothing, with exit code 0."""
    options = [part for mode in modes[::order] for part in (mode, *MODES[mode])]
    with_state = ("--state", inputs.file("state", state(partition()))) if "--reset" in modes else ()
    output = run_without_api("--config", inputs.file("config", BASE), *options, *with_state)
    assert_rejected(output, ": cannot be combined with ", *modes)
    assert output.lines == []


@pytest.mark.parametrize("value", ["orders", "records", ""])
def test_an_unknown_value_of_test_is_an_error(inputs: Inputs, value: str) -> None:
    output = run_without_api("--config", inputs.file("config", BASE), f"--test={value}")
    assert output.code == 2
    assert output.lines == []
