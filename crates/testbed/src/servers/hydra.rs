//! Ory Hydra in memory, and the gateway that shows both of its ports as one.

use std::fs;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::{Command, Ready, Running, start};
use crate::component::free_port;
use crate::tools;

const CONFIGURATION: &str = include_str!("hydra.yaml");

/// A running Hydra.
#[derive(Debug)]
pub struct Hydra {
    _running: Running,
    endpoint: String,
    gateway: AbortHandle,
}

impl Drop for Hydra {
    fn drop(&mut self) {
        self.gateway.abort();
    }
}

impl Hydra {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed, ends or does not get ready; the error carries the end of its log.
    pub async fn start() -> Result<Self> {
        let program = tools::hydra()?;
        let public = free_port()?;
        let running = start(async |folder, port| {
            let text = CONFIGURATION
                .replace("{admin}", &port.to_string())
                .replace("{public}", &public.to_string());
            let configuration = folder.join("hydra.yaml");
            fs::write(&configuration, text).context("cannot write Hydra's configuration")?;
            let configuration = configuration.display().to_string();
            let arguments = ["serve", "all", "--dev", "--config", &configuration];
            Ok(Command {
                name: "hydra",
                program: program.clone(),
                arguments: arguments.map(str::to_owned).to_vec(),
                ready: Ready::Answers("/health/ready"),
            })
        })
        .await?;
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("no port is free on loopback")?;
        let address = listener.local_addr().context("a listener has no address")?;
        let admin = running.address.trim_start_matches("http://").to_owned();
        let public = format!("127.0.0.1:{public}");
        let gateway = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (admin, public) = (admin.clone(), public.clone());
                // What is cut off here fails where it was asked.
                tokio::spawn(async move { pass(client, &admin, &public).await.ok() });
            }
        });
        Ok(Self {
            _running: running,
            endpoint: format!("http://{address}"),
            gateway: gateway.abort_handle(),
        })
    }

    /// The address of the gateway, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

/// Passes one request on to where its path belongs; the next one comes on a connection of its own.
async fn pass(mut client: TcpStream, admin: &str, public: &str) -> Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let path = head.splitn(3, |byte| *byte == b' ').nth(1);
    let is_admin = path.is_some_and(|path| path.starts_with(b"/admin"));
    let mut server = TcpStream::connect(if is_admin { admin } else { public }).await?;
    let line = head.windows(2).position(|end| end == b"\r\n").unwrap_or(0);
    let (line, rest) = head.split_at(line);
    server.write_all(line).await?;
    server.write_all(b"\r\nConnection: close").await?;
    server.write_all(rest).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
