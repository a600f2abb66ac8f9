//! The examples under a real core: `terraform` on the PATH, or what `TOKENWRIGHT_TERRAFORM` names, such as `tofu`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod support;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use support::{demo, example, runs, started, within};
use tempfile::TempDir;

/// A folder with a configuration and a Terraform that takes the provider from the build.
struct Workspace {
    folder: TempDir,
    /// The provider's name.
    provider: &'static str,
}

impl Workspace {
    fn new(config: &str) -> Self {
        Self::of("demo", demo(), config)
    }

    fn of(name: &'static str, program: &Path, config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let provider = folder.path().join("provider");
        std::fs::create_dir(&provider).unwrap();
        std::fs::copy(program, provider.join(format!("terraform-provider-{name}"))).unwrap();
        let rc = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"tfplugin/{name}\" = {provider:?}\n  }}\n  direct {{}}\n}}\n"
        );
        std::fs::write(folder.path().join("terraformrc"), rc).unwrap();
        let workspace = Self {
            folder,
            provider: name,
        };
        workspace.configure(config);
        workspace
    }

    fn configure(&self, resource: &str) {
        let name = self.provider;
        let config = format!(
            "terraform {{\n  required_providers {{\n    {name} = {{\n      source = \"tfplugin/{name}\"\n    }}\n  }}\n}}\n{resource}\n"
        );
        std::fs::write(self.folder.path().join("main.tf"), config).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(core());
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("TF_CLI_CONFIG_FILE", self.folder.path().join("terraformrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("TMPDIR", self.temporary())
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_LOG")
            .env_remove("TF_LOG_PROVIDER");
        command
    }

    /// A temporary directory of its own, so that what is left behind can be seen.
    fn temporary(&self) -> PathBuf {
        let path = self.folder.path().join("tmp");
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap_or_else(|error| {
            panic!(
                "this test needs the program {:?}, of version 1.11 or later: {error}",
                core()
            )
        })
    }

    /// Runs it and wants success; with `-no-color` as the last argument.
    fn run(&self, args: &[&str]) -> String {
        let output = self.output(args);
        let text = printed(&output);
        assert!(
            output.status.success(),
            "{:?} {args:?} failed:\n{text}",
            core()
        );
        text
    }

    fn state(&self) -> serde_json::Value {
        let text = self.run(&["show", "-json"]);
        let json: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        json["values"]["root_module"]["resources"][0]["values"].clone()
    }

    fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs a core")
    }
}

fn core() -> OsString {
    std::env::var_os("TOKENWRIGHT_TERRAFORM").unwrap_or_else(|| "terraform".into())
}

fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

const APPLY: [&str; 3] = ["apply", "-auto-approve", "-no-color"];

fn thing(name: &str, size: u32) -> String {
    format!(
        r#"
provider "demo" {{
  greeting = "hello"
}}
resource "demo_thing" "a" {{
  name     = "{name}"
  kind     = "round"
  password = "hunter2"
  ratio    = 0.1
  labels   = {{ team = "net" }}
  rules    = [{{ rule = "be" }}, {{ rule = "kind" }}]
  settings = {{
    size = {size}
    tags = ["b", "a"]
    pin  = "4711"
  }}
}}
"#
    )
}

