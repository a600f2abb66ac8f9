//! A company's network on this machine's loopback: a proxy that leads to names which nobody else knows, and
//! a server whose certificate a private authority signed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A proxy that tunnels, and remembers to where.
#[derive(Debug)]
pub struct Proxy {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Proxy {
    /// Starts one that leads to these addresses for these names, each with its port, and to all others as
    /// they are.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start(names: BTreeMap<String, SocketAddr>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("no port for a proxy")?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (remembered, names) = (Arc::clone(&asked), Arc::new(names));
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (asked, names) = (Arc::clone(&remembered), Arc::clone(&names));
                tokio::spawn(async move {
                    // A client that goes away ends its tunnel.
                    let _ended = tunnel(client, &names, &asked).await;
                });
            }
        });
        Ok(Self {
            url,
            asked,
            serving,
        })
    }

    /// Where tunnels were asked for, as `HOST:PORT`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock();
        asked.map(|asked| asked.clone()).unwrap_or_default()
    }
}

async fn tunnel(
    client: TcpStream,
    names: &BTreeMap<String, SocketAddr>,
    asked: &Mutex<Vec<String>>,
) -> Result<()> {
    let mut client = BufReader::new(client);
    let mut first = String::new();
    client.read_line(&mut first).await?;
    let mut line = String::new();
    while client.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let mut words = first.split(' ');
    let (Some("CONNECT"), Some(target)) = (words.next(), words.next()) else {
        client.write_all(b"HTTP/1.1 405 No\r\n\r\n").await?;
        return Ok(());
    };
    if let Ok(mut asked) = asked.lock() {
        asked.push(target.to_owned());
    }
    let mut server = match names.get(target) {
        Some(address) => TcpStream::connect(address).await?,
        None => TcpStream::connect(target).await?,
    };
    client.write_all(b"HTTP/1.1 200 Yes\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// A server that speaks TLS under a name, and hands on what it is told to a server that does not.
#[derive(Debug)]
pub struct TlsFront {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate of its authority, PEM.
    pub authority: String,
    serving: JoinHandle<()>,
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TlsFront {
    /// Starts one for this name before the server at `behind`.
    ///
    /// # Errors
    ///
    /// When no certificate can be made, or no port can be had.
    pub async fn start(name: &str, behind: SocketAddr) -> Result<Self> {
        crate::crypto();
        let (config, authority) = certified(name)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("no port for a server")?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(behind).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Ok(Self {
            address,
            authority,
            serving,
        })
    }
}

/// A server's configuration with a certificate for `name`, and its authority.
fn certified(name: &str) -> Result<(rustls::ServerConfig, String)> {
    let key = KeyPair::generate().context("cannot make a key")?;
    let mut params = CertificateParams::default();
    let title = "a company's authority";
    params.distinguished_name.push(DnType::CommonName, title);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = params.self_signed(&key).context("cannot sign")?;
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().context("cannot make a key")?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &issuer).context("cannot sign")?;
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|why| anyhow::anyhow!("no key: {why}"))?;
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .context("no certificate")?;
    Ok((config, authority.pem()))
}
