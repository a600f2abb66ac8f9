//! Issuers that answer as a weapon: without an end, by a byte now and then, with a redirect into the cluster.
//! Whoever else is served, is served on time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{More, Operator, since, wait_for};
use tokenwright_testbed::quickstart::{TOKEN, namespace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::cluster::Cluster;

const HOSTILE: &str = "hostile";
/// A request may take five seconds, and an issuer is asked more than once before it is called not Ready.
const PATIENCE: Duration = Duration::from_secs(90);
/// How late a rotation of the neighbour may be on a busy machine.
const LATE: SignedDuration = SignedDuration::from_secs(10);
/// What the answers of all weapons together may make the operator hold, beside what it always does: of the 128 MiB
/// that the chart gives, it takes 30 with up to a thousand tokens.
const MOST_KIB: u64 = 90 * 1024;
/// Far longer than it takes, also where other tests run beside it.
const PROBE: Duration = Duration::from_secs(5);
const PODS: usize = 500;
/// What so many pods may make it hold beside that: a hundred connections of a program that was not made smaller.
const MOST_KIB_OF_PODS: u64 = 24 * 1024;
/// How many issuers of one weapon there are.
const EACH: usize = 4;

/// What is left of the longest answer without its first and its last characters.
const LONGEST: usize = 8 * 1024 * 1024 - 16;

const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weapon {
    /// A body that never ends, as fast as it is read.
    Endless,
    /// A body that says how long it is, and is that long.
    Huge,
    /// Headers that never end.
    EndlessHeaders,
    /// A byte now and then.
    Trickles,
    /// Nothing at all, and the connection stays.
    Silent,
    /// Brackets in brackets.
    Deep,
    /// As many numbers as fit into an answer, each of which takes many times its bytes.
    Numbers,
    /// The same of objects.
    Objects,
    /// More tokens than anybody has, none of them ours.
    Tokens,
    /// A refusal that is as long as any answer may be.
    Refuses,
    /// Another address, which is inside the cluster.
    Redirects,
}

const WEAPONS: [Weapon; 11] = [
    Weapon::Endless,
    Weapon::Huge,
    Weapon::EndlessHeaders,
    Weapon::Trickles,
    Weapon::Silent,
    Weapon::Deep,
    Weapon::Numbers,
    Weapon::Objects,
    Weapon::Tokens,
    Weapon::Refuses,
    Weapon::Redirects,
];

impl Weapon {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Answers one connection until the other side has enough of it.
    async fn fire(self, mut stream: TcpStream, inside: &str) -> std::io::Result<()> {
        let mut head = [0; 16 * 1024];
        let _read = stream.read(&mut head).await?;
        let whole = |status: &str, piece: &str, times: usize| {
            let body = format!("[{}0]", piece.repeat(times));
            let length = body.len();
            format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
        };
        let whole = match self {
            Self::Numbers => Some(whole("200 OK", "0,", LONGEST / 2)),
            Self::Objects => Some(whole("200 OK", "{\"\":0},", LONGEST / 7)),
            Self::Refuses => Some(whole("400 Bad Request", "{\"\":0},", LONGEST / 7)),
            Self::Tokens => {
                let token = format!("{{\"id\":\"{}\"}},", "x".repeat(1_000));
                Some(whole("200 OK", &token, 7_000).replace(",0]", "]"))
            }
            _ => None,
        };
        if let Some(whole) = whole {
            return stream.write_all(whole.as_bytes()).await;
        }
        let (head, block, pause) = match self {
            Self::Endless => (format!("{JSON}\r\n["), vec![b' '; 64 * 1024], None),
            Self::Huge => (
                format!("{JSON}content-length: 10000000000\r\n\r\n["),
                vec![b' '; 64 * 1024],
                None,
            ),
            Self::EndlessHeaders => (JSON.to_owned(), b"x-more: and-more\r\n".to_vec(), None),
            Self::Trickles => (
                format!("{JSON}\r\n["),
                vec![b' '],
                Some(Duration::from_millis(100)),
            ),
            Self::Silent => (String::new(), Vec::new(), Some(Duration::from_secs(1))),
            Self::Deep => (format!("{JSON}\r\n"), vec![b'['; 64 * 1024], None),
            Self::Redirects => {
                let answer = format!(
                    "HTTP/1.1 307 Temporary Redirect\r\nlocation: {inside}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                return stream.write_all(answer.as_bytes()).await;
            }
            Self::Numbers | Self::Objects | Self::Tokens | Self::Refuses => return Ok(()),
        };
        stream.write_all(head.as_bytes()).await?;
        loop {
            stream.write_all(&block).await?;
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// A listener that does this with each connection; its address, and how many came.
async fn listens<F>(
    each: impl Fn(TcpStream) -> F + Send + 'static,
) -> Result<(String, Arc<AtomicUsize>)>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(each(stream));
        }
    });
    Ok((address, came))
}

/// An issuer in the hostile namespace, with a crowd of ApiTokens behind it.
fn armed(name: &str, address: &str) -> Vec<Value> {
    let of = "tokenwright.dev/v1alpha1";
    let issuer = json!({
        "apiVersion": of, "kind": "TokenIssuer", "metadata": { "name": name },
        "spec": {
            "profile": "seeme", "endpoint": format!("http://{address}"), "requestTimeout": "5s",
            "credential": { "secretRef": { "name": "bait" } },
            "rate": { "perMinute": 600, "concurrency": 8 },
        },
    });
    let tokens = (0..10).map(|n| {
        let called = format!("{name}-{n}");
        json!({
            "apiVersion": of, "kind": "ApiToken", "metadata": { "name": called },
            "spec": {
                "issuerRef": { "name": name }, "token": { "name": called, "scopes": ["models:read"], "lifetime": "90d" },
                "secret": { "name": called },
            },
        })
    });
    std::iter::once(issuer).chain(tokens).collect()
}

/// The most memory that the operator ever held, in KiB.
pub(crate) fn most_memory(operator: &Operator) -> Result<u64> {
    let id = operator.id().context("the operator has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let words = line.context("no VmHWM")?.split_whitespace().nth(1);
    Ok(words.context("no number")?.parse()?)
}

/// How late the neighbour's token is renewed, if it is.
async fn late(cluster: &Cluster) -> Result<SignedDuration> {
    let token = cluster.team.tokens().get(TOKEN).await?;
    let renew = token.data["status"]["current"]["renewAt"].as_str();
    let renew: Timestamp = renew.context("nothing is planned")?.parse()?;
    Ok(since(renew))
}

/// Many pods that ask the operator for what is measured, and never read it.
async fn asked_by_pods_that_never_read(cluster: &Cluster) -> Result<Vec<TcpStream>> {
    let address = cluster.address().await?;
    let mut pods = Vec::new();
    for _ in 0..PODS {
        let mut pod = TcpStream::connect(&address).await?;
        let request = b"GET /metrics HTTP/1.1\r\nhost: operator\r\n\r\n";
        pod.write_all(request).await?;
        pods.push(pod);
    }
    Ok(pods)
}

#[tokio::test]
async fn whatever_an_issuer_answers_it_costs_little_is_told_and_makes_nobody_else_late()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let (inside, entered) = listens(|_| async {}).await?;
    let (mut objects, mut arguments) = (Vec::new(), Vec::new());
    let names = |weapon: Weapon| (0..EACH).map(move |n| format!("{}-{n}", weapon.name()));
    for (weapon, name) in WEAPONS
        .into_iter()
        .flat_map(|weapon| names(weapon).map(move |name| (weapon, name)))
    {
        let inside = format!("http://{inside}/api/v1/secrets");
        let fire = move |stream| {
            let inside = inside.clone();
            async move { drop(weapon.fire(stream, &inside).await) }
        };
        let (address, _) = listens(fire).await?;
        objects.extend(armed(&name, &address));
        arguments.extend(["--allow-host".to_owned(), address]);
    }
    let more = More {
        arguments,
        ..More::default()
    };
    let operator = cluster.launch("operator", more).await?;
    let first = cluster.delivered().await?;
    let before = most_memory(&operator)?;

    let client = cluster.control_plane.admin().await?;
    namespace(&client, HOSTILE).await?;
    let bait = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "bait" },
        "stringData": { "key": "a-credential-of-the-tenant" },
    });
    chart::create_all(&client, &[bait], HOSTILE).await?;
    chart::create_all(&client, &objects, HOSTILE).await?;

    let issuers = chart::api(&client, "TokenIssuer", HOSTILE);
    let mut latest = SignedDuration::MIN;
    for name in WEAPONS.into_iter().flat_map(names) {
        let told = wait_for("the weapon to be told", PATIENCE, || async {
            let object = issuers.get(&name).await?;
            let conditions = object.data["status"]["conditions"].as_array().cloned();
            let ready = conditions
                .into_iter()
                .flatten()
                .find(|c| c["type"] == "Ready");
            let said = ready.filter(|ready| ready["status"] == "False");
            Ok(said.map(|said| said["message"].as_str().unwrap_or_default().to_owned()))
        });
        let told = told
            .await
            .with_context(|| format!("{name}: {}", cluster.log().unwrap_or_default()))?;
        ensure!(!told.is_empty() && told.len() < 1_000, "{name}: {told}");
        latest = latest.max(late(&cluster).await?);
    }
    // The neighbour's next rotations.
    let mut held = first.clone();
    for _ in 0..2 {
        let pods = asked_by_pods_that_never_read(&cluster).await?;
        let alive = tokio::time::timeout(PROBE, cluster.served("livez"));
        ensure!(alive.await?? == "alive\n");
        held = cluster.team.secret_after(Some(&held)).await?;
        drop(pods);
        latest = latest.max(late(&cluster).await?);
    }
    ensure!(latest <= LATE, "the neighbour was {latest:?} late");
    let after = most_memory(&operator)?;
    ensure!(
        after < before + MOST_KIB + MOST_KIB_OF_PODS,
        "{before} KiB before, {after} KiB at most"
    );
    ensure!(
        entered.load(Ordering::Relaxed) == 0,
        "a redirect was followed"
    );

    operator.signal("TERM").await?;
    ensure!(
        operator.ended(Duration::from_secs(50)).await?,
        "it did not end well"
    );
    Ok(())
}
