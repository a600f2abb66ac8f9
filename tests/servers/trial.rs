//! `tokenwright profile try` on the real servers: one token's whole life, and nothing is left.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokenwright_testbed::servers::{Devpi, JupyterHub};
use tokenwright_testbed::tools::product_binary;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use super::api::{As, ask};

/// The user of the hub whose tokens no other test touches.
const ALAN: &str = JupyterHub::USERS[2];

/// How a trial ended, and what it said.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    said: String,
}

impl Ran {
    /// Mark and step of each line.
    fn steps(&self) -> Vec<String> {
        let marked = self.said.lines().filter(|l| l.starts_with(['✓', '✗', '–']));
        let step = |line: &str| line.chars().take(16).collect::<String>().trim().to_owned();
        marked.map(step).collect()
    }

    /// It ended with this code after these steps.
    fn ended(&self, code: i32, steps: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.said);
        assert_eq!(self.steps(), steps, "{}", self.said);
    }

    fn says(&self, text: &str) {
        assert!(self.said.contains(text), "{text:?} is not in {}", self.said);
    }
}

/// `profile try NAME --endpoint URL …`, without the environment of whoever runs the tests.
async fn tried(
    profile: &str,
    endpoint: &str,
    credential: &[(&str, &str)],
    more: &[&str],
) -> Result<Ran> {
    let child = Command::new(product_binary("tokenwright")?)
        .args(["profile", "try", profile, "--endpoint", endpoint])
        .args(more)
        .env_clear()
        .envs(credential.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    // Six attempts of a revoke and the time to settle are less than that.
    let output = tokio::time::timeout(Duration::from_secs(180), child).await??;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).context("the program says no text")?;
    for (variable, secret) in credential
        .iter()
        .filter(|(name, _)| !name.ends_with("_USER"))
    {
        assert!(!said.contains(secret), "{variable} is printed: {said}");
    }
    let code = output.status.code();
    Ok(Ran { code, said })
}

async fn tried_on_hub(endpoint: &str, more: &[&str]) -> Result<Ran> {
    let credential = [("JUPYTERHUB_API_TOKEN", JupyterHub::CREDENTIAL)];
    let user = format!("user={ALAN}");
    let own = ["--parameter", &user, "--scope", "inherit"];
    tried("jupyterhub", endpoint, &credential, &[&own, more].concat()).await
}

async fn tokens_on_hub(hub: &JupyterHub) -> Vec<Value> {
    let service = format!("token {}", JupyterHub::CREDENTIAL);
    let address = format!("{}/users/{ALAN}/tokens", hub.endpoint());
    let (status, listed) = ask(As::Header(&service), "GET", &address, None).await;
    assert_eq!(status, 200, "{listed}");
    listed["api_tokens"].as_array().unwrap().clone()
}

const ROOT: As<'static> = As::Basic(Devpi::USER, Devpi::PASSWORD);

async fn tried_on_devpi(endpoint: &str, user: &str, more: &[&str]) -> Result<Ran> {
    let credential = [
        ("DEVPI_USER", Devpi::USER),
        ("DEVPI_PASSWORD", Devpi::PASSWORD),
    ];
    let user = format!("user={user}");
    let own = ["--parameter", user.as_str()];
    tried("devpi", endpoint, &credential, &[&own, more].concat()).await
}

async fn tokens_on_devpi(devpi: &Devpi, user: &str) -> Vec<String> {
    let address = format!("{}/{user}/+tokens", devpi.endpoint());
    let (status, listed) = ask(ROOT, "GET", &address, None).await;
    assert_eq!(status, 200, "{listed}");
    let tokens = listed["result"]["tokens"].as_object().unwrap();
    tokens.keys().cloned().collect()
}

/// What becomes of a mint on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loses {
    Request,
    Answer,
}