#[test]
fn a_thing_lives_from_validate_to_destroy() {
    let workspace = Workspace::new(&thing("one", 1));
    workspace.run(&["validate", "-no-color"]);
    let plan = workspace.run(&["plan", "-no-color"]);
    assert!(
        plan.contains("1 to add, 0 to change, 0 to destroy"),
        "{plan}"
    );

    workspace.run(&APPLY);
    let state = workspace.state();
    assert_eq!(state["id"], "thing-one");
    assert_eq!(state["secret"], "hunter2-made-secret");
    assert_eq!(state["password"], serde_json::Value::Null);
    assert_eq!(state["settings"]["pin"], serde_json::Value::Null);
    assert_eq!(state["revision"], 1);

    let unchanged = workspace.output(&["plan", "-no-color", "-detailed-exitcode"]);
    assert_eq!(unchanged.status.code(), Some(0), "{}", printed(&unchanged));

    // Numbers and a sensitive value survive a refresh bit by bit.
    let refresh = ["plan", "-refresh-only", "-no-color", "-detailed-exitcode"];
    let unchanged = workspace.output(&refresh);
    assert_eq!(unchanged.status.code(), Some(0), "{}", printed(&unchanged));

    workspace.configure(&thing("one", 2));
    let update = workspace.run(&APPLY);
    assert!(
        update.contains("0 added, 1 changed, 0 destroyed"),
        "{update}"
    );
    assert!(!update.contains("known after apply"), "{update}");
    assert_eq!(workspace.state()["settings"]["size"], 2);
    assert_eq!(workspace.state()["revision"], 2);

    workspace.configure(&thing("one", 2).replace("round", "square"));
    let replace = workspace.run(&["plan", "-no-color"]);
    assert!(replace.contains("forces replacement"), "{replace}");

    let destroy = workspace.run(&["destroy", "-auto-approve", "-no-color"]);
    assert!(destroy.contains("1 destroyed"), "{destroy}");
    for text in [plan, update, replace, destroy] {
        assert!(!text.contains("hunter2"), "a secret was printed:\n{text}");
    }

    let left: Vec<_> = std::fs::read_dir(workspace.temporary())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with("tfplugin-"))
        .collect();
    assert!(
        left.is_empty(),
        "socket directories stayed behind: {left:?}"
    );
}

/// What a plan that makes a thing logs.
fn logged(variables: &[(&str, &str)]) -> String {
    let workspace = Workspace::new(&thing("one", 1));
    let mut command = workspace.command(&["plan", "-no-color"]);
    command.env("TF_LOG", "debug").envs(variables.to_vec());
    let output = command.output().unwrap();
    let text = printed(&output);
    assert!(text.contains("1 to add"), "{text}");
    text
}

#[test]
fn a_provider_that_asks_for_tcp_is_reached_at_a_port_that_the_host_names() {
    let text = logged(&[("DEMO_TCP", "1")]);
    assert!(text.contains("network=tcp"), "{text}");
    let after = text.split("address=127.0.0.1:").nth(1).expect("an address");
    let port: String = after.chars().take_while(char::is_ascii_digit).collect();
    // What go-plugin names.
    assert!((10_000..=25_000).contains(&port.parse::<u16>().unwrap()));
}

#[test]
fn a_core_logs_what_the_provider_does_and_nothing_that_it_masks() {
    let text = logged(&[]);
    assert!(text.contains("network=unix"), "{text}");
    let configured = text.lines().find(|line| line.contains(": configured"));
    let line = configured.expect("a log line of the provider");
    assert!(line.contains("***") && !line.contains("hello"), "{line}");
}

#[test]
fn the_log_level_of_one_provider_is_its_own() {
    let configured = |variable: &str| logged(&[(variable, "error")]).contains(": configured");
    assert!(configured("TF_LOG_PROVIDER_OTHER"));
    assert!(!configured("TF_LOG_PROVIDER_DEMO"));
}

#[test]
fn who_follows_the_readme_with_the_smallest_provider_has_the_file_it_promises() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let block = |kind: &str| {
        let after = readme.split(&format!("```{kind}\n")).nth(1).unwrap();
        after.split("```").next().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("target/debug");
    std::fs::create_dir_all(&built).unwrap();
    let program = built.join("terraform-provider-note");
    std::fs::copy(example("smallest_provider"), program).unwrap();
    std::fs::write(folder.path().join("main.tf"), block("hcl")).unwrap();
    let (build, rest) = block("console").split_once('\n').unwrap();
    assert_eq!(build, "cargo build");
    let output = Command::new("sh")
        .args(["-ec", &format!("{rest}\n\"$CORE\" {}", APPLY.join(" "))])
        .current_dir(folder.path())
        .env("CORE", core())
        .env("CHECKPOINT_DISABLE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", printed(&output));
    let file = std::fs::read_to_string(folder.path().join("hello.txt"));
    assert_eq!(file.unwrap(), "hello");
}

