//! The end of a resource: what its state names is revoked, and the tokens of lost answers by their marker (`lost`).
//!
//! By `core`'s deletion, with the lost mint as an open attempt. Never a sweep: what else carries our
//! marker is another writer's and is left alone. What a person hears of it is in `told`.

use jiff::{SignedDuration, Timestamp};
use tfplugin::Diagnostics;
use tokenwright_client::{SecretValue, survey};
use tokenwright_core::{
    Action, AtIssuer, Attempt, Capabilities, Decision, Deletion, LostAnswer, Note, Observed,
    Outcome, Reason, Spec, TokenRef, TokenStatus, View, decide_deletion, evolve_beside,
};

use super::Ending;
use crate::session::Session;
use crate::token::owner::{account, same_endpoint};
use crate::token::state::Stored;
use crate::token::wanted::Wanted;

mod lost;
mod told;

/// Longer than any deletion; an instant that far away can still be written.
const NEVER: SignedDuration = SignedDuration::from_hours(24 * 365);
/// A deletion longer than this has a loop in it.
const MAX_STEPS: usize = 256;

/// Ends the tokens of a state. `true` when nothing is left to be done.
pub(in crate::token) async fn destroy(
    session: &Session,
    stored: &mut Stored,
    wanted: &Wanted,
    value: Option<&SecretValue>,
    diags: &mut Diagnostics,
) -> bool {
    if !same_endpoint(session, stored, diags)
        || !told::spares_the_credential(session, stored, (wanted, value), diags)
    {
        return false;
    }
    let mut under_way = Destroy::begin(session, stored, (wanted, value));
    for _ in 0..MAX_STEPS {
        match under_way.next() {
            Next::List(since) => {
                if !under_way.list(since, diags).await {
                    return false;
                }
            }
            Next::End(token) => under_way.end(&token, diags).await,
            Next::Close(attempt, suspect) => under_way.close((attempt, suspect), diags),
            Next::Wait(until) => session.sleep_until(until).await,
            Next::Nothing => {
                under_way.name_left(diags);
                return true;
            }
            Next::Refused => return false,
            Next::Stuck(reason) => return under_way.is_stuck(reason, diags),
        }
    }
    under_way.is_stuck(Reason::DeletionTimedOut, diags)
}

/// A destroy under way.
struct Destroy<'a> {
    session: &'a Session,
    stored: &'a mut Stored,
    wanted: &'a Wanted,
    /// The value of the current token, where the state has it.
    value: Option<&'a SecretValue>,
    spec: Spec,
    can: Capabilities,
    observed: Observed,
}

/// What is done next.
enum Next {
    /// The issuer is asked for its tokens; what was asked for since serves, too.
    List(Timestamp),
    End(TokenRef),
    /// A lost answer is over; maybe it left a token that nothing can find.
    Close(Attempt, bool),
    Wait(Timestamp),
    /// Nothing is left, or what is left may live.
    Nothing,
    /// What is left could not be ended, and that was told.
    Refused,
    Stuck(Reason),
}

impl<'a> Destroy<'a> {
    fn begin(
        session: &'a Session,
        stored: &'a mut Stored,
        (wanted, value): (&'a Wanted, Option<&'a SecretValue>),
    ) -> Self {
        let connected = &session.connected;
        // Decided before this process began: one listing of this run serves all that it destroys.
        let since = connected.planned_at();
        let mut can = connected.issuer.capabilities().clone();
        // Where names are shown, one listing tells of what a killed run minted; elsewhere nothing would ever tell.
        if stored.lost_until.is_some() || can.lost_answer == LostAnswer::FindByMarker {
            lost::open_attempt(stored, wanted, since);
        }
        // Another token is no answer to the end of one: what only the same request would get again is as good as lost.
        if can.lost_answer == LostAnswer::Replay {
            can.lost_answer = LostAnswer::CannotList;
        }
        let mut spec = wanted.spec.clone();
        spec.deletion = Deletion {
            since: Some(since),
            // The deadline is ours to say; what is left then stays in the state.
            timeout: NEVER,
            ..spec.deletion
        };
        let observed = Observed {
            survey: None,
            status: TokenStatus::Unknown,
            ..stored.observed(&connected.origin, connected.issuer.endpoint(), since)
        };
        Self {
            session,
            stored,
            wanted,
            value,
            spec,
            can,
            observed,
        }
    }

