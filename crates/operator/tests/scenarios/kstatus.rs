//! What kstatus, the library of Flux, Helm, kpt and others, computes of each status that the operator
//! writes: its own Go code is asked, as it is released.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, Operation};

use crate::world::{NAMESPACE, World};

/// The program, built once from its sources by the Go of this machine; its modules are cached by Go itself.
fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kstatus");
        let status = Command::new("go")
            .args(["build", "-o"])
            .arg(&built)
            .arg(".")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kstatus"))
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off")
            .env("GOFLAGS", "-mod=readonly -buildvcs=false")
            .status()
            .expect("this test needs Go: https://go.dev/dl");
        assert!(status.success(), "the program does not build");
        built
    })
}

/// What kstatus computes of each object.
fn computed(objects: &[Value]) -> Vec<String> {
    let mut asked = Command::new(program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let mut input = asked.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = asked.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let status = |answer: Value| answer["status"].as_str().unwrap().to_owned();
    answers.map(|answer| status(answer.unwrap())).collect()
}

/// Objects as they were, with what was going on and what kstatus is to say of them.
#[derive(Default)]
struct Album(Vec<(String, &'static str, Value)>);

impl Album {
    fn token(&mut self, world: &World, wanted: &'static str, when: &str) {
        self.keep(world, ("apitokens", "ci"), (wanted, when));
    }

    fn issuer(&mut self, world: &World, wanted: &'static str, when: &str) {
        self.keep(world, ("tokenissuers", "issuer"), (wanted, when));
    }

    fn keep(
        &mut self,
        world: &World,
        (plural, name): (&str, &str),
        (wanted, when): (&'static str, &str),
    ) {
        let kind = format!("{plural}.tokenwright.dev");
        let object = world.api.snapshot(&kind, NAMESPACE, name);
        let object = object.unwrap_or_else(|| panic!("{when}: the object is gone"));
        self.0.push((when.to_owned(), wanted, object));
    }

    #[track_caller]
    fn compare(&self) {
        let objects: Vec<_> = self.0.iter().map(|(_, _, object)| object.clone()).collect();
        let computed = computed(&objects);
        assert_eq!(computed.len(), self.0.len());
        for ((when, wanted, object), computed) in self.0.iter().zip(computed) {
            assert_eq!(computed, *wanted, "{when}: {:#}", object["status"]);
        }
    }
}

fn refuse_mints(world: &World, kind: ErrorKind) {
    world.issuer.hook(move |request, _| {
        (request.operation == Operation::Mint).then_some(Fault::Refuse(kind))
    });
}

#[tokio::test(start_paused = true)]
async fn kstatus_sees_a_token_current_exactly_while_a_live_one_of_this_generation_is_delivered() {
    let mut album = Album::default();
    let mut world = World::new().await;
    world.start();
    refuse_mints(&world, ErrorKind::Unavailable);
    world.ask(json!({})).await;
    world.pass(30).await;
    album.token(&world, "InProgress", "nothing is delivered yet");
    world.issuer.calm();
    world.pass(1_300).await;
    album.token(&world, "Current", "it is delivered");
    album.issuer(&world, "Current", "the issuer answers");

    let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(wish).await;
    album.token(&world, "InProgress", "the operator has not seen the wish");
    world.pass(60).await;
    album.token(&world, "Current", "the former token waits for its end");
    world.pass(4_000).await;
    album.token(&world, "Current", "the former token is revoked");

    world.change(json!({ "spec": { "suspend": true } })).await;
    world.pass(30).await;
    album.token(&world, "Current", "it is suspended, and its token lives");
    world.change(json!({ "spec": { "suspend": false } })).await;
    world.pass(30).await;

    // A specification that nothing can be minted for, while the token of the former one lives.
    let wish = json!({ "spec": { "rotation": { "every": "1s" } } });
    world.change(wish).await;
    world.pass(30).await;
    album.token(&world, "Failed", "a person has to change the specification");
    let wish = json!({ "spec": { "rotation": { "every": null } } });
    world.change(wish).await;
    world.pass(60).await;
    album.token(&world, "Current", "the specification is mended");

    world.issuer.hook(|request, _| {
        let refused = Fault::Refuse(ErrorKind::Unavailable);
        (request.operation == Operation::Revoke).then_some(refused)
    });
    world.delete().await;
    world.pass(30).await;
    album.token(&world, "Terminating", "its token could not be revoked yet");
    album.compare();
}

#[tokio::test(start_paused = true)]
async fn kstatus_sees_what_waits_for_a_person_as_failed() {
    let mut album = Album::default();
    // A Secret of somebody else, for a token that is minted and for one that is adopted.
    for adopts in [false, true] {
        let mut world = World::new().await;
        world.other_secret(json!({})).await;
        let (_, value) = world.by_hand().await;
        world.fill("source", &value).await;
        world.start();
        match adopts {
            true => world.adopt(json!({})).await,
            false => world.ask(json!({})).await,
        }
        world.pass(60).await;
        album.token(&world, "Failed", "the Secret is somebody else's");
    }
    let mut world = World::new().await;
    world.start();
    let stranger = json!({ "issuerRef": { "name": "nobody" } });
    world.ask(stranger).await;
    world.pass(60).await;
    album.token(&world, "InProgress", "its issuer may come yet");
    album.compare();
}

#[tokio::test(start_paused = true)]
async fn kstatus_sees_an_adopted_token_current_while_it_works_and_no_longer() {
    let mut album = Album::default();
    let mut world = World::new().await;
    let (id, value) = world.by_hand().await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(30).await;
    album.token(&world, "Failed", "a person has to fill its source");
    world.fill("source", &value).await;
    world.pass(30).await;
    album.token(&world, "Current", "it is adopted");
    world.issuer.revoke_by_hand(&id);
    world.pass(1_300).await;
    album.token(&world, "Failed", "a person has to fill in another value");
    album.compare();
}
