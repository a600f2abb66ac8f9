//! The control plane itself: it serves, it refuses, it logs, and it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, RoleBinding, RoleRef, Subject};
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::{Api, Client};
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::wait_for;
use tokenwright_testbed::tools::Tools;

fn config_map(name: &str, value: &str) -> ConfigMap {
    ConfigMap {
        metadata: named(name),
        data: Some(BTreeMap::from([("key".to_owned(), value.to_owned())])),
        ..ConfigMap::default()
    }
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}

async fn create(client: Client, namespace: &str, object: &ConfigMap) -> kube::Result<ConfigMap> {
    Api::namespaced(client, namespace)
        .create(&PostParams::default(), object)
        .await
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(outcome: kube::Result<T>) {
    match outcome {
        Err(kube::Error::Api(status)) => assert_eq!(status.code, 403, "{status:?}"),
        other => panic!("this must be forbidden: {other:?}"),
    }
}

#[tokio::test]
async fn a_real_api_server_serves_a_round_trip() -> Result<()> {
    let control_plane = ControlPlane::shared(&Tools::find()?).await?;
    let namespace = control_plane.namespace().await?;
    let client = control_plane.admin().await?;
    let created = create(client.clone(), &namespace, &config_map("greeting", "hello")).await?;

    let config_maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    let read = config_maps.get("greeting").await?;
    assert_eq!(read.data, created.data);
    assert_eq!(read.metadata.uid, created.metadata.uid);

    config_maps
        .delete("greeting", &DeleteParams::default())
        .await?;
    assert_eq!(config_maps.get_opt("greeting").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_user_without_rights_is_refused() -> Result<()> {
    let control_plane = ControlPlane::shared(&Tools::find()?).await?;
    let namespace = control_plane.namespace().await?;
    let nobody = control_plane.client_for("nobody", &[]).await?;
    check_refused(create(nobody.clone(), &namespace, &config_map("theirs", "x")).await);
    let all: Api<ConfigMap> = Api::all(nobody);
    check_refused(all.list(&ListParams::default()).await);
    Ok(())
}

#[tokio::test]
async fn a_service_account_has_the_rights_of_its_role_and_no_others() -> Result<()> {
    let control_plane = ControlPlane::shared(&Tools::find()?).await?;
    let (allowed, other) = (
        control_plane.namespace().await?,
        control_plane.namespace().await?,
    );
    let group = format!("system:serviceaccounts:{allowed}");
    let account = control_plane
        .client_for(
            &format!("system:serviceaccount:{allowed}:operator"),
            &["system:serviceaccounts", &group, "system:authenticated"],
        )
        .await?;
    let admin = control_plane.admin().await?;

    // Through the second group, so that both are seen to arrive.
    allow_reading(admin.clone(), &allowed, &group).await?;
    let in_namespace: Api<ConfigMap> = Api::namespaced(account.clone(), &allowed);
    soon_allowed(&in_namespace).await?;
    check_refused(create(account.clone(), &allowed, &config_map("mine", "x")).await);
    let elsewhere: Api<ConfigMap> = Api::namespaced(account.clone(), &other);
    check_refused(elsewhere.get_opt("absent").await);

    allow_reading(admin, &other, "system:serviceaccounts").await?;
    soon_allowed(&elsewhere).await
}

/// Lets a group read ConfigMaps in one namespace.
async fn allow_reading(admin: Client, namespace: &str, group: &str) -> Result<()> {
    let name = format!("read-{namespace}");
    let role = ClusterRole {
        metadata: named(&name),
        rules: Some(vec![PolicyRule {
            api_groups: Some(vec![String::new()]),
            resources: Some(vec!["configmaps".to_owned()]),
            verbs: vec!["get".to_owned()],
            ..PolicyRule::default()
        }]),
        ..ClusterRole::default()
    };
    let binding = RoleBinding {
        metadata: named(&name),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "ClusterRole".to_owned(),
            name,
        },
        subjects: Some(vec![Subject {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "Group".to_owned(),
            name: group.to_owned(),
            namespace: None,
        }]),
    };
    let params = PostParams::default();
    Api::<ClusterRole>::all(admin.clone())
        .create(&params, &role)
        .await?;
    Api::<RoleBinding>::namespaced(admin, namespace)
        .create(&params, &binding)
        .await?;
    Ok(())
}

/// The API server takes a moment until it goes by a new role.
async fn soon_allowed(api: &Api<ConfigMap>) -> Result<()> {
    wait_for(
        "the rights of the role",
        Duration::from_secs(30),
        async || Ok(api.get_opt("absent").await.is_ok().then_some(())),
    )
    .await
}

#[tokio::test]
async fn the_request_log_names_each_request_once_and_nothing_outlives_the_drop() -> Result<()> {
    let tools = Tools::find()?;
    let control_plane = ControlPlane::options()
        .with_audit_log()
        .start(&tools)
        .await?;
    let writer = control_plane
        .client_for("writer", &["system:masters"])
        .await?;
    create(writer.clone(), "default", &config_map("one", "x")).await?;
    let config_maps: Api<ConfigMap> = Api::namespaced(writer, "default");
    config_maps.get("one").await?;
    assert_eq!(config_maps.get_opt("absent").await?, None);

    let requests = control_plane.requests()?;
    let by_writer: Vec<_> = requests
        .iter()
        .filter(|request| request.user == "writer")
        .map(|request| (request.verb.as_str(), request.name.as_str(), request.code))
        .collect();
    // A create is to a collection, so the log has the name from the object that was made.
    assert_eq!(
        by_writer,
        [
            ("create", "one", 201),
            ("get", "one", 200),
            ("get", "absent", 404)
        ]
    );

    let kubeconfig = control_plane.admin_kubeconfig()?;
    let folder: PathBuf = kubeconfig.parent().unwrap().to_owned();
    assert!(
        processes_with(&folder) >= 2,
        "etcd and kube-apiserver name their folder"
    );
    drop(control_plane);
    assert_eq!(processes_with(&folder), 0);
    assert!(!folder.exists(), "{} must be gone", folder.display());
    Ok(())
}

/// How many processes have the folder in their arguments.
fn processes_with(folder: &std::path::Path) -> usize {
    let output = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let folder = folder.display().to_string();
    text.lines().filter(|line| line.contains(&folder)).count()
}
