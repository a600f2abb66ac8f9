//! The checked-in Rust code is what the `.proto` files generate today, and the README says what there is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};

const FILES: [&str; 3] = ["tfplugin6.rs", "plugin.rs", "grpc.health.v1.rs"];

fn generate(out: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let descriptors = protox::compile(
        [
            "tfplugin6.proto",
            "grpc_broker.proto",
            "grpc_controller.proto",
            "grpc_stdio.proto",
            "health.proto",
        ],
        [&root],
    )
    .expect("the definitions compile");
    tonic_prost_build::configure()
        .build_transport(false)
        // A new minor version of the protocol adds RPCs; they answer Unimplemented until written.
        .generate_default_stubs(true)
        // The comments of the definitions are full of indented text that rustdoc takes for tests.
        .disable_comments(["."])
        // These carry secret values: the crate writes a `Debug` that shows none.
        .skip_debug([".tfplugin6.DynamicValue", ".tfplugin6.RawState"])
        .emit_rerun_if_changed(false)
        .out_dir(out)
        .compile_fds(descriptors)
        .expect("the code generates");
}

#[test]
fn the_generated_code_is_fresh() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    generate(scratch.path());
    let checked_in: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated");
    let rewrite = std::env::var_os("TOKENWRIGHT_UPDATE").is_some();
    for name in FILES {
        let fresh = std::fs::read_to_string(scratch.path().join(name)).expect("generated file");
        let path = checked_in.join(name);
        if rewrite {
            std::fs::write(&path, &fresh).expect("the generated file can be written");
            continue;
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == fresh,
            "src/generated/{name} is stale: run the test with TOKENWRIGHT_UPDATE=1"
        );
    }
}

#[test]
fn the_readme_says_of_each_call_whether_it_is_served() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let (protocol, service, readme) = (
        read("proto/tfplugin6.proto"),
        read("src/service.rs"),
        read("README.md"),
    );
    let calls = protocol.split("    rpc ").skip(1);
    let calls: Vec<_> = calls.map(|rest| rest.split_once('(').unwrap().0).collect();
    assert!(calls.len() > 30, "{calls:?}");
    for call in calls {
        let mut snake = String::new();
        for letter in call.chars() {
            if letter.is_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        }
        let served = service.contains(&format!("async fn {snake}("));
        let mut rows = readme.lines().filter(|line| line.starts_with("| `"));
        let row = rows.find(|row| row.contains(&format!("`{call}`")));
        let row = row.unwrap_or_else(|| panic!("README.md does not say what becomes of {call}"));
        assert_eq!(!row.contains("Unimplemented"), served, "{call}: {row}");
    }
}

#[test]
fn the_smallest_provider_is_one_of_under_a_hundred_lines() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/smallest_provider.rs");
    let lines = std::fs::read_to_string(example).unwrap().lines().count();
    assert!(lines < 100, "{lines}");
}

/// The other blocks are complete, and compiled as tests of the documentation.
#[test]
fn a_part_of_a_program_in_the_readme_stands_in_the_smallest_provider() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let example = std::fs::read_to_string(root.join("examples/smallest_provider.rs")).unwrap();
    let blocks: Vec<_> = readme.split("```rs\n").skip(1).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let (block, _) = block.split_once("```").unwrap();
        assert!(example.contains(block), "{block}");
    }
}
