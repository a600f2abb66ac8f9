//! What would be done, where nothing is done but to look.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokenwright_api::names::reason;
use tokenwright_core::{Action, AtDestination, AtIssuer, Flow, Reason, Switch};

use crate::cluster::conditions::Trouble;
use crate::issuer::status::ONLY_OBSERVED;
use crate::minted::managed::Beside;
use crate::secret::delivery::{Ownership, left_alive, ownership};
use crate::secret::manager::Manager;

/// Says it in place of doing it, to this Secret where there is one.
pub(super) fn would(
    action: &Action,
    why: Reason,
    (secret, manager): (Option<&Secret>, &Manager),
    now: Timestamp,
) -> Beside {
    let mints = secret.filter(|_| matches!(action, Action::Flow(Flow::Mint { .. })));
    let takes = mints.and_then(|secret| taken_over(secret, manager, now));
    let why = takes.unwrap_or_else(|| why.sentence().to_owned());
    let message = format!("{ONLY_OBSERVED} It would {}. {why}", said(action));
    Beside {
        waits: Some(Trouble::new(reason::OBSERVE_ONLY, message)),
        ..Beside::default()
    }
}

/// What would become of a Secret that is not ours yet.
fn taken_over(secret: &Secret, manager: &Manager, now: Timestamp) -> Option<String> {
    let name = secret.name_any();
    match ownership(secret, manager) {
        Ownership::Predecessor { uid } => {
            let left = left_alive(&secret.metadata, now);
            Some(format!(
                "It would take the Secret {name} over from the gone object {uid}, whose tokens would stay alive: {left}."
            ))
        }
        Ownership::Offered => Some(format!(
            "It would take over the Secret {name}, which allows that."
        )),
        Ownership::Ours | Ownership::Foreign => None,
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
