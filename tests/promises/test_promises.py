"""The sentences of the README's promises, and the tests of each."""

from __future__ import annotations

import pytest

from support.other_promises import OTHER_PROMISES
from support.readme_promises import functions_of, promises_section

PROMISES: dict[str, tuple[str, ...]] = {
    # Complete
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
    "no replication key or a future one) is missing for at most `audit_days` (7 by default): then the tap "
    "reads the stream once without the filter and writes every row again.": (
        "promises/test_audit.py::test_a_row_that_a_filter_on_a_hidden_date_leaves_out_comes_with_the_audit",
        "promises/test_audit.py::test_a_filter_on_a_nested_number_is_never_proven_and_loses_nothing",
        "promises/test_audit.py::test_a_row_without_a_replication_key_comes_with_the_audit",
        "promises/test_audit.py::test_a_row_dated_in_the_future_comes_with_the_audit",
        "promises/test_audit.py::test_an_audit_ends_the_trust_in_a_filter_that_has_come_to_leave_rows_out",
        "promises/test_audit.py::test_an_interrupted_audit_continues_at_its_cursor_and_leaves_the_bookmark",
        "promises/test_audit.py::test_a_filter_that_is_rejected_once_is_tried_again_after_an_audit",
        "unit/tap_sumeru/extract/test_audit.py::test_an_audit_is_due_within_the_interval_and_not_long_before",
    ),
    "If the API refuses this audit, or its list is too deep, the next run tries again, and a warning says "
    "so.": (
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
    "All of this holds in combination: in two thousand random lives of a shop, with random rows, changes, "
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
    # Exact
    "`487.20` is written as `487.20`, and an integer of 20 digits keeps all its digits.": (
        "promises/test_exact_numbers.py::test_a_fraction_keeps_its_text",
        "promises/test_exact_numbers.py::test_an_integer_keeps_its_text",
        "promises/test_exact_numbers.py::test_an_integer_beyond_64_bits_is_kept_in_extra",
        "unit/tap_sumeru/records/test_columnar.py::test_a_page_has_the_same_records_on_both_paths",
    ),
    "Timestamps are converted to UTC and end in `Z`.": (
        "promises/test_exact_timestamps.py::test_a_timestamp_is_converted_to_utc",
    ),
    "A field that the schema does not know, and a value of another type, are kept in `extra`.": (
        "promises/test_exact_values.py::test_a_value_of_another_type_is_kept_in_extra",
        "unit/tap_sumeru/records/test_record_builder.py::test_an_unknown_field_is_kept_in_extra_and_so_are_unknown_members",
        "unit/tap_sumeru/records/test_record_builder.py::test_any_row_gives_a_valid_record_and_nothing_is_lost",
    ),
    "A response body is decoded with the charset that it declares; a character that cannot be decoded "
    "becomes U+FFFD, and a warning counts them.": (
        "promises/test_different_charset.py::test_a_body_is_read_in_its_charset",
        "promises/test_different_charset.py::test_what_cannot_be_decoded_is_counted_and_said_once",
        "unit/sumeru_api/test_charset.py::test_what_was_written_in_a_charset_is_read",
    ),
    "A column that the catalog adds is filled, a type that the catalog sets is used, and a type that the "
    "tap cannot use is an error at the start.": (
        "promises/test_catalog_schema.py::test_a_column_has_the_type_that_the_catalog_sets",
        "promises/test_openapi_schema.py::test_20_random_changes_are_columns_and_a_sync_fills_them",
        "promises/test_catalog_schema.py::test_a_type_that_cannot_be_honoured_is_an_error_at_the_start",
        "promises/test_catalog_schema.py::test_a_field_that_an_older_catalog_does_not_know_is_kept_in_extra",
    ),
    "Every RECORD message has the keys and types of its SCHEMA message, also with flattening, a selection "
    "and stream maps.": (
        "unit/tap_sumeru/output/test_schema_and_records.py::test_records_have_the_keys_and_types_of_their_schema",
    ),
    "Some targets turn numbers into floats, but the tap does not: [What lands in your "
    "warehouse](docs/warehouses.md) shows the measured result, value by value.": (
        "warehouses/test_lives.py::test_what_is_documented_is_what_lands",
        "warehouses/test_lives.py::test_every_row_lands_once_with_every_value",
    ),
    # As fast as the API allows
    "The tap learns the limit from the API's headers, uses the documented burst, stays within "
    "`rate_limit_share`, and pauses the whole token after a 429.": (
        "unit/sumeru_api/test_rate_limiter.py::test_requests_run_at_the_limit_without_a_429",
        "unit/sumeru_api/test_rate_limit_headers.py::test_requests_burst_at_twice_the_rate_for_ten_seconds_then_keep_to_it",
        "unit/sumeru_api/test_rate_limiter.py::test_the_share_is_never_exceeded",
        "unit/sumeru_api/test_rate_limit_headers.py::test_a_429_pauses_the_token_as_long_as_stated_plus_jitter",
        "unit/sumeru_api/test_in_flight.py::test_a_limit_of_concurrent_requests_refuses_few",
        "unit/sumeru_api/test_rate_headers.py::test_a_cached_response_teaches_nothing_and_costs_nothing",
    ),
    "If the rate limit demands a wait of more than 15 minutes, or delays one request for two hours in "
    "all, the shop fails, and the message says when to run again.": (
        "promises/test_hostile_api.py::test_a_limit_of_a_day_fails_its_shop_at_once_and_no_other",
        "promises/test_hostile_api.py::test_sixty_refusals_without_a_wait_are_waited_out",
        "unit/sumeru_api/test_client.py::test_a_request_that_is_refused_is_sent_again_at_growing_intervals",
        "unit/sumeru_api/test_retry.py::test_the_same_request_is_not_refused_for_ever",
    ),
    # Isolated
    "A refused token fails its shop, and a missing scope fails the streams that need it; all others "
    "complete, the bookmarks of what failed stay, the log ends with one line per failure that says what "
    "to do, and the exit code is 1.": (
        "promises/test_isolated_streams.py::test_a_token_without_a_scope_fails_the_streams_that_need_it",
        "promises/test_isolated_streams.py::test_a_lasting_fault_of_one_stream_leaves_the_others_complete",
        "promises/test_isolated_streams.py::test_each_failure_is_one_line_with_its_cause_and_what_to_do",
    ),
    "A host that does not respond fails its shop after `max_retries`, and does not slow down other shops.": (
        "promises/test_isolated_hosts.py::test_an_unreachable_host_fails_only_its_shop_in_one_line",
        "promises/test_isolated_hosts.py::test_many_shops_that_hang_from_the_start_do_not_delay_the_others",
        (
            "promises/test_many_shops.py::test_all_other_shops_complete_while_some_are_silent"
            "_in_one_event_loop_and_in_flat_memory"
        ),
    ),
    # Private
    "No token and no customer data appear in logs, errors or state; see [SECURITY.md](SECURITY.md).": (
        "promises/test_private.py::test_private_values_of_the_api_are_written_to_records_only",
        "promises/test_private.py::test_a_bug_in_the_tap_is_reported_by_its_location_without_values",
        "promises/test_hostile_api.py::test_a_hostile_error_is_cut_and_holds_no_control_characters",
        "unit/sumeru_api/test_redaction.py::test_nothing_of_a_private_value_is_left_wherever_it_stands",
        "promises/test_network.py::test_the_token_is_not_sent_to_a_redirect_target",
        "promises/test_network.py::test_certificates_are_always_verified",
    ),
    "The setting `pii` [hashes or drops](docs/privacy.md) every column that is marked as personal, in every "
    "output stream, also a column that discovery has learned or a later version marks, unless a stream map "
    "of yours covers it.": (
        "promises/test_pii_setting.py::test_no_personal_data_is_in_the_records",
        "promises/test_pii_setting.py::test_learned_columns_are_covered",
        "promises/test_pii_setting.py::test_a_catalog_of_an_older_version_leaves_nothing_uncovered",
        "promises/test_pii_setting.py::test_a_map_of_the_user_wins_with_a_line",
        "unit/tap_sumeru/output/test_private_maps.py::test_no_map_of_any_form_lets_a_personal_value_through",
        "promises/test_pii.py::test_with_the_documented_stream_maps_no_personal_data_is_in_the_records",
        "promises/test_pii.py::test_without_stream_maps_personal_data_is_in_the_records",
    ),
    "A column that a stream map changes or removes has no copy in `extra`.": (
        "promises/test_pii.py::test_a_drifted_value_does_not_get_around_a_map_of_any_form",
        "unit/tap_sumeru/output/test_masked_columns.py::test_no_map_of_any_form_lets_a_drifted_value_through",
    ),
    "BATCH files on a local disk can be read by their owner only.": (
        "promises/test_batches.py::test_files_can_be_read_by_their_owner_only",
        "promises/test_batches.py::test_a_folder_that_exists_keeps_its_permissions",
    ),
    # Never silent
    "A misspelt setting, stream or column is an error that suggests the right name; any other unknown "
    "name is a warning.": (
        "promises/test_misspelt_names.py::test_a_misspelt_name_is_an_error",
        "promises/test_misspelt_names.py::test_any_other_unknown_name_is_a_warning",
        "promises/test_misspelt_names.py::test_a_misspelt_name_in_the_catalog_is_an_error",
        "promises/test_misspelt_names.py::test_a_replication_key_that_no_row_has_is_named_at_the_end",
        "promises/test_newcomer_mistakes.py::test_a_mistake_is_named_in_one_line",
        "unit/tap_sumeru/config/test_names.py::test_a_name_with_one_slip_resembles_it",
    ),
    "A stream map that removes a column which does not exist is an error.": (
        "promises/test_misspelt_names.py::test_a_map_that_drops_a_column_which_does_not_exist_is_an_error",
    ),
    "Shops that only the state knows are named in the log and kept unchanged in the state; so is "
    "everything that a newer version has written.": (
        "promises/test_state_files.py::test_shops_that_are_not_in_the_settings_are_named_once",
        "promises/test_state_files.py::test_what_a_newer_version_has_written_passes_through_unchanged",
        "promises/test_state_files.py::test_so_it_does_after_a_sync",
    ),
    "Every config, state and catalog either works or ends the run with one line that names the problem.": (
        "promises/test_random_inputs.py::test_any_config_works_or_is_named",
        "promises/test_random_inputs.py::test_any_state_works_or_is_named",
        "promises/test_random_inputs.py::test_any_catalog_works_or_is_named",
    ),
    "A run logs what it will read, and then at least every 31 seconds how far it is and what it is "
    "waiting for.": (
        "promises/test_seeing.py::test_a_long_list_shows_its_rows_requests_and_pages",
        "promises/test_seeing.py::test_a_windowed_read_shows_the_date_that_it_has_reached",
        "promises/test_seeing.py::test_a_pause_of_the_rate_limit_is_told_while_it_lasts",
        "promises/test_seeing.py::test_a_host_that_hangs_is_told_while_it_does",
        "promises/test_seeing.py::test_a_wait_before_a_retry_is_told_while_it_lasts",
        (
            "promises/test_seeing.py::test_a_target_that_does_not_read_is_told_while_it_lasts"
            "_and_during_a_slow_stop"
        ),
        "promises/test_seeing.py::test_a_shard_without_shops_is_told_and_complete",
        "unit/tap_sumeru/sync/test_heartbeat.py::test_there_are_never_more_than_31_seconds_without_a_call",
        "unit/tap_sumeru/sync/test_watch.py::test_there_is_always_a_line",
    ),
    "The log ends with one line per failure, after a summary for people and one line of JSON for alerts.": (
        "promises/test_seeing.py::test_the_log_ends_with_the_failures_and_the_summaries_come_before",
        "unit/tap_sumeru/sync/test_machine_summary.py::test_the_documentation_has_every_key",
    ),
} | OTHER_PROMISES


def test_the_table_has_every_sentence_of_the_readmes_promises() -> None:
    section = promises_section()
    for sentence in PROMISES:
        assert sentence in section
        section = section.replace(sentence, "")
    rest = section.strip()
    path = "tests/promises/test_promises.py"
    assert rest == f"[`{path}`]({path}) names the tests of each sentence."


@pytest.mark.parametrize("sentence", PROMISES, ids=lambda sentence: sentence[:40])
def test_the_tests_of_each_sentence_exist(sentence: str) -> None:
    for test in PROMISES[sentence]:
        file, _, name = test.partition("::")
        assert name in functions_of(file), test
