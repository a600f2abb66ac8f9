//! What would be done, where nothing is done but to look.

use tokenwright_api::names::reason;
use tokenwright_core::{Action, AtDestination, AtIssuer, Flow, Reason, Switch};

use crate::cluster::conditions::Trouble;
use crate::issuer::status::ONLY_OBSERVED;
use crate::minted::managed::Beside;

/// Says it in place of doing it.
pub(super) fn would(action: &Action, why: Reason) -> Beside {
    let message = format!(
        "{ONLY_OBSERVED} It would {}. {}",
        said(action),
        why.sentence()
    );
    Beside {
        waits: Some(Trouble::new(reason::OBSERVE_ONLY, message)),
        ..Beside::default()
    }
}

fn said(action: &Action) -> String {
    match action {
        Action::Flow(Flow::Mint { revision }) => format!("mint revision {revision}"),
        Action::Flow(Flow::Replay(attempt)) => {
            format!("repeat the mint of revision {}", attempt.revision)
        }
        Action::Issuer(AtIssuer::Revoke(token) | AtIssuer::MakeRoom(token)) => {
            format!("revoke the token {}", token.id)
        }
        Action::Issuer(AtIssuer::SetEnabled(token, Switch::Enable)) => {
            format!("enable the token {}", token.id)
        }
        Action::Issuer(AtIssuer::SetEnabled(token, Switch::Disable)) => {
            format!("disable the token {}", token.id)
        }
        Action::Issuer(AtIssuer::Update(token, _)) => format!("change the token {}", token.id),
        Action::Issuer(AtIssuer::Prove(token) | AtIssuer::Check(token))
        | Action::Destination(AtDestination::Trust(token)) => {
            format!("check the value of the token {}", token.id)
        }
        Action::Destination(AtDestination::Remove) => "delete the Secret".to_owned(),
        Action::Destination(AtDestination::Release) => "release the Secret".to_owned(),
        Action::Record(_) => "record what was seen".to_owned(),
        Action::Finish => "let the object go".to_owned(),
    }
}
