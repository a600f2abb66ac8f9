//! The parts of a credential: which a request needs, which are documents, and whether they can be used.

use std::collections::BTreeMap;

use super::plan::{AuthPlan, Plan, User};
use crate::http::jwt::Key;
use crate::secret::{SecretText, SecretValue, Unsendable};

impl AuthPlan {
    /// The parts that it sends or signs with.
    pub(super) fn parts(&self) -> Vec<&str> {
        match self {
            Self::Header { part, .. } => vec![part],
            Self::Headers(headers) => headers.iter().map(|header| header.part.as_str()).collect(),
            Self::Basic { user, password, .. } => match user {
                User::Part(user) => [user]
                    .into_iter()
                    .chain(password)
                    .map(String::as_str)
                    .collect(),
                User::Text(_) => password.iter().map(String::as_str).collect(),
            },
            Self::Sigv4(plan) => vec![&plan.key_id, &plan.secret],
        }
    }
}

impl Plan {
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
        if self.jwt.as_ref().is_some_and(|jwt| jwt.key == part) {
            return self.usable_key(part, text);
        }
        text.sendable(self.stands_in_header(part))
    }

    fn usable_key(&self, part: &str, text: &SecretText) -> Result<(), Unsendable> {
        match self.jwt.as_ref().filter(|jwt| jwt.key == part) {
            Some(jwt) => Key::read(jwt.algorithm, text).map(|_| ()),
            None => Ok(()),
        }
    }
}
