//! Why no new token came: who refused, what still works, and what happens next.

use tfplugin::Diagnostics;
use tokenwright_client::Error;
use tokenwright_core::{LostAnswer, ManagerId, Outcome, Reason, TokenId};

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
                let next = match self.is_of_one_run() || self.session.connection.is_gone() {
                    true => by_hand(minting),
                    false => {
                        "The state names it in retiring: the next apply revokes it.".to_owned()
                    }
                };
                diags.error(
                    summary,
                    format!("{} {goes_on} {next}", not_withdrawn(&token.id)),
                );
                return;
            }
            outcome => {
                let lost = matches!(outcome, Outcome::Lost { .. });
                if let Some(product) = minting.product.as_ref().filter(|_| lost) {
                    let next = match self.lost_answer() {
                        LostAnswer::FindByMarker => {
                            format!("It is found by its marker: {}", self.found_later())
                        }
                        LostAnswer::Replay
                        | LostAnswer::CannotAttribute
                        | LostAnswer::CannotList => by_hand(minting),
                    };
                    let was = not_withdrawn(&product.token.id);
                    diags.error(summary, format!("{was} {goes_on} {next}"));
                    return;
                }
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
        match (self.lost_answer(), &self.stored.record.current) {
            (LostAnswer::FindByMarker, _) if self.is_of_one_run() => {
                "this run looks for it, and what it does not find ends by itself."
            }
            (LostAnswer::FindByMarker, Some(_)) => "the next refresh looks for it and retires it.",
            (LostAnswer::FindByMarker, None) => "the next apply looks for it and revokes it.",
            (LostAnswer::Replay, Some(_)) => "the next apply gets it again by the same request.",
            (LostAnswer::Replay | LostAnswer::CannotAttribute | LostAnswer::CannotList, _) => {
                "nothing can find it. Look at the issuer's list of tokens, and revoke there what nobody uses."
            }
        }
    }

    fn lost_answer(&self) -> LostAnswer {
        self.session.connected.issuer.capabilities().lost_answer
    }

    /// Whether no state will name what is minted.
    fn is_of_one_run(&self) -> bool {
        self.stored.instance == ManagerId::EPHEMERAL
    }
}

fn not_withdrawn(id: &TokenId) -> String {
    format!("Token {id} was minted, could not be used, and could not be revoked again.")
}

/// What a person does about a token that nothing ends later.
fn by_hand(minting: &Minting) -> String {
    let product = minting.product.as_ref();
    match product.and_then(|product| product.token.expires_at) {
        Some(at) => format!("Revoke it at the issuer, or it lives on until {at}."),
        None => "Revoke it at the issuer: it does not end by itself.".to_owned(),
    }
}
