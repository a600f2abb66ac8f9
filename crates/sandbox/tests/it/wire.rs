//! HTTP by hand: what was sent to the letter, and what came back in its order.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Raw {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Whether the server ended the connection.
    pub(crate) closed: bool,
}

impl Raw {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn status(&self) -> u16 {
        self.line.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// One exchange on a connection of its own.
pub(crate) async fn exchange(address: SocketAddr, head: &[String], body: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head = head.join("\r\n");
    head.push_str(&format!(
        "\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        assert!(
            stream.read_buf(&mut read).await.unwrap() > 0,
            "no answer to {head}"
        );
    };
    let mut body = read.split_off(end + 4);
    let text = String::from_utf8(read).unwrap();
    let mut lines = text.trim_end().split("\r\n");
    let mut raw = Raw {
        line: lines.next().unwrap().to_owned(),
        headers: lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: String::new(),
        closed: false,
    };
    let chunked = raw.header("transfer-encoding") == Some("chunked");
    let length: usize = raw
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    if !head.starts_with("HEAD ") {
        while (chunked && !body.ends_with(b"0\r\n\r\n")) || body.len() < length {
            assert!(
                stream.read_buf(&mut body).await.unwrap() > 0,
                "the body is cut"
            );
        }
    }
    raw.body = String::from_utf8(if chunked { joined(&body) } else { body }).unwrap();
    let mut rest = [0; 1];
    let patience = Duration::from_millis(if raw.header("connection").is_some() {
        5000
    } else {
        20
    });
    raw.closed = tokio::time::timeout(patience, stream.read(&mut rest))
        .await
        .is_ok();
    raw
}

fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 4 + size..];
    }
    whole
}