#[test]
fn the_smallest_provider_makes_follows_changes_and_removes_its_file() {
    let workspace = Workspace::of("note", &example("smallest_provider"), "");
    let file = workspace.folder.path().join("note");
    let say = |text: &str| {
        workspace.configure(&format!(
            "resource \"note_file\" \"a\" {{\n  path = {file:?}\n  text = {text:?}\n}}"
        ));
    };
    say("hello");
    workspace.run(&APPLY);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hello");
    assert_eq!(workspace.state()["bytes"], 5);
    let refresh = ["plan", "-refresh-only", "-no-color", "-detailed-exitcode"];
    assert_eq!(workspace.output(&refresh).status.code(), Some(0));
    say("hello again");
    workspace.run(&APPLY);
    assert_eq!(workspace.state()["bytes"], 11);
    std::fs::remove_file(&file).unwrap();
    let plan = workspace.run(&["plan", "-no-color"]);
    assert!(plan.contains("1 to add"), "{plan}");
    workspace.run(&APPLY);
    workspace.run(&["destroy", "-auto-approve", "-no-color"]);
    assert!(!file.exists());
}

#[test]
fn an_error_names_the_attribute() {
    let workspace = Workspace::new("resource \"demo_thing\" \"a\" {\n  name = \"\"\n}");
    let output = workspace.output(&["validate", "-no-color"]);
    assert!(!output.status.success());
    let text = printed(&output);
    assert!(text.contains("name is empty"), "{text}");
    assert!(text.contains("name = \"\""), "the place is missing: {text}");
}

/// Wants this error, with its mark at this line.
fn refuses(workspace: &Workspace, resource: &str, summary: &str, line: &str) {
    workspace.configure(&format!("resource \"demo_thing\" \"a\" {{\n{resource}\n}}"));
    let output = workspace.output(&["validate", "-json"]);
    assert!(!output.status.success(), "{resource} is valid");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = said["diagnostics"].as_array().unwrap().iter().any(|one| {
        let code = one["snippet"]["code"].as_str().unwrap_or_default();
        one["summary"] == summary && code.trim() == line
    });
    assert!(
        found,
        "{resource}: {summary:?} at {line:?} is not in {said:#}"
    );
}

#[test]
fn what_no_configuration_may_be_is_said_at_its_line() {
    let workspace = Workspace::new("");
    let said =
        |resource: &str, summary: &str, line: &str| refuses(&workspace, resource, summary, line);
    said("name = null", "name is required", "name = null");
    said(
        "name = \"a\"\n id = \"mine\"",
        "id cannot be set",
        "id = \"mine\"",
    );
    said(
        "name = \"a\"\n secret = terraform_data.b.id\n}\nresource \"terraform_data\" \"b\" {",
        "secret cannot be set",
        "secret = terraform_data.b.id",
    );
    // One key or index below an attribute is as far as a core looks.
    said(
        "name = \"a\"\n settings = {\n pin = \"1\"\n size = null\n }",
        "settings.size is required",
        "size = null",
    );
    said(
        "name = \"a\"\n rules = [\n { rule = \"b\" },\n { rule = null },\n ]",
        "rules[1].rule is required",
        "{ rule = null },",
    );
    said(
        "name = \"a\"\n rules = [\n { rule = \"b\" },\n null,\n ]",
        "rules[1] has no value",
        "null,",
    );
    // What the rules of the attributes say.
    said(
        "name = \"a\"\n kind = \"flat\"",
        "kind must be \"round\" or \"square\"",
        "kind = \"flat\"",
    );
    said(
        "name = \"a\"\n delay_ms = -1",
        "delay_ms must be a whole number between 0 and 600000",
        "delay_ms = -1",
    );
    said(
        "name = \"a\"\n title = \"b\"\n labels = {}",
        "title and labels are both set",
        "title = \"b\"",
    );
    said(
        "name = \"a\"\n timeouts = {\n update = \"1m\"\n create = \"soon\"\n }",
        "timeouts.create is no duration",
        "create = \"soon\"",
    );
}

