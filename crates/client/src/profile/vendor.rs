//! The vendor's own sentence in a refusal, for the person who asked: short, and without anything secret.
//!
//! It never stands in conditions or events: whoever reads those did not ask, and the words are not ours.

use http::HeaderMap;
use serde_json::Value as Json;

use super::ProfileIssuer;
use super::call::Who;
use super::judge::over;
use super::read::text_of;
use super::taken::hide;
use crate::http::sentence_without;
use crate::secret::SecretText;

impl ProfileIssuer {
    /// What `errors.message` reads in an answer, without pieces of the secrets that were sent.
    pub(super) fn vendor(
        &self,
        who: Who<'_>,
        (status, headers, json): (u16, &HeaderMap, &Json),
    ) -> Option<String> {
        let plan = &self.profile.plan;
        let message = plan.errors.as_ref()?.message.as_ref()?;
        let mut json = json.clone();
        hide(&mut json, &plan.value);
        let read = message.eval(&over(status, headers, &json)).ok()??;
        let text = text_of("message", &read).ok()??;
        let told = self.without_secrets(who, |secrets| sentence_without(&text, secrets));
        (!told.is_empty()).then_some(told)
    }

    /// Gives a writer all secrets that a request may have carried; some systems word their refusals with
    /// what they were sent.
    pub(super) fn without_secrets(
        &self,
        who: Who<'_>,
        write: impl FnOnce(&mut dyn Iterator<Item = &SecretText>) -> String,
    ) -> String {
        // Nobody has it while logging in, when there is none.
        let session = self.session.try_lock().ok();
        let session = session.as_ref().and_then(|session| session.as_deref());
        let value = match who {
            Who::Value(value) => Some(value),
            Who::Us | Who::Login => None,
        };
        let ours = [&self.credential].into_iter().chain(value);
        let parts = ours.flat_map(|value| value.parts().map(|(_, text)| text));
        write(&mut parts.chain(session))
    }
}
