//! How requests reach the world of a memory issuer: with delays, faults and stops.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{
    Capabilities, Change, Identity, Inputs, InvalidSpec, Liveness, LostAnswer, Parameters, Switch,
    TokenId,
};

use super::ask::{Ask, How, Reply};
use super::effect::shown;
use super::fault::{Fault, Moment};
use super::{MemoryIssuer, Request};
use crate::account::gate::Sign;
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{About, Filter, Issuer, MintRequest, Minted, Token};
use crate::revoke::Proof;
use crate::secret::{SecretText, SecretValue};

impl MemoryIssuer {
    async fn ask(&self, ask: Ask) -> Result<Reply, Error> {
        let operation = ask.operation();
        let told = self.answer(ask).await;
        told.map_err(|kind| Error::new(kind, &self.settings.profile, operation))
    }

    /// The answer, through the gate where there is one.
    async fn answer(&self, ask: Ask) -> Result<Reply, ErrorKind> {
        let (Some(gate), operation) = (&self.gate, ask.operation()) else {
            return self.answer_now(ask).await;
        };
        let words = ask.words();
        let pass = gate.pass((operation, words), ask.send_by()).await;
        let pass = pass.map_err(|pause| ErrorKind::Paused { wait: pause.wait })?;
        let answer = self.answer_now(ask).await;
        let failure = answer.as_ref().err().copied();
        gate.saw(pass.over(), words, Sign::of(operation, failure));
        answer
    }

    async fn answer_now(&self, ask: Ask) -> Result<Reply, ErrorKind> {
        let (nth, fault) = {
            let mut world = self.settled();
            world.arrive(Request {
                operation: ask.operation(),
                at: self.clock.now(),
                id: ask.id().cloned(),
                name: ask.name().map(str::to_owned),
                listed_with: ask.listed_with(),
                fault: None,
            })
        };
        self.stop(&ask, nth, Moment::BeforeEffect).await;
        let lost = match ask.changes() {
            true => ErrorKind::OutcomeUnknown,
            false => ErrorKind::Unavailable,
        };
        if !matches!(ask, Ask::Check(_)) && !self.lets_in() {
            return Err(ErrorKind::Unauthenticated);
        }
        let mut how = How::default();
        let mut answer_after = None;
        match fault {
            None => {}
            Some(Fault::Refuse(kind)) => return Err(kind),
            Some(Fault::NotSent) => return Err(ErrorKind::Unavailable),
            Some(Fault::LoseRequest) => return Err(lost),
            Some(Fault::LandLater(after)) => {
                self.land(ask, how, after);
                return Err(lost);
            }
            Some(Fault::Delay(delay)) => {
                let timeout = self.settings.request_timeout;
                tokio::time::sleep(delay.min(timeout)).await;
                if let Some(rest) = delay.checked_sub(timeout) {
                    let rest = SignedDuration::try_from(rest).unwrap_or(SignedDuration::MAX);
                    self.land(ask, how, rest);
                    return Err(lost);
                }
            }
            Some(Fault::LoseAnswer) => answer_after = Some(Duration::MAX),
            Some(Fault::DelayAnswer(delay)) => answer_after = Some(delay),
            Some(Fault::Pretend) => return Ok(ask.nothing()),
            Some(Fault::BornDead) => how.born_dead = true,
            Some(Fault::ReuseId(id)) => how.id = Some(id),
            Some(Fault::Twice) => how.twice = true,
            Some(Fault::Empty) => return Ok(Reply::Tokens(Vec::new())),
        }
        let reply = {
            let now = self.clock.now();
            self.settled().apply(&self.settings, &ask, &how, now)
        };
        self.stop(&ask, nth, Moment::AfterEffect).await;
        match answer_after {
            None => reply,
            Some(Duration::MAX) => Err(lost),
            Some(delay) if delay < self.settings.request_timeout => {
                tokio::time::sleep(delay).await;
                reply
            }
            Some(_) => {
                tokio::time::sleep(self.settings.request_timeout).await;
                Err(lost)
            }
        }
    }

    /// What the system says of a value that is not one of this account.
    fn check_beside(&self, value: &SecretValue) -> Liveness {
        let now = self.clock.now();
        let beside = self.beside.as_ref();
        beside.map_or(Liveness::Dead, |account| {
            account.settled().check(&digests(value), now)
        })
    }

    /// Whether what authenticates the requests still does.
    fn lets_in(&self) -> bool {
        let Some(credential) = &self.credential else {
            return true;
        };
        let now = self.clock.now();
        let world = self.settled();
        let entry = world.entry_of(credential);
        entry.is_some_and(|entry| entry.authenticates(now))
    }

    /// Sends an effect on its way; nobody waits for its answer.
    fn land(&self, ask: Ask, how: How, after: SignedDuration) {
        let at = tokenwright_core::instant::after(self.clock.now(), after);
        if ask.changes() {
            self.world().on_their_way.push((at, ask, how));
        }
    }

    async fn stop(&self, ask: &Ask, nth: u32, moment: Moment) {
        let operation = ask.operation();
        let stop = self
            .world()
            .stop(|s| s.operation == operation && s.nth == nth && s.moment == moment);
        if let Some(stop) = stop {
            stop.wait().await;
        }
    }

