//! What is told of a decision, to people and to programs.

use jiff::Timestamp;
use serde::Serialize;
use tokenwright_api::names::{reason, told};
use tokenwright_core::{
    Action, AtDestination, AtIssuer, Explained, Flow, Note, Record, reason::more,
};

use crate::cluster::trouble::{Trouble, advice};
use crate::output::tame;
use crate::when::relative;

/// An explanation, as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Explanation {
    object: String,
    /// What happens now; null where nothing does.
    now: Option<String>,
    reason: String,
    pub(super) sentence: String,
    advice: String,
    /// When the operator decides again even if nothing changes.
    again_at: Option<Timestamp>,
    /// The rules that were asked, in their order.
    rules: Vec<&'static str>,
    /// The rule that won; null where none had anything to say.
    won: Option<&'static str>,
    pub(super) current: Option<Token>,
    retiring: Vec<Token>,
    trouble: Vec<Trouble>,
    /// What was not looked at, and may change the answer.
    pub(super) unseen: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token {
    id: String,
    revision: u32,
    expires_at: Option<Timestamp>,
    /// When the next rotation of the current token is due, or a previous one is revoked.
    pub(super) until: Option<Timestamp>,
}

impl Explanation {
    pub(super) fn of(
        object: String,
        explained: Explained,
        record: &Record,
        trouble: Vec<Trouble>,
    ) -> Self {
        let decision = explained.decision;
        let won = explained
            .asked
            .last()
            .copied()
            .filter(|_| !explained.none_won);
        let current = record.current.as_ref().map(|held| Token {
            id: held.token.id.to_string(),
            revision: held.token.marker.revision,
            expires_at: held.expires_at,
            until: None,
        });
        let retiring = record.retiring.iter().map(|retiring| Token {
            id: retiring.token.id.to_string(),
            revision: retiring.token.marker.revision,
            expires_at: retiring.expires_at,
            until: Some(retiring.not_before),
        });
        Self {
            object,
            now: decision.action.as_ref().map(step),
            reason: decision.reason.name().to_owned(),
            sentence: decision.reason.sentence().to_owned(),
            advice: decision.reason.advice().to_owned(),
            again_at: decision.check_again,
            rules: explained.asked,
            won,
            current,
            retiring: retiring.collect(),
            trouble,
            unseen: Vec::new(),
        }
    }

    /// Nothing is minted there, so no rule of minting is asked.
    pub(super) fn of_adopted(
        object: String,
        trouble: Vec<Trouble>,
        status: &tokenwright_api::ApiTokenStatus,
    ) -> Self {
        let adopted = status.adopted.as_ref();
        let known = told();
        let told = known.get(reason::ADOPTED);
        Self {
            object,
            now: None,
            reason: reason::ADOPTED.to_owned(),
            sentence: told.map_or_else(String::new, |told| told.sentence.to_owned()),
            advice: advice(reason::ADOPTED).to_owned(),
            again_at: adopted.and_then(|adopted| adopted.warn_at),
            rules: Vec::new(),
            won: None,
            current: adopted.map(|adopted| Token {
                id: adopted.token_id.clone().unwrap_or_else(|| "-".to_owned()),
                revision: adopted.revision.unwrap_or_default(),
                expires_at: adopted.expires_at,
                until: adopted.warn_at,
            }),
            retiring: Vec::new(),
            trouble,
            unseen: Vec::new(),
        }
    }

    /// Nothing of what was decided is done before a person has settled this.
    pub(super) fn stands_before(&mut self, reason: &str) {
        let known = told();
        let told = known.get(reason);
        self.now = None;
        reason.clone_into(&mut self.reason);
        self.sentence = told.map_or_else(String::new, |told| told.sentence.to_owned());
        advice(reason).clone_into(&mut self.advice);
        self.again_at = None;
        self.rules.clear();
        self.won = None;
    }

