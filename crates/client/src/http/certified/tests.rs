use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Signs for both sides.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    roots: RootCertStore,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let pem = certificate.pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem, roots }
    }

    fn signed(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// The certificate and the key of a client.
    fn of(&self, name: &str) -> (SecretText, SecretText) {
        let (certificate, key) = self.signed(name);
        let texts = (certificate.pem(), key.serialize_pem());
        (SecretText::new(texts.0), SecretText::new(texts.1))
    }

    /// Answers 200 to whoever shows a certificate of this authority.
    async fn serve(&self) -> String {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Arc::new(self.roots.clone());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let (certificate, key) = self.signed("localhost");
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever shows nothing is let go.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut bytes = [0; 4096];
                let _ = stream.read(&mut bytes).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        format!("https://localhost:{port}/me")
    }

    fn client(&self, identity: Option<reqwest::Identity>, proxies: &Proxies) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.pem.as_bytes()).unwrap();
        let mut builder = policy(proxies).unwrap().tls_certs_only([root]);
        if let Some(identity) = identity {
            builder = builder.identity(identity);
        }
        builder.build().unwrap()
    }
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_lets_in_whoever_shows_one_and_nobody_else() {
    let authority = Authority::new();
    let address = authority.serve().await;
    let none = Proxies::default();
    let (certificate, key) = authority.of("us");
    let ours = identity(&certificate, Some(&key));
    let answer = authority.client(ours, &none).get(&address).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    let stranger = Authority::new().of("us");
    for other in [None, identity(&stranger.0, Some(&stranger.1))] {
        let shown = other.is_some();
        let answer = authority.client(other, &none).get(&address).send().await;
        assert!(answer.is_err(), "{shown}");
    }
}

#[tokio::test]
async fn connections_with_a_certificate_go_through_the_same_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let read = stream.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    });
    let proxies = Proxies::of(|name| (name == "HTTPS_PROXY").then(|| proxy.clone()));
    let authority = Authority::new();
    let (certificate, key) = authority.of("us");
    let client = authority.client(identity(&certificate, Some(&key)), &proxies);
    let _refused = client.get("https://issuer.invalid/me").send().await;
    let seen = seen.await.unwrap();
    assert!(seen.starts_with("CONNECT issuer.invalid:443 "), "{seen}");
}

#[test]
fn a_certificate_and_a_key_that_do_not_belong_together_are_no_connection() {
    let authority = Authority::new();
    let ((certificate, key), (_, other)) = (authority.of("us"), authority.of("them"));
    assert!(Certified::new(&certificate, Some(&key)).is_some());
    assert!(Certified::new(&certificate, Some(&other)).is_none());
    assert!(
        Certified::new(&certificate, None).is_none(),
        "no key at all"
    );
    let text = SecretText::new("hunter2".to_owned());
    assert!(Certified::new(&text, Some(&key)).is_none());
    let shown = format!("{:?}", Certified::new(&certificate, Some(&key)));
    assert_eq!(shown, "Some(Certified(…))");
}
