//! The shape of the kinds, as the API server will read it.

use serde_json::Value;

use super::*;

fn schema(crd: &CustomResourceDefinition) -> Value {
    let crd = serde_json::to_value(crd).unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

#[test]
fn each_definition_fits_the_annotation_of_a_client_side_apply() {
    for crd in crds() {
        let size = serde_json::to_string(&crd).unwrap().len();
        assert!(size < 262_144, "{:?} has {size} bytes", crd.metadata.name);
    }
}

#[test]
fn each_kind_has_a_status_subresource_a_short_name_and_the_category() {
    for crd in crds() {
        let version = &crd.spec.versions[0];
        assert!(version.subresources.as_ref().unwrap().status.is_some());
        assert!(!crd.spec.names.short_names.as_ref().unwrap().is_empty());
        assert_eq!(
            crd.spec.names.categories.as_ref().unwrap(),
            &["tokenwright"]
        );
        assert_eq!(
            (crd.spec.group.as_str(), version.name.as_str()),
            (names::GROUP, names::VERSION)
        );
    }
}

#[test]
fn an_api_token_prints_ready_revision_expires_renews_and_age() {
    let crd = <ApiToken as kube::CustomResourceExt>::crd();
    let columns: Vec<_> = crd.spec.versions[0]
        .additional_printer_columns
        .as_ref()
        .unwrap()
        .iter()
        .filter(|column| column.priority.unwrap_or_default() == 0)
        .map(|column| (column.name.as_str(), column.type_.as_str()))
        .collect();
    // kubectl prints `<invalid>` for a date in the future, so those two are strings.
    let wanted = [
        ("Ready", "string"),
        ("Revision", "integer"),
        ("Expires", "string"),
        ("Renews", "string"),
        ("Age", "date"),
    ];
    assert_eq!(columns, wanted);
}

#[test]
fn what_would_lose_tokens_cannot_be_changed() {
    let spec =
        &schema(&<ApiToken as kube::CustomResourceExt>::crd())["properties"]["spec"]["properties"];
    for (name, field) in [
        ("issuerRef", &spec["issuerRef"]),
        (
            "token.parameters",
            &spec["token"]["properties"]["parameters"],
        ),
        (
            "adopt.parameters",
            &spec["adopt"]["properties"]["parameters"],
        ),
        ("secret.name", &spec["secret"]["properties"]["name"]),
        ("secret.type", &spec["secret"]["properties"]["type"]),
    ] {
        let rules = field["x-kubernetes-validations"]
            .as_array()
            .unwrap_or_else(|| panic!("{name} has no rules"));
        assert!(
            rules.iter().any(|rule| rule["rule"] == "self == oldSelf"),
            "{name} can be changed"
        );
    }
    // A transition rule is skipped where a field appears or disappears, so these have defaults.
    assert_eq!(
        spec["token"]["properties"]["parameters"]["default"],
        serde_json::json!({})
    );
    assert_eq!(
        spec["adopt"]["properties"]["parameters"]["default"],
        serde_json::json!({})
    );
    assert_eq!(spec["secret"]["properties"]["type"]["default"], "Opaque");
}

#[test]
fn no_rule_sits_at_the_root_where_it_would_block_a_finalizer() {
    for crd in crds() {
        let schema = schema(&crd);
        assert_eq!(schema["x-kubernetes-validations"], Value::Null);
        assert_eq!(
            schema["properties"]["status"]["x-kubernetes-validations"],
            Value::Null
        );
    }
}

#[test]
fn the_lists_of_the_status_are_maps_by_the_key_that_identifies_an_item() {
    let status = &schema(&<ApiToken as kube::CustomResourceExt>::crd())["properties"]["status"]["properties"];
    for (list, keys) in [
        ("conditions", &["type"][..]),
        // An issuer may count its ids for each project.
        ("retiring", &["tokenID", "marker"]),
        ("revokes", &["tokenID", "marker"]),
        ("attempts", &["nonce"]),
    ] {
        assert_eq!(status[list]["x-kubernetes-list-type"], "map", "{list}");
        assert_eq!(
            status[list]["x-kubernetes-list-map-keys"],
            serde_json::json!(keys),
            "{list}"
        );
        let required = status[list]["items"]["required"].as_array().unwrap();
        for key in keys {
            assert!(
                required.iter().any(|name| name == key),
                "{list} does not require {key}"
            );
        }
    }
    assert_eq!(status["attempts"]["maxItems"], 8);
}

#[test]
fn every_field_of_a_specification_says_what_it_is_for() {
    fn check(path: &str, schema: &Value) {
        let Some(properties) = schema["properties"].as_object() else {
            return;
        };
        for (name, property) in properties {
            let path = format!("{path}.{name}");
            assert!(
                property["description"].is_string(),
                "{path} has no description"
            );
            check(&path, property);
        }
    }
    for crd in crds() {
        check("spec", &schema(&crd)["properties"]["spec"]);
    }
}

#[test]
fn no_definition_has_a_format_that_kubernetes_warns_of() {
    for crd in crds() {
        let text = serde_json::to_string(&crd).unwrap();
        let formats = text.split("\"format\":\"").skip(1);
        for format in formats.filter_map(|rest| rest.split('"').next()) {
            let known = ["int32", "int64", "double", "date-time", "duration"];
            assert!(known.contains(&format), "{}: {format}", crd.spec.names.kind);
        }
    }
}

/// What has no greatest size in a schema.
fn endless(path: &str, schema: &Value) -> Vec<String> {
    let missing = |bound: &str| schema[bound].is_null().then(|| format!("{path}: {bound}"));
    let within = |step: &str, of: &Value| endless(&format!("{path}{step}"), of);
    let mut found = Vec::new();
    match schema["type"].as_str() {
        Some("string") if schema["enum"].is_null() => found.extend(missing("maxLength")),
        Some("array") => {
            found.extend(missing("maxItems"));
            found.extend(within("[]", &schema["items"]));
        }
        Some("object") if schema["additionalProperties"].is_object() => {
            found.extend(missing("maxProperties"));
            found.extend(within("{}", &schema["additionalProperties"]));
        }
        _ => {}
    }
    for (name, of) in schema["properties"].as_object().into_iter().flatten() {
        found.extend(within(&format!(".{name}"), of));
    }
    found
}

#[test]
fn every_text_list_and_map_that_a_tenant_writes_has_a_greatest_size() {
    for crd in crds() {
        // One who writes these may do anything with the operator, and selectors are Kubernetes' own.
        if ["TokenProfile", "ClusterTokenIssuer"].contains(&crd.spec.names.kind.as_str()) {
            continue;
        }
        let found = endless("spec", &schema(&crd)["properties"]["spec"]);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn the_smallest_token_gets_its_defaults() {
    let spec: ApiTokenSpec = serde_json::from_value(serde_json::json!({
        "issuerRef": { "name": "scaleway" },
        "token": { "name": "ci", "lifetime": "90d" },
        "secret": { "name": "ci-token" },
    }))
    .unwrap();
    assert_eq!(spec.issuer_ref.kind, token::IssuerKind::TokenIssuer);
    assert_eq!(spec.secret.type_, "Opaque");
    assert_eq!(spec.deletion.policy, token::DeletionPolicy::Revoke);
    assert_eq!(spec.deletion.timeout.as_str(), "24h");
    assert_eq!(spec.state, token::State::Enabled);
    assert!(!spec.suspend);
}

#[test]
fn the_smallest_adoption_gets_its_defaults() {
    let spec: ApiTokenSpec = serde_json::from_value(serde_json::json!({
        "issuerRef": { "name": "seenode" },
        "adopt": { "valueFrom": { "secretRef": { "name": "from-the-console" } } },
        "secret": { "name": "seenode-token" },
    }))
    .unwrap();
    assert_eq!(spec.token, None);
    let adopt = spec.adopt.unwrap();
    assert_eq!(adopt.warn_before.as_str(), "30d");
    assert_eq!((adopt.token_id, adopt.expires_at), (None, None));
}

#[test]
fn an_object_from_before_adoption_is_read_as_it_was() {
    let spec = serde_json::json!({
        "issuerRef": { "kind": "TokenIssuer", "name": "scaleway" },
        "token": { "name": "ci", "parameters": {}, "scopes": [], "lifetime": "90d" },
        "rotation": {},
        "secret": { "name": "ci-token", "type": "Opaque", "keepPrevious": false },
        "state": "Enabled",
        "suspend": false,
        "deletion": { "policy": "Revoke", "timeout": "24h" },
    });
    let read: ApiTokenSpec = serde_json::from_value(spec.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), spec);
}

#[test]
fn the_api_server_and_the_lifecycle_read_the_same_durations() {
    assert_eq!(text::DURATION_PATTERN, tokenwright_core::duration::PATTERN);
}
