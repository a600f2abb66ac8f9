//! Where the provider comes from and where the state lies: a mirror, a test run, a file, a server.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::{ADDRESS, Script, consumed, held, trigger};
use crate::support::mirror::mirror;
use crate::support::{CI, Ran};

/// A life from the mirror, with the state in this backend.
async fn lives(world: &Script, backend: &str) {
    mirror(world);
    let run = async |args: &[&str]| -> Ran {
        let mut command = world.command(args);
        command.env("TF_CLI_CONFIG_FILE", world.path("mirror.rc"));
        let output = command.output().await.unwrap();
        crate::support::ran(output).succeeded()
    };
    let configure = |n: u32| {
        world.configure(&consumed(&trigger(n, "")));
        let text = std::fs::read_to_string(world.path("main.tf")).unwrap();
        let text = format!("{text}terraform {{\n  backend {backend}\n}}\n");
        std::fs::write(world.path("main.tf"), text).unwrap();
    };
    let mut values = Vec::new();
    for n in [1, 2] {
        configure(n);
        run(&["init", "-no-color"]).await;
        let ran = run(&["apply", "-auto-approve", "-json"]).await;
        assert_eq!(
            ran.planned()[ADDRESS],
            if n == 1 { "create" } else { "update" }
        );
        run(&["plan", "-detailed-exitcode", "-no-color"]).await;
        values.push(held(world));
        world.record.agrees();
    }
    assert!(world.works(&values[0]).await && world.works(&values[1]).await);
    assert_eq!(world.summary().minted, 2);
    let ran = run(&["destroy", "-auto-approve", "-json"]).await;
    assert_eq!(ran.planned()[ADDRESS], "delete");
    world.ended(values.last()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_from_a_mirror_keeps_its_state_in_a_file_elsewhere() {
    let world = Script::new(86_400.0, CI).await;
    lives(
        &world,
        "\"local\" {\n    path = \"elsewhere/state.json\"\n  }",
    )
    .await;
    assert!(world.path("elsewhere/state.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_from_a_mirror_keeps_its_state_on_a_server() {
    let world = Script::new(86_400.0, CI).await;
    let (address, states) = server();
    lives(
        &world,
        &format!(
            "\"http\" {{\n    address = \"{address}\"\n    lock_address = \"{address}\"\n    unlock_address = \"{address}\"\n  }}"
        ),
    )
    .await;
    let states = states.lock().unwrap();
    assert!(states["state"].contains("\"lineage\""));
}

/// A server that keeps one state and its lock, until the test ends.
fn server() -> (String, Arc<Mutex<BTreeMap<&'static str, String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/state", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(BTreeMap::<&str, String>::new()));
    let states = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) <= 2 {
                    break;
                }
                head.push(line);
            }
            let length = head.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let named = name.eq_ignore_ascii_case("content-length");
                named.then(|| value.trim().parse::<usize>().unwrap())
            });
            let mut body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body).unwrap();
            let method = head.first().and_then(|line| line.split(' ').next());
            let mut states = states.lock().unwrap();
            let (status, text) = match method.unwrap_or_default() {
                "GET" if states.contains_key("state") => ("200 OK", states["state"].clone()),
                "GET" => ("404 Not Found", String::new()),
                "LOCK" if states.contains_key("lock") => ("423 Locked", states["lock"].clone()),
                "LOCK" => {
                    states.insert("lock", String::from_utf8(body).unwrap());
                    ("200 OK", String::new())
                }
                "UNLOCK" => {
                    states.remove("lock");
                    ("200 OK", String::new())
                }
                _ => {
                    states.insert("state", String::from_utf8(body).unwrap());
                    ("200 OK", String::new())
                }
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                text.len()
            );
            let _ = stream.get_mut().write_all(head.as_bytes());
        }
    });
    (address, kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_run_of_the_core_mints_rotates_and_leaves_nothing() {
    let world = Script::new(86_400.0, CI).await;
    world.configure(&consumed(&format!(
        "{CI}\n  rotation = {{ triggers = {{ a = var.trigger }} }}"
    )));
    std::fs::create_dir(world.path("tests")).unwrap();
    std::fs::write(
        world.path("tests/token.tftest.hcl"),
        r#"
run "mints" {
  assert {
    condition     = tokenwright_api_token.ci.revision == 1
    error_message = "it is the first"
  }
}
run "rests" {
  command = plan
  assert {
    condition     = output.revision == 1
    error_message = "nothing changes by itself"
  }
}
run "rotates" {
  variables {
    trigger = "2"
  }
  assert {
    condition     = tokenwright_api_token.ci.revision == 2
    error_message = "it is the second"
  }
}
"#,
    )
    .unwrap();
    let text = std::fs::read_to_string(world.path("main.tf")).unwrap();
    std::fs::write(
        world.path("main.tf"),
        format!("{text}variable \"trigger\" {{\n  default = \"1\"\n}}\noutput \"revision\" {{\n  value = tokenwright_api_token.ci.revision\n}}\n"),
    )
    .unwrap();
    let ran = world.run(&["test", "-json", "-verbose"]).await.succeeded();
    let plans = ran.lines.iter().filter(|line| line["type"] == "test_plan");
    let plans: Vec<_> = plans
        .map(|line| &line["test_plan"]["resource_changes"])
        .collect();
    assert_eq!(plans.len(), 1, "{}", ran.text);
    for change in plans[0].as_array().unwrap() {
        assert_eq!(change["change"]["actions"], serde_json::json!(["no-op"]));
    }
    assert_eq!(world.summary().minted, 2);
    world.ended(Some(&held(&world))).await;
}
