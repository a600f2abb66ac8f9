//! The contract of systems whose tokens only a person can make: one check, and refusals of all else.

use tokenwright_core::{
    Change, Inputs, Lifetime, Liveness, ManagerId, Marker, Nonce, Origin, Parameters, Switch,
    TokenId, TokenRef, UpdateKind,
};

use super::{Broken, Clauses, Held};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::issuer::{About, Filter, Issuer, MintRequest};
use crate::revoke::{Evidence, Nomination, RevokeError, revoke};
use crate::secret::{SecretText, SecretValue};

/// What a person made, and what is left of it.
#[derive(Debug)]
pub struct MadeByHand {
    /// What the check needs beside the value; empty where it needs nothing.
    pub parameters: Parameters,
    /// A value that authenticates.
    pub alive: SecretValue,
    /// Values that do not, each with why.
    pub dead: Vec<(&'static str, SecretValue)>,
    /// The time.
    pub clock: Clock,
}

/// Holds an issuer that mints nothing to every clause; what is returned does not hold.
///
/// Run against an issuer that cannot be reached, the clauses about refusals still hold: nothing is sent.
pub async fn hold_by_hand(issuer: &dyn Issuer, made: &MadeByHand) -> Vec<Broken> {
    let suite = Suite { issuer, made };
    let mut clauses = Clauses::default();
    clauses.note(
        "what only a person can do is refused with what to do",
        suite.refusals().await,
    );
    clauses.note(
        "a value that a person made is told from one that ended",
        suite.liveness().await,
    );
    clauses.note(
        "nothing is concluded without what the check needs",
        suite.incomplete().await,
    );
    clauses.0
}

struct Suite<'a> {
    issuer: &'a dyn Issuer,
    made: &'a MadeByHand,
}

impl Suite<'_> {
    async fn refusals(&self) -> Held {
        let issuer = self.issuer;
        let manual = issuer.manual().ok_or("it does not say what to do")?;
        ensure!(!manual.trim().is_empty(), "it does not say what to do");
        let identity = issuer.identity().await;
        let nobody = matches!(identity, Ok(None));
        ensure!(nobody, "there is a credential: {identity:?}");
        let can = issuer.capabilities();
        ensure!(!can.revoke && can.update.is_empty(), "it can {can:?}");

        let marker = Marker {
            origin: Origin::of("contract"),
            manager: ManagerId::of("contract suite"),
            revision: 1,
            nonce: Nonce::from_bytes([0; 5]),
        };
        let inputs = Inputs {
            name: "contract".to_owned(),
            scopes: Default::default(),
            parameters: self.made.parameters.clone(),
            lifetime: Lifetime::Never,
        };
        let spec = issuer.validate(&inputs).err();
        let told = spec.is_some_and(|spec| spec.to_string().contains(manual));
        ensure!(told, "inputs are not refused with what to do");
        let (id, now) = (TokenId::new("k-1"), self.made.clock.now());
        let parameters = &inputs.parameters;
        let request = MintRequest {
            remote_name: marker.remote_name("contract"),
            inputs: inputs.clone(),
            at: now,
            idempotency_key: "key".to_owned(),
            send_by: None,
        };
        self.refused("mint", issuer.mint(&request).await)?;
        self.refused("get", issuer.get(&id, parameters).await)?;
        let filter = Filter::of(parameters.clone());
        self.refused("list", issuer.list(&filter).await)?;
        for kind in [UpdateKind::Name, UpdateKind::AddExpiry] {
            let change = Change {
                inputs: inputs.clone(),
                kinds: vec![kind],
            };
            let updated = issuer.update(&id, &request.remote_name, &change, now);
            self.refused("update", updated.await)?;
        }
        for switch in [Switch::Disable, Switch::Enable] {
            let told = issuer.set_enabled(&id, parameters, switch).await;
            self.refused("a switch", told)?;
        }
        let token = TokenRef {
            id,
            marker,
            parameters: parameters.clone(),
            endpoint: issuer.endpoint().to_owned(),
            identity: None,
        };
        let nomination = Nomination::of(&token, now);
        for evidence in [Evidence::Look, Evidence::Minted] {
            match revoke(issuer, nomination, evidence, now).await {
                Err(RevokeError::Issuer(error)) => self.refused::<()>("revoke", Err(error))?,
                other => return Err(format!("a revoke ended with {other:?}")),
            }
        }
        Ok(())
    }

    /// `Invalid`, which no issuer that was asked in vain gives, with the sentence for people.
    fn refused<T>(&self, what: &str, result: Result<T, Error>) -> Held {
        let Err(error) = result else {
            return Err(format!("{what} is not refused"));
        };
        ensure!(
            error.kind == ErrorKind::Invalid,
            "{what} gave {:?}",
            error.kind
        );
        let told = super::chain(error);
        let manual = self.issuer.manual().unwrap_or_default();
        ensure!(told.contains(manual), "{what} is refused with {told:?}");
        Ok(())
    }

    async fn liveness(&self) -> Held {
        let parameters = &self.made.parameters;
        let check = async |value| self.issuer.check_with(value, About::of(parameters)).await;
        let (alive, dead) = match self.issuer.capabilities().check {
            true => (Liveness::Alive, Liveness::Dead),
            false => (Liveness::Unknown, Liveness::Unknown),
        };
        let fresh = check(&self.made.alive).await;
        ensure!(fresh == alive, "one that lives is {fresh:?}");
        for (why, value) in &self.made.dead {
            let ended = check(value).await;
            ensure!(ended == dead, "one that was {why} is {ended:?}");
        }
        Ok(())
    }

    async fn incomplete(&self) -> Held {
        let parameters = &self.made.parameters;
        for missing in self.issuer.value_parts().keys() {
            let empty = SecretValue::new([(missing.clone(), SecretText::new(String::new()))]);
            for value in [SecretValue::new([]), empty] {
                let told = self.issuer.check_with(&value, About::of(parameters)).await;
                ensure!(
                    told == Liveness::Unknown,
                    "a value without {missing} is {told:?}"
                );
            }
        }
        for missing in parameters.keys() {
            let mut rest = parameters.clone();
            rest.remove(missing);
            let told = self
                .issuer
                .check_with(&self.made.alive, About::of(&rest))
                .await;
            ensure!(
                told == Liveness::Unknown,
                "without {missing} it is {told:?}"
            );
        }
        Ok(())
    }
}
