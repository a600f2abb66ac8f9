//! Why no new token came: who refused, what still works, and what happens next.

use tfplugin::Diagnostics;
use tokenwright_client::Error;
use tokenwright_core::{Outcome, Reason};

use super::apply::Work;
use super::mint::Minting;
use super::state::name;
use crate::diagnostics;

impl Work<'_> {
    pub(super) fn say_not_minted(&self, minting: &Minting, diags: &mut Diagnostics) {
        let summary = self.not_minted();
        let goes_on = self.goes_on();
        let reason = match &minting.outcome {
            Outcome::Failed { reason, .. } => *reason,
            Outcome::NotWithdrawn(token) => {
                diags.error(
                    summary,
                    format!(
                        "Token {} was minted, could not be used, and could not be revoked again. {goes_on} The state names it in retiring: the next apply revokes it.",
                        token.id
                    ),
                );
                return;
            }
            Outcome::Lost { .. } if minting.product.is_some() => {
                let id = minting
                    .product
                    .as_ref()
                    .map(|product| product.token.id.to_string());
                diags.error(
                    summary,
                    format!(
                        "Token {} was minted, could not be used, and could not be revoked again. {goes_on} It is found by its marker: {}",
                        id.unwrap_or_default(),
                        self.found_later()
                    ),
                );
                return;
            }
            _ => {
                let next = format!(
                    "{goes_on} If a token was minted, nobody has its value: {}",
                    self.found_later()
                );
                match &minting.error {
                    Some(error) => diagnostics::issuer_error(diags, &summary, error, &next),
                    None => diags.error(summary, next),
                }
                return;
            }
        };
        match (&minting.error, reason) {
            (Some(error), Reason::MintRefused | Reason::MintNotSent) => {
                let next = format!("Nothing was minted. {}", self.after(error));
                let inputs = &self.wanted.spec.inputs;
                diagnostics::inputs_refused(diags, (&summary, &next), error, inputs);
            }
            (None, Reason::MintNotSent) => diags.error(
                summary,
                format!("The run was interrupted. Nothing was minted. {goes_on}"),
            ),
            (_, reason) => diags.error(summary, format!("{} {goes_on}", reason.sentence())),
        }
    }

    pub(super) fn not_minted(&self) -> String {
        format!(
            "Issuer {:?} gave no new token for {:?}",
            self.session.connected.name, self.wanted.spec.inputs.name
        )
    }

    pub(super) fn goes_on(&self) -> String {
        match &self.stored.record.current {
            Some(_) => format!(
                "{} is still the current one; the next plan tries again.",
                name(&self.stored)
            ),
            None => "The next apply tries again.".to_owned(),
        }
    }

    /// What happens next, and whether trying again helps at all.
    pub(super) fn after(&self, refusal: &Error) -> String {
        if refusal.kind.is_transient() {
            return self.goes_on();
        }
        let helps = diagnostics::then(refusal, "");
        match &self.stored.record.current {
            Some(_) => format!("{} is still the current one. {helps}", name(&self.stored)),
            None => helps,
        }
    }

    fn found_later(&self) -> &'static str {
        match &self.stored.record.current {
            Some(_) => "the next refresh looks for it and retires it.",
            None => "the next apply looks for it and revokes it.",
        }
    }
}
