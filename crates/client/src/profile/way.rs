//! The ways to authenticate: one, or several, of which that one is used whose parts are given.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::engine::InvalidSettings;
use super::plan::{AuthPlan, CertificatePlan, Plan, WayPlan};
use super::{Profile, Way};
use crate::http::Certified;
use crate::http::jwt::Key;
use crate::secret::{SecretText, SecretValue, Unsendable};

impl Profile {
    /// The ways to authenticate; one without parts where nothing is minted.
    pub fn ways(&self) -> impl Iterator<Item = Way<'_>> {
        self.plan.ways.iter().map(|way| Way {
            name: way.name.as_deref(),
            parts: &way.parts,
        })
    }

    /// The first way whose parts are all given.
    #[must_use]
    pub fn way_given(&self, is_given: impl Fn(&str) -> bool) -> Option<Way<'_>> {
        self.ways()
            .find(|way| way.parts.iter().all(|part| is_given(part)))
    }

    /// The part that is meant where a single secret is given without a name.
    #[must_use]
    pub fn single_part(&self) -> Option<&str> {
        let mut singles = self.ways().filter_map(|way| match way.parts {
            [part] => Some(part.as_str()),
            _ => None,
        });
        let first = singles.next()?;
        singles.next().is_none().then_some(first)
    }
}

impl Plan {
    /// The way whose parts are given.
    pub(super) fn way(&self, given: &SecretValue) -> Result<Arc<WayPlan>, InvalidSettings> {
        // What is missing of the only one, its reader says.
        if let [only] = self.ways.as_slice() {
            return Ok(Arc::clone(only));
        }
        let there = |part: &String| given.part(part).is_some_and(|text| !text.is_empty());
        let whole = self.ways.iter().filter(|way| way.parts.iter().all(there));
        let whole: Vec<_> = whole.collect();
        // A way whose parts are among those of another one that is given is not what is meant.
        let within = |way: &WayPlan, other: &WayPlan| {
            way.parts.len() < other.parts.len()
                && way.parts.iter().all(|part| other.parts.contains(part))
        };
        let mut meant = whole
            .iter()
            .filter(|way| !whole.iter().any(|other| within(way, other)));
        match (meant.next(), meant.next()) {
            (Some(way), None) => Ok(Arc::clone(way)),
            (found, _) => Err(InvalidSettings::Way {
                given: if found.is_some() { "several" } else { "none" },
                ways: self.in_words(),
            }),
        }
    }

    fn in_words(&self) -> String {
        let ways = self.ways.iter().map(|way| {
            let name = way.name.as_deref().unwrap_or_default();
            format!("{name} ({})", way.parts.join(", "))
        });
        ways.collect::<Vec<_>>().join(" or ")
    }
}

impl WayPlan {
    /// The fields of all parts that are documents.
    pub(super) fn opened(&self, own: &SecretValue) -> BTreeMap<String, SecretText> {
        let fields = self.fields.iter();
        let fields = fields.filter_map(|field| {
            let text = own.part(&field.part)?.field(&field.at)?;
            Some((field.name.clone(), text))
        });
        fields.collect()
    }

    /// What keeps a part of the credential from being used; `text` is not empty.
    pub(super) fn usable(&self, part: &str, text: &SecretText) -> Result<(), Unsendable> {
        let mut fields = self
            .fields
            .iter()
            .filter(|field| field.part == part)
            .peekable();
        if fields.peek().is_some() {
            if !text.is_document() {
                return Err(Unsendable::NoDocument);
            }
            for field in fields {
                let there = text.field(&field.at).filter(|text| !text.is_empty());
                let there = there.ok_or_else(|| Unsendable::NoField(field.at.clone()))?;
                self.usable_key(&field.name, &there)?;
            }
            return Ok(());
        }
        if self.is_key(part) {
            return self.usable_key(part, text);
        }
        text.sendable(self.stands_in_header(part))
    }

    /// The connections of this way, where they show a certificate.
    pub(super) fn certified(
        &self,
        own: &SecretValue,
    ) -> Result<Option<Certified>, InvalidSettings> {
        let Some(CertificatePlan { certificate, key }) = &self.certificate else {
            return Ok(None);
        };
        let opened = self.opened(own);
        let part = |name: &String| opened.get(name).or_else(|| own.part(name));
        let (Some(shown), Some(secret)) = (part(certificate), part(key)) else {
            let part = key.clone();
            return Err(InvalidSettings::CredentialPart { part });
        };
        let certified = Certified::new(shown, Some(secret).filter(|_| certificate != key));
        certified
            .map(Some)
            .ok_or_else(|| InvalidSettings::Unsendable {
                part: key.clone(),
                problem: Unsendable::OtherKey,
            })
    }

    /// Whether a part is never sent itself.
    fn is_key(&self, part: &str) -> bool {
        let signs = self.jwt.as_ref().is_some_and(|jwt| jwt.key == part);
        let shown = self.certificate.as_ref();
        signs || shown.is_some_and(|plan| plan.certificate == part || plan.key == part)
    }

    fn usable_key(&self, part: &str, text: &SecretText) -> Result<(), Unsendable> {
        if let Some(jwt) = self.jwt.as_ref().filter(|jwt| jwt.key == part) {
            Key::read(jwt.algorithm, text)?;
        }
        if let Some(plan) = &self.certificate {
            plan.usable(part, text)?;
        }
        Ok(())
    }

    /// Whether a part of the credential stands in a header as it is; as user or password of HTTP Basic it
    /// is encoded.
    pub(super) fn stands_in_header(&self, name: &str) -> bool {
        let login = self.login.as_ref().and_then(|login| login.auth.as_ref());
        let ways = [self.auth.as_ref(), login].into_iter().flatten();
        ways.into_iter().any(|way| match way {
            AuthPlan::Header { part, .. } => part == name,
            AuthPlan::Headers(headers) => headers.iter().any(|header| header.part == name),
            // The user of HTTP Digest is sent as it is.
            AuthPlan::Digest { .. } => way.parts().first() == Some(&name),
            AuthPlan::Basic { .. } | AuthPlan::Sigv4(_) => false,
        })
    }
}

impl CertificatePlan {
    #[expect(
        clippy::disallowed_methods,
        reason = "the request writer: a key leaves its type to sign"
    )]
    fn usable(&self, part: &str, text: &SecretText) -> Result<(), Unsendable> {
        let pem = text.expose().as_bytes();
        if self.certificate == part && CertificateDer::from_pem_slice(pem).is_err() {
            return Err(Unsendable::NoCertificate);
        }
        if self.key == part && PrivateKeyDer::from_pem_slice(pem).is_err() {
            return Err(Unsendable::NoClientKey);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
