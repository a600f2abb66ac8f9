//! Mutual TLS with the one host that started us.
//!
//! go-plugin's host shows a self-signed P-521 certificate that is its own CA. Web-PKI rules
//! refuse such a leaf, and ring cannot verify P-521; so the certificate is pinned byte by byte,
//! and the signature is verified with RustCrypto where ring cannot.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

/// Our half of the handshake.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// The leaf that the host pins in its turn.
    pub(crate) certificate: CertificateDer<'static>,
}

/// Why mutual TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("read the certificate in PLUGIN_CLIENT_CERT")]
    ClientCertificate(#[source] rustls::pki_types::pem::Error),
    #[error("make a server certificate")]
    ServerCertificate(#[source] rcgen::Error),
    #[error("configure TLS")]
    Configuration(#[source] Error),
}

/// Makes a fresh certificate, and a configuration that lets in the owner of `client_pem` alone.
pub(crate) fn mutual(client_pem: &str) -> Result<Tls, TlsError> {
    let client = CertificateDer::from_pem_slice(client_pem.as_bytes())
        .map_err(TlsError::ClientCertificate)?;
    let server = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .map_err(TlsError::ServerCertificate)?;
    let certificate = server.cert.der().clone();
    let key = PrivateKeyDer::try_from(server.signing_key.serialize_der())
        .map_err(|why| TlsError::Configuration(Error::General(why.to_owned())))?;
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pinned::new(client, &crypto));
    let mut config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Configuration)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.clone()], key)
        .map_err(TlsError::Configuration)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Tls {
        config: Arc::new(config),
        certificate,
    })
}

#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    schemes: Vec<SignatureScheme>,
    others: WebPkiSupportedAlgorithms,
}

/// P-521 by itself; ring's own algorithms serve every other key.
static P521: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[&P521Sha512],
    mapping: &[(SignatureScheme::ECDSA_NISTP521_SHA512, &[&P521Sha512])],
};

impl Pinned {
    fn new(certificate: CertificateDer<'static>, crypto: &CryptoProvider) -> Self {
        let others = crypto.signature_verification_algorithms;
        let mut schemes = P521.supported_schemes();
        schemes.extend(others.supported_schemes());
        Self {
            certificate,
            schemes,
            others,
        }
    }

    fn algorithms(&self, scheme: SignatureScheme) -> &WebPkiSupportedAlgorithms {
        match scheme {
            SignatureScheme::ECDSA_NISTP521_SHA512 => &P521,
            _ => &self.others,
        }
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // Its dates do not matter: it was made for this process by the one that started it.
        if end_entity.as_ref() == self.certificate.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, self.algorithms(dss.scheme))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, self.algorithms(dss.scheme))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

#[derive(Debug)]
struct P521Sha512;

impl SignatureVerificationAlgorithm for P521Sha512 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        use p521::ecdsa::{DerSignature, VerifyingKey, signature::Verifier};
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = DerSignature::try_from(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }
}