    /// An answer of another kind than the question, which the world never gives.
    fn nonsense(&self, operation: Operation) -> Error {
        let kind = ErrorKind::AnswerNotUnderstood;
        Error::new(kind, &self.settings.profile, operation)
    }
}

#[async_trait]
impl Issuer for MemoryIssuer {
    fn profile(&self) -> &str {
        &self.settings.profile
    }

    fn endpoint(&self) -> &str {
        &self.settings.endpoint
    }

    fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    fn value_parts(&self) -> &BTreeMap<String, usize> {
        &self.settings.value_parts
    }

    fn manual(&self) -> Option<&str> {
        self.settings.manual.as_deref()
    }

    fn validate(&self, inputs: &Inputs) -> Result<(), InvalidSpec> {
        self.settings.limits.validate(inputs)
    }

    fn rounded(&self, lifetime: SignedDuration) -> SignedDuration {
        self.settings.limits.rounded(lifetime)
    }

    fn validate_adopted(&self, parameters: &Parameters) -> Result<(), InvalidSpec> {
        self.settings.limits.validate_adopted(parameters)
    }

    fn can_check(&self, _: About<'_>) -> bool {
        self.settings.capabilities.check
    }

    fn own_id(&self, value: &SecretValue) -> Option<TokenId> {
        if !self.settings.values_name_ids {
            return None;
        }
        let world = self.world();
        Some(world.entry_of(&digests(value))?.token.id.clone())
    }

    async fn identity(&self) -> Result<Option<Identity>, Error> {
        // A system that cannot tell is not asked.
        if self.settings.identity.is_none() {
            return Ok(None);
        }
        match self.ask(Ask::Identity).await? {
            Reply::Identity(identity) => Ok(identity),
            _ => Err(self.nonsense(Operation::Identity)),
        }
    }

    async fn prove(&self, value: &SecretValue, _: About<'_>) -> Result<Liveness, Error> {
        if !self.settings.capabilities.check {
            return Ok(Liveness::Unknown);
        }
        match self.ask(Ask::Check(digests(value))).await? {
            Reply::Liveness(Liveness::Dead) => Ok(self.check_beside(value)),
            Reply::Liveness(liveness) => Ok(liveness),
            _ => Err(self.nonsense(Operation::Check)),
        }
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        let Reply::Minted(entry) = self.ask(Ask::Mint(Box::new(request.clone()))).await? else {
            return Err(self.nonsense(Operation::Mint));
        };
        let names = self.settings.value_parts.keys();
        let parts = names.map(|name| (name.clone(), SecretText::new(entry.secret(name))));
        let mut public = BTreeMap::new();
        if self.settings.public_id {
            public.insert("id".to_owned(), entry.token.id.to_string());
        }
        Ok(Minted {
            value: SecretValue::new(parts),
            token: shown(&self.settings, &entry.token),
            public,
        })
    }

    async fn get(&self, id: &TokenId, _: &Parameters) -> Result<Option<Token>, Error> {
        match self.ask(Ask::Get(id.clone())).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Ok(Reply::Token(token)) => Ok(token),
            Err(error) => Err(error),
            _ => Err(self.nonsense(Operation::Get)),
        }
    }

    fn list_parameters(&self, parameters: &Parameters) -> Parameters {
        parameters.clone()
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Token>, Error> {
        let most = self.settings.on_a_page.unwrap_or(usize::MAX);
        let mut all = Vec::new();
        loop {
            let Reply::Tokens(tokens) = self.ask(Ask::List(filter.clone())).await? else {
                return Err(self.nonsense(Operation::List));
            };
            let there = tokens.len();
            let page = tokens.into_iter().skip(all.len()).take(most);
            all.extend(page);
            if all.len() >= there {
                return Ok(all);
            }
        }
    }

    async fn update(
        &self,
        id: &TokenId,
        remote_name: &str,
        change: &Change,
        since: Timestamp,
    ) -> Result<Token, Error> {
        let change = Box::new(change.clone());
        let ask = Ask::Update(id.clone(), remote_name.to_owned(), change, since);
        match self.ask(ask).await? {
            Reply::Token(Some(token)) => Ok(token),
            _ => Err(self.nonsense(Operation::Update)),
        }
    }

    async fn set_enabled(&self, id: &TokenId, _: &Parameters, switch: Switch) -> Result<(), Error> {
        self.ask(Ask::Switch(id.clone(), switch)).await.map(|_| ())
    }

    async fn revoke(&self, proof: Proof<'_>) -> Result<(), Error> {
        let id = match (self.settings.secret_ids, proof.value()) {
            (false, _) => proof.id().clone(),
            (true, Some(value)) => match self.world().entry_of(&digests(value)) {
                Some(entry) => entry.token.id.clone(),
                None => return Ok(()),
            },
            (true, None) if self.settings.capabilities.lost_answer == LostAnswer::CannotList => {
                let profile = &self.settings.profile;
                return Err(Error::new(ErrorKind::Invalid, profile, Operation::Revoke));
            }
            (true, None) => proof.id().clone(),
        };
        let ask = Ask::Revoke(id);
        match self.ask(ask).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            told => told.map(|_| ()),
        }
    }
}

/// What a value is recognised by.
pub(super) fn digests(value: &SecretValue) -> Vec<(String, [u8; 32])> {
    let parts = value.parts();
    parts
        .map(|(name, text)| (name.to_owned(), text.sha256()))
        .collect()
}