#[test]
fn what_is_deprecated_is_warned_of_and_what_is_unknown_is_not_judged() {
    let workspace = Workspace::new(
        "variable \"any\" { default = null }\nresource \"demo_thing\" \"a\" {\n  name = var.any\n  title = \"a\"\n  settings = var.any\n}",
    );
    let text = workspace.run(&["validate", "-no-color"]);
    assert!(text.contains("title is deprecated"), "{text}");
    assert!(text.contains("Use name."), "{text}");
    let plan = printed(&workspace.output(&["plan", "-no-color"]));
    assert!(plan.contains("name is required"), "{plan}");
}

#[test]
fn a_state_returned_with_an_error_is_kept() {
    let workspace = Workspace::new("resource \"demo_thing\" \"a\" {\n  name = \"half\"\n}");
    let output = workspace.output(&APPLY);
    assert!(!output.status.success());
    assert_eq!(workspace.state()["id"], "thing-half");
    assert_eq!(workspace.state()["kind"], "round", "its default");
    let plan = workspace.run(&["plan", "-no-color"]);
    assert!(plan.contains("tainted"), "{plan}");
}

#[test]
fn an_imported_thing_needs_no_new_one() {
    let workspace = Workspace::new("resource \"demo_thing\" \"a\" {\n  name = \"two\"\n}");
    workspace.run(&["import", "-no-color", "demo_thing.a", "thing-two"]);
    assert_eq!(workspace.state()["name"], "two");
    let plan = workspace.run(&["plan", "-no-color"]);
    assert!(
        !plan.contains("to destroy.") || plan.contains("0 to destroy"),
        "{plan}"
    );
}

#[test]
fn an_operation_ends_at_its_timeout() {
    let workspace = Workspace::new(
        "resource \"demo_thing\" \"a\" {\n  name = \"slow\"\n  delay_ms = 5000\n  timeouts = { create = \"10ms\" }\n}",
    );
    let text = printed(&workspace.output(&APPLY));
    assert!(text.contains("The thing took too long"), "{text}");
}

#[test]
fn the_provider_ends_when_its_host_is_killed_in_the_middle_of_an_apply() {
    let workspace = Workspace::new("");
    let journal = workspace.folder.path().join("journal");
    workspace.configure(&format!(
        "resource \"demo_thing\" \"a\" {{\n  name = \"slow\"\n  delay_ms = 1500\n  journal = {journal:?}\n}}"
    ));
    let mut host = workspace.spawn(&APPLY);
    within(Duration::from_secs(60), "the apply starts", || {
        started(&journal).is_some()
    });
    let provider = started(&journal).unwrap();
    host.kill().unwrap();
    host.wait().unwrap();
    within(Duration::from_secs(15), "the provider ends", || {
        !runs(provider)
    });
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(
        text.contains("gone\nfinished"),
        "the work was cut short or not told: {text}"
    );
}

#[test]
fn work_without_an_end_does_not_keep_the_process() {
    let workspace = Workspace::new("");
    let journal = workspace.folder.path().join("journal");
    workspace.configure(&format!(
        "resource \"demo_thing\" \"a\" {{\n  name = \"stuck\"\n  delay_ms = 600000\n  journal = {journal:?}\n}}"
    ));
    let mut host = workspace.spawn(&APPLY);
    within(Duration::from_secs(60), "the apply starts", || {
        started(&journal).is_some()
    });
    let provider = started(&journal).unwrap();
    host.kill().unwrap();
    host.wait().unwrap();
    // The demo allows five seconds.
    within(Duration::from_secs(20), "the provider ends", || {
        !runs(provider)
    });
}
