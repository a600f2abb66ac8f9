//! The ways to authenticate: the one that a credential is, or several by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Loader, Problem};
use crate::profile::CredentialPart;
use crate::profile::plan::{CertificatePlan, WayPlan};
use crate::profile::secrets::LOGIN;
use crate::profile::signed::JWT;

impl<'a> Loader<'a> {
    /// The whole file again, whatever the scope.
    pub(super) fn top(self) -> Self {
        Self {
            scope: self.root,
            ..self
        }
    }

    /// Where the credential that is meant stands.
    pub(super) fn at_credential(self) -> Self {
        let here = self.top().within("credential");
        match self.way {
            Some(way) => here.within("ways").within(way),
            None => here,
        }
    }

    /// What has that credential under a key.
    pub(super) fn above_credential(self) -> Self {
        match self.way {
            Some(_) => self.top().within("credential").within("ways"),
            None => self.top(),
        }
    }

    /// The same for each way; without a credential there is one that has nothing.
    pub(super) fn each_way(self) -> Vec<Self> {
        let ways = self.file.credential.iter().flat_map(|c| &c.ways);
        let ways = ways.map(|(name, way)| Self {
            credential: Some(way),
            way: Some(name),
            ..self
        });
        let ways: Vec<_> = ways.collect();
        if ways.is_empty() { vec![self] } else { ways }
    }

    /// All parts, whichever way they belong to.
    pub(super) fn credential_parts(self) -> BTreeMap<String, CredentialPart> {
        let credentials = self.each_way().into_iter();
        let parts = credentials.flat_map(|way| way.credential.into_iter().flat_map(|c| &c.parts));
        let parts = parts.map(|(name, part)| {
            let env = part.env.clone();
            (name.clone(), CredentialPart { env })
        });
        parts.collect()
    }

    pub(super) fn ways(self) -> Result<Vec<Arc<WayPlan>>, Problem> {
        let ways = self.each_way().into_iter();
        ways.map(|way| way.top().way_plan().map(Arc::new)).collect()
    }

    fn way_plan(&self) -> Result<WayPlan, Problem> {
        let parts = self.credential.iter().flat_map(|c| c.parts.keys());
        Ok(WayPlan {
            fields: self.fields()?,
            name: self.way.map(str::to_owned),
            parts: parts.cloned().collect(),
            auth: self.auth()?,
            login: self.login()?,
            jwt: self.jwt()?,
            certificate: self.certificate()?,
            known: self.known_names().into_iter().map(str::to_owned).collect(),
        })
    }

    /// What several ways must keep to: each is whole, and what is given tells which one is meant.
    pub(super) fn several_ways(&self) -> Result<(), Problem> {
        let Some(credential) = &self.file.credential else {
            return Ok(());
        };
        let here = self.top().within("credential");
        if credential.ways.is_empty() {
            return match credential.parts.is_empty() {
                true => Err(self.field("credential", "needs parts, which an issuer is given")),
                false => Ok(()),
            };
        }
        if let Some(key) = credential.beside_ways() {
            let problem = "does not go together with ways, of which each has its own";
            return Err(here.field(&key, problem));
        }
        let here = here.within("ways");
        if credential.ways.len() == 1 {
            let problem = "is one way alone, which needs no name: say it in credential itself";
            return Err(self.top().within("credential").field("ways", problem));
        }
        let bare = credential.ways.iter().find(|(_, way)| way.parts.is_empty());
        if let Some((name, _)) = bare {
            return Err(here.field(name, "needs parts, which tell that it is meant"));
        }
        for (name, way) in &credential.ways {
            let others = credential.ways.iter().filter(|(other, _)| *other != name);
            for (other, of) in others {
                if of.parts.keys().eq(way.parts.keys()) {
                    let problem = format!("has the parts of {other}: nothing tells which is meant");
                    return Err(here.field(name, problem));
                }
                let differs = way.parts.iter().find(|(part, own)| {
                    let theirs = of.parts.get(*part);
                    theirs.is_some_and(|t| t.env != own.env || t.public != own.public)
                });
                if let Some((part, _)) = differs {
                    let problem = format!("is another part in {other}: give it another name");
                    return Err(here.within(name).field(part, problem));
                }
            }
        }
        Ok(())
    }

    /// The parts that are a certificate and its key.
    fn certificate(&self) -> Result<Option<CertificatePlan>, Problem> {
        let plan = self.credential.and_then(|c| c.client_certificate.as_ref());
        let Some(plan) = plan else {
            return Ok(None);
        };
        let here = self.at_credential().within("clientCertificate");
        for (key, part) in [("certificate", &plan.certificate), ("key", &plan.key)] {
            if [LOGIN, JWT].contains(&part.as_str()) || !self.is_part(part) {
                let problem = format!("{part} is no part of it: name one of those that it has");
                return Err(here.field(key, problem));
            }
        }
        if self.known_names().contains(plan.key.as_str()) {
            let problem = format!("{} is public: a key is a secret", plan.key);
            return Err(here.field("key", problem));
        }
        Ok(Some(CertificatePlan {
            certificate: plan.certificate.clone(),
            key: plan.key.clone(),
        }))
    }
}
