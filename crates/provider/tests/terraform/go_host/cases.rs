//! The cases of HashiCorp's own testing library, on a Terraform that knows all that they ask for.

use std::process::Stdio;

use tokio::process::Command;

use crate::support::cores::new_terraform;
use crate::support::go::tfplugin;
use crate::support::mirror::mirror;
use crate::support::{CI, World};

/// A key pair of nobody's.
const RECIPIENT: &str = "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc";
const IDENTITY: &str = "AGE-SECRET-KEY-1FZDYSM37Y9FE9JXN8L3NMS8JN3USDWM5LTYXHPLZQVSG8APKH7JSA9LTX8";

#[tokio::test(flavor = "multi_thread")]
async fn the_cases_of_hashicorps_testing_library_pass() {
    let world = World::new(86_400.0, CI).await;
    mirror(&world);
    let ran = Command::new("go")
        .args(["test", "-count=1", "./cases"])
        .current_dir(tfplugin().join("tests/go"))
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly -buildvcs=false")
        .env("TF_ACC", "1")
        .env("TF_ACC_TERRAFORM_PATH", new_terraform())
        .env("TF_CLI_CONFIG_FILE", world.path("mirror.rc"))
        .env("CHECKPOINT_DISABLE", "1")
        .env("TMPDIR", world.folder.path())
        .env("ENDPOINT", &world.played.endpoint)
        .env("RECIPIENT", RECIPIENT)
        .env("IDENTITY", IDENTITY)
        .envs(world.credential())
        .envs(world.record.environment())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        ran.status.success(),
        "{}{}",
        text(&ran.stdout),
        text(&ran.stderr)
    );
    world.nothing_lives();
}
