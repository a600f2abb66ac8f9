//! The secrets of one request: those of whoever asks, and what a login made of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::secret::{SecretText, SecretValue};

/// The name of the part that a login gives.
pub(super) const LOGIN: &str = "login";

/// What a login gave.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) begun: Instant,
    pub(super) login: SecretText,
    /// Who the answer says that we are, where `identity` reads it there.
    pub(super) identity: Option<String>,
}

/// Sessions by the parameters that the login uses. Each has a lock of its own, held while somebody logs in.
pub(super) type Sessions = BTreeMap<Vec<Option<String>>, Arc<Mutex<Option<Arc<Session>>>>>;

/// The secrets of one request.
#[derive(Debug)]
pub(super) struct Secrets<'a> {
    pub(super) own: &'a SecretValue,
    pub(super) session: Option<Arc<Session>>,
    /// The fields of parts that are documents, and what was signed.
    pub(super) made: BTreeMap<String, SecretText>,
    /// The instant from which what is signed is good.
    pub(super) at: Timestamp,
}

/// A part that a request needs, and that whoever asks does not have.
#[derive(Debug, thiserror::Error)]
#[error("part {0}, which the request needs, is missing")]
pub(super) struct NoPart(pub(super) String);

impl Secrets<'_> {
    pub(super) fn part(&self, name: &str) -> Result<&SecretText, NoPart> {
        let part = match (&self.session, name) {
            (Some(session), LOGIN) => Some(&session.login),
            _ => self.made.get(name).or_else(|| self.own.part(name)),
        };
        part.ok_or_else(|| NoPart(name.to_owned()))
    }
}
