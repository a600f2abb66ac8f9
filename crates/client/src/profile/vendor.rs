//! The vendor's own sentence in a refusal, for the person who asked: short, and without anything secret.
//!
//! It never stands in conditions or events: whoever reads those did not ask, and the words are not ours.

use serde_json::Value as Json;

use super::ProfileIssuer;
use super::answered::{Arrived, over};
use super::asking::Asking;
use super::read::text_of;
use crate::http::sentence_without;
use crate::secret::SecretText;

impl ProfileIssuer {
    /// What `errors.message` reads in an answer, without pieces of the secrets that were sent.
    pub(super) fn vendor(
        &self,
        asking: &Asking<'_>,
        answer: &Arrived,
        json: &Json,
    ) -> Option<String> {
        let errors = self.profile.plan.errors.as_ref()?;
        let context = over(answer.status, &answer.headers, json);
        let read = errors.message.as_ref()?.eval(&context).ok()??;
        let text = text_of("message", &read).ok()??;
        let told = self.without_secrets(asking, answer, |secrets| sentence_without(&text, secrets));
        (!told.is_empty()).then_some(told)
    }

    /// Gives a writer all secrets that a request may have carried, and those that the answer has; some systems
    /// word their refusals with what they were sent, and some refuse with the value that they made.
    pub(super) fn without_secrets(
        &self,
        asking: &Asking<'_>,
        answer: &Arrived,
        write: impl FnOnce(&mut dyn Iterator<Item = &SecretText>) -> String,
    ) -> String {
        let session = answer.session.iter().map(|session| &session.login);
        let ours = [&self.credential].into_iter().chain(asking.value);
        let parts = ours.flat_map(|value| value.parts().map(|(_, text)| text));
        let sent = parts.chain(session).chain(&answer.made);
        write(&mut sent.chain(answer.taken.made()))
    }
}
