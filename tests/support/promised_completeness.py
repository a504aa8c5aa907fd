"""The sentences of the README's first promise, complete, and the tests of each."""

from __future__ import annotations

COMPLETE: dict[str, tuple[str, ...]] = {
    "Every row that the API returns is emitted at least once.": (
        "promises/test_sync.py::test_a_first_sync_emits_every_row_once",
        "promises/test_sync.py::test_a_second_sync_emits_only_changed_rows_with_few_requests",
        "promises/test_sync.py::test_journeys_are_listed_once_per_run",
        "warehouses/test_lives.py::test_every_row_lands_once_with_every_value",
    ),
    "An empty page with a cursor does not end a list.": (
        "promises/test_failures.py::test_empty_pages_with_a_cursor_are_followed",
    ),
    "A list whose cursor expires is read again from its start; a cursor that is returned twice is an "
    "error.": (
        "promises/test_failures.py::test_an_expired_cursor_restarts_its_list",
        "promises/test_failures.py::test_an_invalid_response_fails_the_stream",
    ),
    "A 200 response with an error inside, pagination in an unknown form, or a list without progress fails "
    "its stream; none of them counts as the end of a list.": (
        "promises/test_different_api.py::test_a_success_that_is_an_error_is_retried_and_then_fails_its_stream",
        "promises/test_different_api.py::test_an_envelope_of_another_form_is_an_error_and_not_a_silent_first_page",
        "promises/test_different_api.py::test_a_list_that_goes_on_for_ever_without_progress_is_an_error",
        "promises/test_different_api.py::test_a_saved_cursor_that_is_refused_starts_the_read_over",
        "promises/test_different_api.py::test_a_saved_cursor_whose_page_has_no_pagination_starts_the_read_over",
    ),
    "A list that the API refuses to return to its end is read in smaller windows, down to single days, "
    "with a warning if these may leave out rows without a replication key; a page that the API fails to "
    "return is requested in smaller pages; where neither helps, the stream fails.": (
        "promises/test_depth_and_size.py::test_a_list_that_refuses_depth_is_read_in_smaller_windows",
        "promises/test_depth_and_size.py::test_a_list_of_all_rows_that_refuses_depth_is_read_in_windows",
        "promises/test_depth_and_size.py::test_a_day_that_is_too_deep_is_an_error_that_says_so",
        "promises/test_depth_and_size.py::test_pages_that_are_too_large_for_the_server_are_requested_smaller",
        "unit/tap_sumeru/extract/test_splitting.py::test_windows_that_are_split_until_they_fit_hold_every_day_once_and_in_order",
    ),
    "A journey whose enrollments answer 404 or 410 is skipped with a warning, and read in full once it "
    "answers again; after any other failure of one journey, all others are read before the stream fails.": (
        "promises/test_bad_parents.py::test_a_missing_journey_is_skipped_with_one_warning_that_counts",
        "promises/test_bad_parents.py::test_a_missing_journey_is_read_in_full_once_it_answers_again",
        "promises/test_bad_parents.py::test_any_other_failure_of_a_journey_lets_all_others_be_read_in_every_run",
        "promises/test_bad_parents.py::test_journeys_that_are_all_missing_fail_their_stream",
    ),
    "A bookmark is the time up to which all rows are written: it is never the value of a row, and never "
    "later than the server's clock when the read began.": (
        "promises/test_sync.py::test_the_bookmark_is_the_time_at_which_the_read_started",
        "promises/test_verification.py::test_a_row_dated_in_the_future_does_not_move_the_bookmark",
        "promises/test_verification.py::test_bookmarks_follow_the_servers_clock",
        "promises/test_verification.py::test_a_bookmark_in_the_future_is_moved_back",
        "unit/tap_sumeru/state/test_bookmarks.py::test_a_bookmark_moves_forward_only_and_never_past_the_present",
    ),
    "The API's date filter is documented for attribution only, so the tap uses it only while every "
    "returned row agrees with it: rows whose other dates lie outside the range prove the filter, rows "
    "without other dates make it plausible, and a row from outside the range refutes it.": (
        "promises/test_verification.py::test_a_backfill_and_the_next_sync_are_complete_whatever_the_filter_does",
        "promises/test_verification.py::test_a_filter_on_another_field_is_detected_and_remembered",
        "promises/test_verification.py::test_a_proven_filter_that_changes_loses_no_row",
        "promises/test_verification.py::test_a_crash_in_a_backfill_does_not_prove_its_filter",
        "unit/tap_sumeru/extract/test_filter_trust.py::test_one_row_from_outside_refutes_the_filter_and_discards_the_bookmark",
        "unit/tap_sumeru/extract/test_windows.py::test_the_requested_days_hold_the_window_in_any_time_zone",
    ),
    "A row that the date filter hides without a trace (the filter acts on a hidden date, or the row has "
    "no replication key or a future one), or that comes or changes late, with a replication key from "
    "before the last sync, is missing for at most `audit_days` (7 by default): then the tap reads the "
    "stream once without the filter and writes every row again, except in a backfill that has reached its "
    "`end_date`.": (
        "promises/test_late_rows.py::test_a_row_that_comes_late_comes_with_the_audit",
        "promises/test_audit.py::test_a_row_that_a_filter_on_a_hidden_date_leaves_out_comes_with_the_audit",
        "promises/test_audit.py::test_a_filter_on_a_nested_number_is_never_proven_and_loses_nothing",
        "promises/test_audit.py::test_a_row_without_a_replication_key_comes_with_the_audit",
        "promises/test_audit.py::test_a_row_dated_in_the_future_comes_with_the_audit",
        "promises/test_audit.py::test_an_audit_ends_the_trust_in_a_filter_that_has_come_to_leave_rows_out",
        "promises/test_audit.py::test_an_interrupted_audit_continues_at_its_cursor_and_leaves_the_bookmark",
        "promises/test_audit.py::test_a_filter_that_is_rejected_once_is_tried_again_after_an_audit",
        "unit/tap_sumeru/extract/test_audit.py::test_an_audit_is_due_within_the_interval_and_not_long_before",
    ),
    "If the API lists a stream only with the date filter, and rows that show no other date agree with the "
    "filter, the stream is read through it, and a warning says so.": (
        "promises/test_late_rows.py::test_a_list_that_requires_the_date_filter_is_read_through_it",
    ),
    "If the API refuses this audit or fails to answer, or its list is too deep, the next run tries again, "
    "and a warning says so.": (
        "promises/test_late_rows.py::test_an_audit_that_the_server_cannot_answer_is_left_to_the_next_run",
        "unit/tap_sumeru/extract/test_audit.py::test_an_audit_that_the_api_rejects_is_left_to_the_next_run",
        "promises/test_audit.py::test_an_audit_that_is_too_deep_is_left_to_the_next_run",
    ),
    "If a replication key has no time of day or no time zone, each sync starts earlier by as much as the "
    "key may be off, so that changes of the same day are not missed.": (
        "promises/test_coarse_keys.py::test_what_changes_after_a_sync_comes_with_the_next",
        "promises/test_coarse_keys.py::test_a_key_that_becomes_coarse_is_noticed_in_time",
    ),
    "After `kill -9`, a run that starts from the last STATE message loses nothing.": (
        "promises/test_interrupted.py::test_kill_9_loses_no_row",
        "promises/test_interrupted.py::test_an_interrupted_backfill_continues_at_the_first_incomplete_window",
        "promises/test_verification.py::test_an_interrupted_unfiltered_read_continues_from_its_cursor",
        "unit/tap_sumeru/state/test_validation.py::test_any_content_is_valid_or_rejected",
    ),
    "In Spark, records and state are committed together: after killed executors and drivers, the next sync "
    "into the bronze table loses nothing, and a commit holds a row twice only if the API has returned it "
    "twice.": (
        "spark/test_cluster.py::test_killed_executors_lose_nothing",
        "spark/test_cluster.py::test_a_driver_that_is_killed_four_times_loses_nothing",
        "spark/test_local.py::test_a_sync_in_slices_commits_each_and_ends_with_all_rows",
    ),
    "The [bulk loader](docs/backfill.md) writes a state once the rows before it are committed: killed at any "
    "point, it goes on without a lost row, and in PostgreSQL without a row twice.": (
        "warehouses/test_bulk_faults.py::test_kill_9_at_any_point_loses_no_row_and_doubles_none",
        "warehouses/test_bulk_faults.py::test_a_connection_that_breaks_keeps_what_is_committed",
        "warehouses/test_bulk.py::test_kill_9_of_the_tap_loses_nothing",
    ),
    "All of this holds in combination: in two thousand random series of runs, with random rows, changes, "
    "faults and kills, every row is emitted.": (
        "promises/test_complete.py::test_all_runs_of_a_random_life_together_emit_every_row",
        "promises/test_complete.py::test_lives_that_failed_before_are_complete",
    ),
    "The first STATE message of a run repeats the state that the run was given, because some loaders "
    "treat that message as already loaded.": (
        "promises/test_first_state.py::test_the_first_state_is_the_one_that_was_given",
        "promises/test_first_state.py::test_a_crash_of_a_pipelinewise_loader_loses_no_row",
    ),
    "If the number of shards changes, a shop that moves to another shard goes on from the bookmarks that "
    "`--merge` has taken along, or else is read from its start date, and the log says so.": (
        "promises/test_shards.py::test_with_merged_states_another_number_of_shards_goes_on_where_the_others_were",
        "promises/test_shards.py::test_without_it_a_shop_that_moves_is_read_in_full_with_a_line",
        "unit/tap_sumeru/state/test_merge.py::test_new_shards_have_each_bookmark_once_and_the_earliest",
        "unit/tap_sumeru/config/test_shards.py::test_a_shop_is_in_one_shard_and_moves_to_the_new_one_only",
    ),
    "A row without a replication key is emitted by every unfiltered read.": (
        "promises/test_verification.py::test_rows_without_a_readable_replication_key_are_always_emitted",
    ),
    "A row is identified by its id, and a child row by its parent and id; a row without an id by its natural "
    "key, or by its content if several rows of a read share that key; an included resource that nothing "
    "links to is kept in `extra`.": (
        "promises/test_different_rows.py::test_enrollments_that_are_numbered_per_journey_are_told_apart",
        "promises/test_different_rows.py::test_alike_enrollments_of_two_journeys_without_an_id_are_two_rows",
        "promises/test_different_rows.py::test_a_natural_key_that_is_not_unique_collapses_no_rows",
        "promises/test_different_rows.py::test_a_deselected_column_hides_nothing_else",
        "unit/tap_sumeru/extract/test_row_ids.py::test_no_two_different_rows_of_a_read_have_one_made_id",
        "unit/tap_sumeru/records/test_related_resources.py::test_no_included_resource_is_lost",
    ),
    "With `details`, a row whose own endpoint refuses or fails keeps the values of the list, and a "
    "warning counts such rows; the stream fails only if all details fail.": (
        "promises/test_different_details.py::test_one_row_without_a_usable_detail_stays_as_listed",
        "promises/test_different_details.py::test_a_stream_fails_if_all_details_do_and_its_bookmark_stays",
        "promises/test_different_details.py::test_what_a_detail_includes_is_kept",
        "promises/test_different_details.py::test_details_that_keep_failing_are_not_all_retried",
    ),
    "A `FULL_TABLE` read lets the target remove deleted rows only at its very end, and only if every shop "
    "was read completely.": (
        "promises/test_sync.py::test_a_full_table_read_activates_its_version_at_the_end",
        "warehouses/test_deletes.py::test_a_row_that_is_gone_is_dated_and_one_that_is_back_is_not",
        "warehouses/test_deletes.py::test_reads_that_are_not_whole_retire_no_row_of_any_shop",
        "warehouses/test_deletes.py::test_the_log_names_the_shop_that_holds_it_back",
    ),
}
