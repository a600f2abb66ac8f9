//! Lists: selectors, pages, metadata only.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PartialObjectMeta, VersionMatch};
use kube::{Client, ResourceExt as _};
use serde_json::json;

use super::objects::{make_secret, make_widget, refused, secrets, widgets};

async fn names(api: &Api<DynamicObject>, params: &ListParams) -> Result<Vec<String>> {
    let list = api.list(params).await?;
    Ok(list.items.iter().map(|item| item.name_any()).collect())
}

pub(super) async fn labels_select_by_equality_and_by_set(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    for (name, labels) in [
        ("a", json!({ "color": "red", "size": "small" })),
        ("b", json!({ "color": "blue", "size": "large" })),
        ("c", json!({ "color": "green" })),
        ("d", json!({})),
    ] {
        make_widget(&api, name, json!({ "metadata": { "labels": labels } })).await?;
    }
    for (selector, expected) in [
        ("color=red", "a"),
        ("color==red", "a"),
        ("color!=red", "b c d"),
        ("color in (red, blue)", "a b"),
        ("color notin (red,blue)", "c d"),
        ("color", "a b c"),
        ("!color", "d"),
        ("color,size", "a b"),
        ("color in (red,green),!size", "c"),
        ("color=red,size=large", ""),
    ] {
        let found = names(&api, &ListParams::default().labels(selector)).await?;
        ensure!(found.join(" ") == expected, "{selector} finds {found:?}");
    }
    for selector in ["color is red", "color=red blue", "color=red-", "a/b/c=d"] {
        let broken = api.list(&ListParams::default().labels(selector)).await;
        refused(broken, 400, "BadRequest").context(selector)?;
    }
    Ok(())
}

pub(super) async fn fields_select_by_name(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    for name in ["a", "b"] {
        make_widget(&api, name, json!({})).await?;
    }
    let found = names(&api, &ListParams::default().fields("metadata.name=b")).await?;
    ensure!(found == ["b"], "finds {found:?}");
    let fields = format!("metadata.name!=b,metadata.namespace={ns}");
    let found = names(&api, &ListParams::default().fields(&fields)).await?;
    ensure!(found == ["a"], "finds {found:?}");
    Ok(())
}

pub(super) async fn a_selectable_field_of_a_custom_kind_selects(
    client: Client,
    ns: String,
) -> Result<()> {
    let api = widgets(&client, &ns);
    for (name, color) in [("a", "red"), ("b", "blue")] {
        make_widget(&api, name, json!({ "spec": { "color": color } })).await?;
    }
    make_widget(&api, "c", json!({})).await?;
    let found = names(&api, &ListParams::default().fields("spec.color=blue")).await?;
    ensure!(found == ["b"], "finds {found:?}");
    let found = names(&api, &ListParams::default().fields("spec.color!=blue")).await?;
    ensure!(found == ["a", "c"], "finds {found:?}");
    Ok(())
}

pub(super) async fn an_unknown_field_selector_is_a_bad_request(
    client: Client,
    ns: String,
) -> Result<()> {
    let params = ListParams::default().fields("spec.size=1");
    refused(widgets(&client, &ns).list(&params).await, 400, "BadRequest")
}

pub(super) async fn pages_show_one_state(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    for name in ["a", "b", "c", "d", "e"] {
        make_widget(&api, name, json!({})).await?;
    }
    let first = api.list(&ListParams::default().limit(2)).await?;
    ensure!(
        first.metadata.remaining_item_count == Some(3),
        "{:?}",
        first.metadata
    );
    api.delete("d", &DeleteParams::default()).await?;
    make_widget(&api, "f", json!({})).await?;
    let mut found: Vec<String> = first.items.iter().map(|item| item.name_any()).collect();
    let version = first.metadata.resource_version;
    let mut token = first.metadata.continue_;
    while let Some(next) = token.filter(|token| !token.is_empty()) {
        let page = api
            .list(&ListParams::default().limit(2).continue_token(&next))
            .await?;
        ensure!(
            page.metadata.resource_version == version,
            "the pages differ in version"
        );
        found.extend(page.items.iter().map(|item| item.name_any()));
        token = page.metadata.continue_;
    }
    ensure!(
        found == ["a", "b", "c", "d", "e"],
        "the pages show {found:?}"
    );
    Ok(())
}

pub(super) async fn an_exact_list_shows_that_version(client: Client, ns: String) -> Result<()> {
    let api = widgets(&client, &ns);
    let one = make_widget(&api, "one", json!({})).await?;
    make_widget(&api, "two", json!({})).await?;
    let at = |version: &str| {
        ListParams::default()
            .at(version)
            .matching(VersionMatch::Exact)
    };
    let version = one.resource_version().context("no version")?;
    let found = names(&api, &at(&version)).await?;
    ensure!(found == ["one"], "finds {found:?}");
    // Whether a much older version is still told depends on the last compaction.
    Ok(())
}

pub(super) async fn metadata_is_read_without_the_rest(client: Client, ns: String) -> Result<()> {
    let api = secrets(&client, &ns);
    let more = json!({ "metadata": { "labels": { "a": "1" } }, "stringData": { "a": "hidden" } });
    make_secret(&api, "one", more).await?;
    make_secret(&api, "two", json!({})).await?;
    let metadata: Api<PartialObjectMeta<Secret>> = Api::namespaced(client.clone(), &ns);
    let one = metadata.get("one").await?;
    let types = one.types.clone().context("no kind")?;
    ensure!(
        types.kind == "PartialObjectMetadata" && types.api_version == "meta.k8s.io/v1",
        "{types:?}"
    );
    let list = metadata.list(&ListParams::default().labels("a")).await?;
    ensure!(
        list.items.len() == 1 && list.items[0].name_any() == "one",
        "{:?}",
        list.items
    );
    ensure!(
        list.metadata.resource_version.is_some(),
        "the list has no version"
    );
    let raw = http::Request::get(format!("/api/v1/namespaces/{ns}/secrets"))
        .header(
            "accept",
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        )
        .body(Vec::new())?;
    let text = client.request_text(raw).await?;
    ensure!(!text.contains("aGlkZGVu"), "a value is shown");
    Ok(())
}