    fn view(&self) -> View<'_> {
        View {
            spec: &self.spec,
            record: &self.stored.record,
            observed: &self.observed,
            can: &self.can,
        }
    }

    fn next(&self) -> Next {
        let Decision {
            action,
            reason,
            check_again,
            inventory,
            awaited: _,
        } = decide_deletion(&self.view(), self.session.now());
        if let Some(since) = inventory.or_else(|| self.first_look()) {
            return Next::List(since);
        }
        match action {
            Some(Action::Issuer(AtIssuer::Revoke(token))) => Next::End(token),
            Some(Action::Record(Note::AttemptClosed { attempt, suspect })) => {
                Next::Close(attempt, suspect)
            }
            Some(Action::Finish) => Next::Nothing,
            Some(
                Action::Flow(_) | Action::Issuer(_) | Action::Record(_) | Action::Destination(_),
            ) => Next::Stuck(reason),
            // Retained tokens end by themselves; nobody will run an apply for them.
            None if reason == Reason::WaitingForOverlaps => Next::Nothing,
            // What could be ended without them is ended.
            None if !self.stored.record.revokes.is_empty() => Next::Refused,
            None => {
                let in_time = |at: &Timestamp| *at <= self.session.deadline;
                let waits = lost::is_waited_for(reason) && !self.session.stopped();
                let until = check_again.filter(in_time).filter(|_| waits);
                until.map_or(Next::Stuck(reason), Next::Wait)
            }
        }
    }

    /// Where a listing can show markers, nothing is ended before one was made. It looks for what an earlier
    /// run may have left, so that one of this run serves all, unless a mint was lost just before.
    fn first_look(&self) -> Option<Timestamp> {
        let listable = self.can.lost_answer == LostAnswer::FindByMarker;
        let planned_at = self.session.connected.planned_at();
        let lost = self.stored.lost_until;
        let since = lost.map_or(planned_at, |lost| {
            planned_at.max(lost.min(self.session.now()))
        });
        (listable && self.observed.survey.is_none()).then_some(since)
    }

    /// `false` after an error.
    async fn list(&mut self, since: Timestamp, diags: &mut Diagnostics) -> bool {
        let session = self.session;
        let parameters = &self.wanted.spec.inputs.parameters;
        let inventory = &session.connected.inventory;
        let listed = session.patiently(|| inventory.since(parameters, since));
        let listing = match listed.await {
            Ok(listing) => listing,
            Err(error) => {
                self.did_not_list(&error, diags);
                return false;
            }
        };
        let manager = self.stored.manager();
        let seen = survey(&listing, &session.connected.origin, &manager, session.now());
        lost::follow_chain(self.stored, &seen);
        lost::own_twins(self.stored, &seen, session.now());
        self.observed.survey = Some(seen);
        true
    }

    async fn end(&mut self, token: &TokenRef, diags: &mut Diagnostics) {
        let current = self.stored.record.current.as_ref();
        let current = current.filter(|held| held.token == *token);
        let retiring = self.stored.retiring_as(token);
        let ending = Ending {
            token,
            decided_at: self.session.connected.planned_at(),
            minted_at: current.map(|held| held.created_at),
            expires_at: match (current, retiring) {
                (Some(held), _) => held.expires_at,
                (None, Some(retiring)) => retiring.expires_at,
                (None, None) => None,
            },
            listed: self.observed.survey.is_some(),
            account: account(self.session, self.stored),
            value: self.value.filter(|_| current.is_some()),
        };
        let token = token.clone();
        let outcome = match self.session.end(ending).await {
            Ok(ended) => Outcome::Ended { token, ended },
            Err(error) => {
                told::was_not_revoked(&token, &error, diags);
                Outcome::NotRevoked {
                    token,
                    obstacle: error.obstacle(),
                    said: None,
                    retry_after: None,
                }
            }
        };
        let id = ending.token.id.clone();
        self.evolve(outcome, self.session.now());
        // A lost answer may yet land; what is gone is looked for no more.
        if let Some(survey) = &mut self.observed.survey {
            survey.ours.retain(|sighting| sighting.id != id);
        }
    }

    fn evolve(&mut self, outcome: Outcome, at: Timestamp) {
        let record = std::mem::take(&mut self.stored.record);
        let survey = self.observed.survey.as_ref();
        self.stored.record = evolve_beside(record, outcome, survey, at);
    }
}
