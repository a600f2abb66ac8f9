//! What the in-memory API and a real kube-apiserver must both do: one list of checks over a
//! `kube::Client`. Each check is named by a sentence and has a namespace of its own.
//! It asserts what an operator can rely on, codes and reasons, never the wording of messages; and
//! only what holds without a controller manager.

mod deletion;
mod dry_runs;
mod objects;
mod secrets;
mod selectors;
mod subjects;
mod updates;
mod watchers;
mod watches;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;

/// One check: it gets a client and the name of an empty namespace.
pub type Check = fn(Client, String) -> BoxFuture<'static, Result<()>>;

/// No single check waits for anything longer than a few watch events.
const PATIENCE: Duration = Duration::from_secs(30);

macro_rules! checks {
    ($($module:ident: $($name:ident),+;)+) => {
        vec![$($((
            stringify!($name),
            (|client, namespace| Box::pin($module::$name(client, namespace))) as Check,
        )),+),+]
    };
}

/// Every check, with its name.
#[must_use]
pub fn all() -> Vec<(&'static str, Check)> {
    checks! {
        objects:
            a_created_object_has_uid_version_and_timestamp,
            a_taken_name_is_already_exists,
            an_absent_object_is_not_found,
            a_generated_name_starts_with_its_prefix,
            an_object_without_a_name_is_invalid,
            a_malformed_name_or_label_is_invalid,
            a_create_with_a_resource_version_is_refused,
            an_absent_namespace_is_not_found_on_create,
            a_body_for_another_namespace_is_a_bad_request,
            an_unknown_resource_is_not_found,
            a_definition_makes_its_kind_available,
            an_object_without_a_status_has_the_default_of_its_kind;
        updates:
            an_update_with_an_old_version_conflicts,
            an_update_of_a_custom_object_needs_a_version,
            an_update_of_an_absent_object_is_not_found,
            an_update_that_changes_nothing_keeps_the_version,
            an_update_with_another_uid_conflicts,
            a_merge_patch_sets_and_removes_fields,
            a_merge_patch_with_an_old_version_conflicts,
            a_merge_patch_with_another_uid_is_invalid,
            a_client_cannot_set_what_the_server_sets,
            an_update_of_an_absent_lease_creates_it,
            a_patch_of_an_unknown_type_is_refused,
            a_json_patch_tests_and_replaces,
            a_patch_of_an_absent_object_is_not_found,
            the_generation_rises_with_the_spec_only,
            a_status_write_changes_nothing_but_the_status,
            a_main_write_ignores_the_status,
            a_status_write_with_an_old_version_conflicts,
            a_kind_without_a_status_has_no_status_endpoint;
        deletion:
            a_delete_without_finalizers_removes_at_once,
            a_grace_period_does_not_delay_the_delete,
            a_finalizer_keeps_the_object_until_it_is_removed,
            a_finalized_update_lets_the_object_go,
            no_finalizer_is_added_to_an_ending_object,
            a_second_delete_of_an_ending_object_changes_nothing,
            a_delete_with_another_uid_conflicts,
            a_delete_with_an_old_version_conflicts,
            a_delete_of_an_absent_object_is_not_found,
            an_unqualified_finalizer_is_invalid,
            a_foreground_delete_waits_for_a_collector,
            a_background_delete_overrules_an_orphaning_one,
            a_collection_is_deleted_by_its_labels,
            a_terminating_namespace_refuses_creates_and_passes_updates,
            the_first_namespaces_cannot_be_deleted;
        secrets:
            string_data_is_merged_into_data,
            the_type_of_a_secret_defaults_and_is_immutable,
            an_immutable_secret_keeps_its_data_and_takes_metadata,
            a_secret_over_one_mebibyte_is_invalid,
            a_secret_of_exactly_one_mebibyte_is_stored,
            a_secret_type_demands_its_keys,
            a_value_that_is_not_base64_is_a_bad_request;
        dry_runs:
            a_dry_create_checks_everything_and_stores_nothing,
            a_dry_update_checks_everything_and_stores_nothing,
            a_dry_patch_checks_everything_and_stores_nothing,
            a_dry_delete_removes_nothing,
            a_dry_run_of_a_status_write_stores_nothing;
        selectors:
            labels_select_by_equality_and_by_set,
            fields_select_by_name,
            a_selectable_field_of_a_custom_kind_selects,
            an_unknown_field_selector_is_a_bad_request,
            pages_show_one_state,
            an_exact_list_shows_that_version,
            metadata_is_read_without_the_rest;
        subjects:
            a_self_review_is_answered,
            the_version_is_told;
        watches:
            a_watch_tells_add_change_and_delete_in_order,
            a_watch_resumes_after_a_version,
            a_watch_from_zero_starts_with_what_there_is,
            a_watch_follows_objects_into_and_out_of_its_selection,
            a_metadata_watch_shows_no_values,
            a_streaming_list_ends_with_a_marked_bookmark,
            a_watch_from_a_forgotten_version_is_told_410,
            a_watch_ends_after_its_timeout,
            a_deletion_event_carries_a_new_version;
        watchers:
            a_watcher_sees_what_was_there_and_what_comes,
            a_streaming_watcher_sees_the_same,
            a_metadata_watcher_follows_a_label,
            a_reflector_converges;
    }
}

/// Runs every check and names all that fail.
///
/// # Errors
///
/// When the server cannot be prepared, or at least one check fails.
pub async fn run(client: Client) -> Result<usize> {
    prepare(&client).await?;
    let checks = all();
    let mut failures = Vec::new();
    for (name, check) in &checks {
        if let Err(error) = run_one(&client, *check).await {
            failures.push(format!("{name}: {error:#}"));
        }
    }
    if failures.is_empty() {
        return Ok(checks.len());
    }
    bail!(
        "{} of {} checks fail:\n{}",
        failures.len(),
        checks.len(),
        failures.join("\n")
    )
}

/// Runs one check in a fresh namespace; [`prepare`] must have been called before.
///
/// # Errors
///
/// When the check fails or takes too long.
pub async fn run_one(client: &Client, check: Check) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let wanted = serde_json::from_value(json!({ "metadata": { "generateName": "conformance-" } }))?;
    let made = namespaces
        .create(&PostParams::default(), &wanted)
        .await
        .context("cannot create a namespace")?;
    let name = made.metadata.name.context("the namespace has no name")?;
    let outcome = tokio::time::timeout(PATIENCE, check(client.clone(), name.clone())).await;
    // Without a controller manager it stays Terminating; nothing waits for it.
    let _ = namespaces.delete(&name, &DeleteParams::default()).await;
    outcome.context("takes too long")?
}

/// Makes the kind that the checks use: `Widget` in `conformance.tokenwright.dev`.
///
/// # Errors
///
/// When the definition is refused or does not get established.
pub async fn prepare(client: &Client) -> Result<()> {
    objects::define(client, "widgets", "Widget").await
}
