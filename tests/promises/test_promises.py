"""The sentences of the README's promises, and the tests of each."""

from __future__ import annotations

import pytest

from support.other_promises import OTHER_PROMISES
from support.promised_completeness import COMPLETE
from support.readme_promises import functions_of, promises_section

_HERE: dict[str, tuple[str, ...]] = {
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
    "In Spark, a number is exact in a column `DECIMAL(38, 9)`; one that needs more digits is kept in "
    "`extra`.": (
        "spark/test_source.py::test_numbers_are_exact_or_in_extra",
        "spark/test_typed_values.py::test_random_records_lose_no_value",
    ),
    "The bulk loader leaves the same tables and values as target-postgres, with numbers to the last digit, "
    "and target-postgres goes on from its state.": (
        "warehouses/test_bulk.py::test_the_tables_are_those_of_the_loader_and_so_are_the_rows",
        "warehouses/test_bulk.py::test_values_land_as_by_the_loader_but_for_numbers_which_are_exact",
        "warehouses/test_bulk.py::test_the_target_goes_on_from_the_state_of_the_bulk_loader",
    ),
    "Some targets turn numbers into floats, but the tap does not: [What lands in your "
    "warehouse](docs/warehouses.md) shows the measured result, value by value.": (
        "warehouses/test_lives.py::test_what_is_documented_is_what_lands",
        "warehouses/test_lives.py::test_every_row_lands_once_with_every_value",
    ),
    # As fast as the API allows
    "The tap learns the limit from the API's headers, uses the documented burst (twice the rate for ten "
    "seconds), stays within `rate_limit_share`, and pauses the whole token after a 429.": (
        "unit/sumeru_api/test_rate_limiter.py::test_requests_run_at_the_limit_without_a_429",
        "unit/sumeru_api/test_rate_limit_headers.py::test_requests_burst_at_twice_the_rate_for_ten_seconds_then_keep_to_it",
        "unit/sumeru_api/test_rate_limiter.py::test_the_share_is_never_exceeded",
        "unit/sumeru_api/test_rate_limit_headers.py::test_a_429_pauses_the_token_as_long_as_stated_plus_jitter",
        "unit/sumeru_api/test_concurrency_limit.py::test_a_limit_of_concurrent_requests_refuses_few",
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
    "name, and a variable of the tap that is not read, is a warning.": (
        "promises/test_misspelt_names.py::test_a_misspelt_name_is_an_error",
        "promises/test_misspelt_names.py::test_any_other_unknown_name_is_a_warning",
        "promises/test_misspelt_names.py::test_a_misspelt_name_in_the_catalog_is_an_error",
        "promises/test_misspelt_names.py::test_a_replication_key_that_no_row_has_is_named_at_the_end",
        "promises/test_newcomer_mistakes.py::test_a_mistake_is_named_in_one_line",
        "unit/tap_sumeru/config/test_unknown_names.py::test_a_name_with_one_slip_resembles_it",
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
        "unit/tap_sumeru/sync/test_silence.py::test_there_are_never_31_seconds_without_a_line",
    ),
    "The log ends with one line per failure, after a summary for people and one line of JSON for alerts.": (
        "promises/test_seeing.py::test_the_log_ends_with_the_failures_and_the_summaries_come_before",
        "unit/tap_sumeru/sync/test_machine_summary.py::test_the_documentation_has_every_key",
    ),
}
PROMISES = COMPLETE | _HERE | OTHER_PROMISES


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