    pub(super) fn told(&self, now: Timestamp) -> String {
        let at = |at: Option<Timestamp>| match at {
            Some(at) => format!("{at:.0} ({})", relative(at, now)),
            None => "never".to_owned(),
        };
        let mut lines = vec![self.object.clone()];
        lines.push(format!(
            "  now       {}",
            self.now.as_deref().unwrap_or("nothing is done")
        ));
        lines.push(format!("  because   {}: {}", self.reason, self.sentence));
        if self.advice != "Nothing." {
            lines.push(format!("  you       {}", self.advice));
            lines.push(format!("  more      {}", more(&self.reason)));
        }
        if let Some(again) = self.again_at {
            lines.push(format!(
                "  again     {}, and at every change",
                at(Some(again))
            ));
        }
        if let Some(token) = &self.current {
            let renews = token
                .until
                .map(|until| format!(", next {}", at(Some(until))));
            lines.push(format!(
                "  current   revision {}, id {}, expires {}{}",
                token.revision,
                tame(&token.id),
                at(token.expires_at),
                renews.unwrap_or_default()
            ));
        }
        for token in &self.retiring {
            lines.push(format!(
                "  retiring  revision {}, id {}, revoked {}",
                token.revision,
                tame(&token.id),
                at(token.until)
            ));
        }
        for trouble in &self.trouble {
            lines.push(format!(
                "  trouble   {}: {} {} {}",
                trouble.reason,
                tame(&trouble.message),
                trouble.advice,
                more(&trouble.reason)
            ));
        }
        if !self.rules.is_empty() {
            lines.push("  rules, in the order in which they were asked:".to_owned());
        }
        // The last one that was asked is why it is as it is, where none of them had to do anything, too.
        if let Some((last, before)) = self.rules.split_last() {
            lines.extend(before.iter().map(|rule| format!("    – {rule}")));
            lines.push(format!("    ✓ {last}: {}", self.reason));
        }
        if !self.unseen.is_empty() {
            lines.push("  not looked at here:".to_owned());
        }
        lines.extend(self.unseen.iter().map(|unseen| format!("    {unseen}")));
        lines
            .iter()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }
}

/// A step in words.
fn step(action: &Action) -> String {
    match action {
        Action::Flow(Flow::Mint { revision }) => format!("revision {revision} is minted"),
        Action::Flow(Flow::Replay(attempt)) => {
            format!("the mint of revision {} is sent again", attempt.revision)
        }
        Action::Issuer(request) => asked(request),
        Action::Record(note) => noted(note),
        Action::Destination(AtDestination::Trust(token)) => {
            format!("the digest of the value of token {} is made anew", token.id)
        }
        Action::Destination(AtDestination::Remove) => "the Secret is removed".to_owned(),
        Action::Destination(AtDestination::Release) => "the Secret is released".to_owned(),
        Action::Finish => "the object may go".to_owned(),
    }
}

fn asked(request: &AtIssuer) -> String {
    match request {
        AtIssuer::Revoke(token) => format!("token {} is revoked", token.id),
        AtIssuer::MakeRoom(token) => {
            format!("token {} is revoked to make room for the next", token.id)
        }
        AtIssuer::SetEnabled(token, _) => format!("token {} is enabled or disabled", token.id),
        AtIssuer::Update(token, _) => format!("token {} is changed in place", token.id),
        AtIssuer::Prove(token) | AtIssuer::Check(token) => format!(
            "the issuer is asked whether the value of token {} authenticates",
            token.id
        ),
    }
}

fn noted(note: &Note) -> String {
    match note {
        Note::Published(_) => "what the Secret says is current is recorded".to_owned(),
        Note::RevokeClosed { token, .. } => format!("the end of token {} is recorded", token.id),
        Note::AttemptClosed { attempt, .. } => {
            format!("the lost answer of revision {} is closed", attempt.revision)
        }
        Note::MintWithdrawn => "that a mint which failed is wanted no more is recorded".to_owned(),
        Note::IntentWithdrawn => "that it is not disabled by us is recorded".to_owned(),
        Note::Recognised(identity) => format!("the account {identity} is recorded as ours"),
    }
}
