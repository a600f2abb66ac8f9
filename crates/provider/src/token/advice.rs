//! What works, and is likely not what was meant: a schedule that never comes due, a lifetime that the system
//! rounds down. Each warning names both values, at the attribute.

use jiff::Timestamp;
use tfplugin::{Diagnostics, Value};
use tokenwright_client::Issuer;
use tokenwright_core::instant::after;
use tokenwright_core::{InvalidSpec, duration};

use super::wanted::Wanted;
use crate::diagnostics::{self, known};
use crate::schema::names::*;

impl Wanted {
    /// What can be said of a configuration wherever its token is minted; a core asks for it before each plan.
    pub(super) fn advise(&self, config: &Value, diags: &mut Diagnostics) {
        // What cannot be read reads as absent.
        if diags.has_errors() {
            return;
        }
        let rotation = config.get(ROTATION);
        let is_empty = match rotation {
            Value::Object(all) => all.values().all(Value::is_null),
            _ => false,
        };
        let idle = match &self.until {
            Some(until) if is_empty => {
                let ends = format!(
                    "is empty, and expires_at gives every token the same end, {}: the next one is minted once that is moved, or by triggers",
                    until.text
                );
                Some(InvalidSpec::new(ROTATION.as_str(), ends))
            }
            // Without a lifetime an end may yet turn out to be wanted.
            _ if config.get(LIFETIME).is_null() => None,
            _ => self.spec.idle(|field| known(config, field)),
        };
        if let Some(idle) = idle {
            diagnostics::advice(diags, "never comes due", &idle);
        }
    }

    /// What this system makes of the wanted lifetime. A fixed end is judged where a token is minted now.
    pub(super) fn advise_at(
        &self,
        config: &Value,
        issuer: &dyn Issuer,
        mint: Option<Timestamp>,
        diags: &mut Diagnostics,
    ) {
        let lifetime = match (&self.until, mint) {
            (Some(until), Some(now)) => until.lifetime(now),
            (Some(_), None) => return,
            (None, _) => self.spec.inputs.lifetime,
        };
        let Some(wanted) = lifetime.duration().filter(|_| known(config, self.end())) else {
            return;
        };
        let given = issuer.rounded(wanted);
        if given >= wanted || diags.has_errors() {
            return;
        }
        let text = config.get(self.end()).as_str().unwrap_or_default();
        let ends = match mint.filter(|_| self.until.is_some()) {
            Some(now) => format!("the token will end at {:.0}", after(now, given)),
            None => format!("the token will live {}", duration::format(given)),
        };
        let message = format!("is {text}, and {ends}: this system counts in longer units");
        let rounded = InvalidSpec::new(self.end(), message);
        diagnostics::advice(diags, "is rounded down", &rounded);
    }
}
