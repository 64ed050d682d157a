//! The contract of `ports::Store`: one function per promise. Every engine must keep every one of them on a fresh, empty database.
//!
//! A promise that is broken panics. `every_promise!` lists them all, so that a test file can run each as a test of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a contract that is broken fails its test by a panic"
)]

pub mod changes;
pub mod claims;
pub mod counts;
pub mod erasures;
pub mod fixtures;
pub mod job_orders;
pub mod job_runs;
pub mod lists;
pub mod nouns;
pub mod races;
pub mod refreshes;
pub mod standings;

use std::sync::Arc;

/// Calls `$run!(module promise)` for every promise.
#[macro_export]
macro_rules! every_promise {
    ($run:ident) => {
        $run!(changes a_revision_is_written_once);
        $run!(changes a_missing_row_is_not_replaced);
        $run!(changes a_change_is_written_whole_or_not_at_all);
        $run!(changes the_last_setting_wins);
        $run!(changes an_agenda_moves_once_per_revision);
        $run!(changes a_name_has_one_owner);
        $run!(changes a_name_changes_hands_within_a_change);
        $run!(changes the_database_answers_and_can_be_written);
        $run!(nouns persons_come_back_as_they_were);
        $run!(nouns persons_are_found_by_any_address);
        $run!(nouns grants_come_back_as_they_were);
        $run!(nouns vacancies_come_back_as_they_were);
        $run!(nouns candidacies_come_back_as_they_were);
        $run!(nouns choices_come_back_as_they_were);
        $run!(nouns interviews_come_back_as_they_were);
        $run!(nouns feedback_comes_back_as_it_was);
        $run!(nouns links_come_back_as_they_were);
        $run!(nouns keys_and_sessions_are_found_by_hash);
        $run!(nouns accounts_come_back_as_they_were);
        $run!(nouns attempts_are_counted_one_at_a_time);
        $run!(nouns the_latest_use_is_remembered);
        $run!(nouns an_alert_lasts_until_it_ends);
        $run!(counts an_alert_waits_until_people_are_told);
        $run!(counts calls_of_all_nodes_add_up);
        $run!(counts lent_tokens_end_at_their_limit);
        $run!(counts jobs_grants_and_bookings_are_counted);
        $run!(refreshes refresh_tokens_are_counted_until_they_end);
        $run!(refreshes a_look_is_kept_as_it_was);
        $run!(refreshes a_gate_is_shut_until_it_opens);
        $run!(nouns a_mail_is_recorded_once);
        $run!(nouns the_log_comes_back_as_it_was);
        $run!(changes a_setting_can_be_taken_away_and_settings_are_listed);
        $run!(changes nothing_is_written_under_a_retired_key);
        $run!(lists live_links_are_counted);
        $run!(lists pages_follow_each_other);
        $run!(lists an_agenda_holds_what_overlaps);
        $run!(lists windows_and_attention_are_in_order);
        $run!(erasures erasures_come_back_as_they_were);
        $run!(erasures the_aged_are_those_without_an_open_vacancy);
        $run!(erasures a_sweep_takes_no_job_that_is_open_or_guards_an_interview);
        $run!(erasures a_sweep_takes_the_old_and_leaves_the_rest);
        $run!(standings several_people_are_found_in_the_order_they_were_asked_for);
        $run!(standings a_standing_changes_with_whatever_it_stands_for);
        $run!(claims a_cell_has_one_interview);
        $run!(claims a_part_of_a_cell_is_the_whole_cell);
        $run!(claims an_expired_hold_is_free);
        $run!(claims held_time_is_seen_until_it_ends);
        $run!(claims a_hold_becomes_a_booking);
        $run!(claims a_move_may_keep_what_it_had);
        $run!(claims a_move_releases_what_it_left);
        $run!(claims a_cancellation_releases_everything);
        $run!(job_runs what_is_sealed_is_listed_and_replaced);
        $run!(job_orders once_is_for_ever);
        $run!(job_orders an_open_order_wakes_the_open_job);
        $run!(job_orders a_job_may_order_itself_again);
        $run!(job_orders a_stream_runs_in_order);
        $run!(job_orders the_next_due_job_is_known);
        $run!(job_runs a_lease_is_held_by_one);
        $run!(job_runs a_lease_that_is_over_is_lost);
        $run!(job_runs a_job_ordered_again_while_running_is_repeated);
        $run!(job_runs a_retry_keeps_an_earlier_order);
        $run!(job_runs attempts_are_counted_and_forgotten);
        $run!(job_runs the_dead_are_listed_and_revived);
        $run!(races overlapping_claims_have_one_winner_per_cell);
        $run!(races a_daily_limit_of_one_holds);
        $run!(races crossing_holders_do_not_lock_up);
        $run!(races crossing_orders_do_not_lock_up);
        $run!(races racing_workers_run_each_job_once);
        $run!(races one_of_many_takes_a_name);
        $run!(races one_of_many_writes_a_revision);
    };
}

/// Runs every promise, each on a database of its own.
pub async fn run_all<F>(mut make: impl FnMut() -> F)
where
    F: Future<Output = Arc<dyn ports::Store>>,
{
    macro_rules! run {
        ($module:ident $promise:ident) => {
            $module::$promise(make().await).await
        };
    }
    every_promise!(run);
}
