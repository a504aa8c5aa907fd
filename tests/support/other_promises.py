"""The sentences of the README's promises about exit codes and the target, and the tests of each."""

from __future__ import annotations

_FOLDER = "promises/target/"


def _tests(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{_FOLDER}{file}.py::test_{name}" for name in names)


OTHER_PROMISES: dict[str, tuple[str, ...]] = {
    "This is about [target-sumeru](docs/target.md).": _tests(
        "test_bite", "every_test_of_the_writes_fails_for_a_target_that_does_nothing"
    ),
    "After a run, the shop has the last value of each row that was not rejected or held, unless someone has "
    "changed it in Sumeru since the last run, which only `compare: api` notices; the next run writes a row "
    "again whose outcome is unknown.": (
        *_tests(
            "test_writes",
            "the_last_row_of_a_key_wins_within_a_run_and_across_runs",
            "a_change_of_unknown_outcome_does_not_leave_the_row_unchanged_next_time",
            "compare_api_notices_changes_made_elsewhere",
        ),
        *_tests("test_different_api", "a_write_that_is_applied_but_answered_with_500_happens_once"),
    ),
    "Rows are created once, through kills and lost answers, as long as the ledger or a unique name "
    "survives.": _tests(
        "test_creations",
        "rows_are_created_once",
        "twenty_campaigns_stay_twenty",
        "a_lost_ledger_makes_no_second_row",
        "an_unknown_outcome_is_settled_by_the_next_run",
    ),
    "A campaign is launched at most once, and only if `launch` allows it and the launch was asked for within "
    "24 hours.": _tests(
        "test_launches",
        "campaigns_are_launched_once",
        "without_permission_nothing_is_launched",
        "a_launch_that_was_asked_for_at_another_time_is_refused",
        "an_unknown_outcome_is_never_repeated_after_a_day",
    ),
    "A plan writes nothing, and it is what a run then writes; more than `max_writes` or `max_changed_share` "
    "allows is not written at all.": _tests(
        "test_limits",
        "a_plan_writes_nothing_and_releases_no_state",
        "what_is_planned_is_what_is_then_written",
        "a_plan_over_a_limit_writes_nothing",
    ),
    "Each STATE is passed on once all rows before it have reached the shop.": _tests(
        "test_states",
        "a_rejected_row_holds_back_every_state_behind_it",
        "a_signal_ends_the_run_after_the_requests_in_flight",
        "a_killed_run_has_not_released_a_state_too_early",
    ),
    "What the tap reads can be piped back, and nothing changes; with a new ledger the rows are sent again, "
    "which may revert edits made since the read, so set `compare: api` then.": _tests(
        "test_round_trip", "the_output_of_the_tap_writes_nothing"
    ),
    "No value of a row appears in logs, STATE, report or ledger.": _tests(
        "test_private",
        "errors_that_quote_the_request_are_not_repeated",
        "written_rows_leave_only_hashes",
        "a_line_that_cannot_be_used_is_one_clear_error_and_nothing_is_written",
    ),
    # Exit codes
    "Exit codes: 0 if all selected streams are complete; 1 if something failed; 2 if an option "
    "of the command line is not valid; 143 or 130 if the run was "
    "stopped by SIGTERM or SIGINT, after the current page and a last STATE message, or at once by a "
    "second signal.": (
        "promises/test_interrupted.py::test_a_signal_ends_the_run_after_the_current_page_with_a_last_state",
        "promises/test_interrupted.py::test_a_second_signal_ends_a_run_whose_target_has_stopped_reading",
        "promises/test_interrupted.py::test_a_target_that_exits_is_reported_in_one_line",
    ),
}
"""Each sentence with its tests."""
