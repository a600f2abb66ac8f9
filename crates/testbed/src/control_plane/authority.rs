//! A throw-away certificate authority: the API server's certificate, and one for each user.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};

pub(super) const CA_CERTIFICATE: &str = "ca.crt";
pub(super) const SERVING_CERTIFICATE: &str = "serving.crt";
pub(super) const SERVING_KEY: &str = "serving.key";
pub(super) const SERVICE_ACCOUNT_KEY: &str = "service-account.key";
pub(super) const SERVICE_ACCOUNT_PUBLIC_KEY: &str = "service-account.pub";

/// The object identifier of an organisation, which Kubernetes reads as a group.
const ORGANIZATION: [u64; 4] = [2, 5, 4, 10];

/// The first address of the service range, where Pods would look for the API server.
const SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// Signs certificates for one control plane.
#[derive(Debug)]
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) certificate: String,
}

/// A certificate and its key, both PEM.
pub(super) struct Identity {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new() -> Result<Self> {
        let key = KeyPair::generate().context("cannot make a key for the authority")?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name("tokenwright-test-ca", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&key)
            .context("cannot sign the authority's certificate")?
            .pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// Writes the files that kube-apiserver reads.
    pub(super) fn write_to(&self, folder: &Path) -> Result<()> {
        let serving = self.serving()?;
        let accounts = KeyPair::generate().context("cannot make the service account key")?;
        for (file, text) in [
            (CA_CERTIFICATE, &self.certificate),
            (SERVING_CERTIFICATE, &serving.certificate),
            (SERVING_KEY, &serving.key),
            (SERVICE_ACCOUNT_KEY, &accounts.serialize_pem()),
            (SERVICE_ACCOUNT_PUBLIC_KEY, &accounts.public_key_pem()),
        ] {
            let path = folder.join(file);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    fn serving(&self) -> Result<Identity> {
        let names = ["localhost", "kubernetes", "kubernetes.default.svc"].map(str::to_owned);
        let mut params =
            CertificateParams::new(names).context("cannot name the API server's certificate")?;
        for address in [Ipv4Addr::LOCALHOST, SERVICE_ADDRESS] {
            let address = SanType::IpAddress(IpAddr::V4(address));
            params.subject_alt_names.push(address);
        }
        params.distinguished_name = name("kube-apiserver", &[])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// The certificate of a user in some groups.
    pub(super) fn client(&self, user: &str, groups: &[&str]) -> Result<Identity> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(user, groups)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Result<Identity> {
        let key = KeyPair::generate().context("cannot make a key")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .context("cannot sign a certificate")?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// The subject of a certificate as Kubernetes reads it: the common name is the user, organisations
/// are the groups.
///
/// `rcgen` holds one value per kind of attribute; writing the kind once by name and once by number
/// gives two, as many as a ServiceAccount has besides the group that everybody is in.
fn name(user: &str, groups: &[&str]) -> Result<DistinguishedName> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, user);
    let mut kinds = [
        DnType::OrganizationName,
        DnType::CustomDnType(ORGANIZATION.to_vec()),
    ]
    .into_iter();
    for group in groups
        .iter()
        .filter(|group| **group != "system:authenticated")
    {
        let Some(kind) = kinds.next() else {
            bail!("a test certificate carries two groups at most, not {groups:?}");
        };
        name.push(kind, *group);
    }
    Ok(name)
}

/// As kubeconfig files embed certificates and keys.
pub(super) fn base64(pem: &str) -> String {
    STANDARD.encode(pem)
}
