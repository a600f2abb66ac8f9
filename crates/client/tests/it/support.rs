//! A server of a few lines that answers whatever bytes a test wants, and keeps what it was sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokenwright_client::{
    MintRequest, ProfileIssuer, ProfileSettings, SecretText, SecretValue, profile,
};
use tokenwright_core::{Inputs, Parameters};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The credential of every issuer here.
pub(crate) const CREDENTIAL: &str = "credential-4f1d9a7c2e";

/// What the server does with a connection after it read the request.
#[derive(Clone)]
pub(crate) enum Does {
    /// Writes these bytes and closes.
    Answers(Vec<u8>),
    /// Writes the head, then this many bytes of body.
    Floods(&'static str, usize),
    /// Writes nothing and keeps the connection.
    Hangs,
    /// Closes without a word.
    Closes,
}

pub(crate) struct Server {
    pub(crate) endpoint: String,
    received: Arc<Mutex<Vec<String>>>,
    written: Arc<Mutex<usize>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Everything that was sent, one text per request.
    pub(crate) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// How many bytes of flood the client took.
    pub(crate) fn written(&self) -> usize {
        *self.written.lock().unwrap()
    }
}

pub(crate) fn answer(status: &str, kind: &str, body: &str) -> Does {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}");
    Does::Answers(format!("{head}\r\nconnection: close\r\n\r\n{body}").into_bytes())
}

pub(crate) fn json(status: &str, body: &str) -> Does {
    answer(status, "application/json", body)
}

/// Serves; the function sees the whole request.
pub(crate) async fn serve(does: impl Fn(&str) -> Does + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::new(Mutex::new(0));
    let (seen, sent, does) = (Arc::clone(&received), Arc::clone(&written), Arc::new(does));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, sent, does) = (Arc::clone(&seen), Arc::clone(&sent), Arc::clone(&does));
            tokio::spawn(async move { one(stream, &seen, &sent, &*does).await });
        }
    });
    Server {
        endpoint,
        received,
        written,
        task,
    }
}

async fn one(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    sent: &Mutex<usize>,
    does: &(dyn Fn(&str) -> Does + Send + Sync),
) {
    let request = read(&mut stream).await;
    if request.is_empty() {
        return;
    }
    seen.lock().unwrap().push(request.clone());
    match does(&request) {
        Does::Answers(bytes) => {
            // A client that has seen enough closes early.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Does::Floods(head, count) => {
            let _ = stream.write_all(head.as_bytes()).await;
            let block = vec![b' '; 64 * 1024];
            for _ in 0..count / block.len() {
                if stream.write_all(&block).await.is_err() {
                    return;
                }
                *sent.lock().unwrap() += block.len();
            }
        }
        Does::Hangs => tokio::time::sleep(Duration::from_secs(60)).await,
        Does::Closes => {}
    }
}

/// One request with its body.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut block = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "));
            let length = length.map_or(0, |l| l.parse().unwrap());
            if body.len() >= length {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        match stream.read(&mut block).await {
            Ok(0) | Err(_) => return String::new(),
            Ok(count) => bytes.extend_from_slice(&block[..count]),
        }
    }
}

pub(crate) fn issuer(name: &str, endpoint: &str, timeout: Duration) -> ProfileIssuer {
    let profile = profile::builtin(name).unwrap();
    let part = profile.credential().keys().next().unwrap().clone();
    let credential = SecretValue::new([(part, SecretText::new(CREDENTIAL.to_owned()))]);
    ProfileIssuer::new(
        profile,
        ProfileSettings {
            endpoint: Some(endpoint.to_owned()),
            credential,
            request_timeout: timeout,
        },
    )
    .unwrap()
}

pub(crate) fn mint(name: &str) -> MintRequest {
    let (scopes, parameters) = match name {
        "seeme" => (["models:read".to_owned()].into(), Parameters::new()),
        _ => {
            let user = ("user_id".to_owned(), "u-1".to_owned());
            (Default::default(), Parameters::from([user]))
        }
    };
    MintRequest {
        remote_name: "bad input".to_owned(),
        inputs: Inputs {
            name: "bad input".to_owned(),
            scopes,
            parameters,
            lifetime: "36h".parse().unwrap(),
        },
        at: "2026-01-01T00:00:00Z".parse().unwrap(),
        idempotency_key: "key".to_owned(),
        send_by: None,
    }
}