/// Stands between the program and a server, and loses every mint.
struct Lossy {
    endpoint: String,
    mints: Arc<AtomicUsize>,
    answer: Arc<Mutex<String>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Lossy {
    async fn before(endpoint: &str, loses: Loses) -> Result<Self> {
        let rest = endpoint.strip_prefix("http://").context("no http")?;
        let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}/{path}", listener.local_addr()?);
        let mints = Arc::new(AtomicUsize::new(0));
        let answer = Arc::new(Mutex::new(String::new()));
        let (count, kept, server) = (Arc::clone(&mints), Arc::clone(&answer), server.to_owned());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let passed = pass(client, &server, loses);
                if let Ok(Some(lost)) = passed.await {
                    count.fetch_add(1, Ordering::SeqCst);
                    *kept.lock().unwrap() = lost;
                }
            }
        });
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            mints,
            answer,
            task,
        })
    }

    fn mints(&self) -> usize {
        self.mints.load(Ordering::SeqCst)
    }

    /// The answer that was lost last.
    fn answer(&self) -> String {
        self.answer.lock().unwrap().clone()
    }
}

/// Passes one request on, and its answer back; what was answered to a mint is lost and given here.
async fn pass(mut client: TcpStream, server: &str, loses: Loses) -> Result<Option<String>> {
    let request = one_request(&mut client).await?;
    let mint = request.starts_with("POST ");
    if mint && loses == Loses::Request {
        return Ok(Some(String::new()));
    }
    let mut server = TcpStream::connect(server).await?;
    // One request for each connection, so that its answer ends where the connection does.
    let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    if mint {
        return Ok(Some(String::from_utf8_lossy(&answer).into_owned()));
    }
    client.write_all(&answer).await?;
    client.shutdown().await?;
    Ok(None)
}

/// Head and body of a request that is text.
async fn one_request(client: &mut TcpStream) -> Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone())?;
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "));
            if body.len() >= length.map_or(Ok(0), str::parse)? {
                return Ok(text);
            }
        }
        let read = client.read_buf(&mut bytes).await?;
        anyhow::ensure!(read > 0, "the request is cut short");
    }
}

#[tokio::test]
async fn a_trial_takes_one_token_of_jupyterhub_through_its_life() -> Result<()> {
    let hub = JupyterHub::shared().await?;
    let ran = tried_on_hub(hub.endpoint(), &["--lifetime", "1h"]).await?;
    ran.ended(
        0,
        &[
            "✓ identity",
            "✓ mint",
            "✓ check",
            "✓ list",
            "– disable",
            "– update",
            "✓ revoke",
            "✓ look again",
            "✓ list again",
            "✓ check again",
        ],
    );
    ran.says("service:tokenwright");
    assert_eq!(tokens_on_hub(hub).await, [Value::Null; 0]);

    // What the hub refuses leaves nothing, either.
    let ran = tried_on_hub(hub.endpoint(), &["--scope", "no:such"]).await?;
    ran.ended(1, &["✓ identity", "✗ mint", "✓ find"]);
    assert_eq!(tokens_on_hub(hub).await, [Value::Null; 0]);

    // A mint whose answer is lost is found by its marker, beside a token of somebody else's.
    let service = format!("token {}", JupyterHub::CREDENTIAL);
    let address = format!("{}/users/{ALAN}/tokens", hub.endpoint());
    let theirs = serde_json::json!({ "note": "theirs", "expires_in": 3600 });
    let (_, theirs) = ask(As::Header(&service), "POST", &address, Some(theirs)).await;
    let lossy = Lossy::before(hub.endpoint(), Loses::Answer).await?;
    let ran = tried_on_hub(&lossy.endpoint, &[]).await?;
    ran.ended(
        1,
        &[
            "✓ identity",
            "✗ mint",
            "✓ find",
            "✓ revoke",
            "✓ look again",
            "✓ list again",
        ],
    );
    assert!(lossy.answer().contains("201 Created"), "{}", lossy.answer());
    let left = tokens_on_hub(hub).await;
    let left: Vec<_> = left.iter().map(|token| &token["id"]).collect();
    assert_eq!((lossy.mints(), left), (1, vec![&theirs["id"]]));
    Ok(())
}

#[tokio::test]
async fn a_trial_takes_one_token_of_devpi_through_its_life() -> Result<()> {
    let devpi = Devpi::shared().await?;
    let user = "barbara";
    devpi.user(user, "password-of-barbara").await?;
    let ran = tried_on_devpi(devpi.endpoint(), user, &["--scope", "upload"]).await?;
    ran.ended(
        0,
        &[
            "✓ identity",
            "✓ mint",
            "✓ check",
            "✓ list",
            "– disable",
            "– update",
            "✓ revoke",
            "✓ look again",
            "✓ check again",
        ],
    );
    ran.says("a lost mint would not be, for want of names");
    assert_eq!(tokens_on_devpi(devpi, user).await, [""; 0]);

    let ran = tried_on_devpi(devpi.endpoint(), user, &["--lifetime", "never"]).await?;
    assert_eq!(ran.code, Some(2), "{}", ran.said);
    ran.says("--lifetime: never is not possible: a token whose answer was lost could not be found");
    Ok(())
}

#[tokio::test]
async fn a_lost_mint_at_devpi_is_named_by_what_is_new_and_left_to_a_person() -> Result<()> {
    let devpi = Devpi::shared().await?;
    let user = "edsger";
    let address = devpi.user(user, "password-of-edsger").await?;
    let (status, theirs) = ask(
        ROOT,
        "POST",
        &format!("{address}/+token-create"),
        Some(serde_json::json!({ "expires": 4_000_000_000_u64 })),
    )
    .await;
    assert_eq!(status, 200, "{theirs}");
    let theirs = tokens_on_devpi(devpi, user).await;

    let lossy = Lossy::before(devpi.endpoint(), Loses::Answer).await?;
    let ran = tried_on_devpi(&lossy.endpoint, user, &["--lifetime", "2h"]).await?;
    ran.ended(3, &["✓ identity", "✗ mint", "✗ find"]);
    assert_eq!(lossy.mints(), 1, "sent once");
    let lost: Value = serde_json::from_str(lossy.answer().rsplit("\r\n").next().unwrap())?;
    let value = lost["result"]["token"].as_str().unwrap();
    assert!(!ran.said.contains(value), "the value is printed");
    let mut new = tokens_on_devpi(devpi, user).await;
    new.retain(|id| !theirs.contains(id));
    let [id] = new.as_slice() else {
        panic!("one token is new, and not {new:?}")
    };
    ran.says(&format!(
        "new is id {id}, and the system does not show whose"
    ));
    let told = format!(
        "a token may be alive at {}: look at id {id} and revoke it. It expires within 2h.",
        lossy.endpoint
    );
    ran.says(&told);
    // As the person would.
    let (status, _) = ask(ROOT, "DELETE", &format!("{address}/+tokens/{id}"), None).await;
    assert_eq!((status, tokens_on_devpi(devpi, user).await), (200, theirs));
    Ok(())
}

#[tokio::test]
async fn a_mint_that_never_came_to_devpi_left_nothing_to_look_for() -> Result<()> {
    let devpi = Devpi::shared().await?;
    let user = "donald";
    devpi.user(user, "password-of-donald").await?;
    let lossy = Lossy::before(devpi.endpoint(), Loses::Request).await?;
    let ran = tried_on_devpi(&lossy.endpoint, user, &[]).await?;
    ran.ended(1, &["✓ identity", "✗ mint", "✓ find"]);
    ran.says("no token is new: nothing was minted");
    assert_eq!(lossy.mints(), 1, "sent once");
    assert_eq!(tokens_on_devpi(devpi, user).await, [""; 0]);
    Ok(())
}
