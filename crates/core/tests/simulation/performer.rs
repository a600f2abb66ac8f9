//! A front end reduced to its bones: observe, decide, perform, record, with a fault at every effect.

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::*;

use crate::effects::*;
use crate::faults::{Faults, Rng};
use crate::minting::Running;
use crate::world::{IssuedToken, World, manager, origin};

pub(crate) struct Performer {
    pub(crate) can: Capabilities,
    /// With which credential it was listed.
    survey: Option<(u32, Survey)>,
    /// When the token was changed: a listing of before says nothing of its state.
    touched_at: Option<Timestamp>,
    /// What was said of the value, and at which version of the destination.
    checked: Option<(Checked, Option<DestinationVersion>)>,
    unlisted_since: Option<Timestamp>,
    /// Flows of leaders that lost their lease while they slept.
    pub(crate) paused: Vec<Running>,
    /// What the issuer refuses to end, whatever else it does.
    pub(crate) stuck: Option<TokenId>,
    /// Duties towards the current token that it refuses.
    pub(crate) refuses: Vec<Duty>,
    /// Whether it shows no listing.
    pub(crate) hides: bool,
    pub(crate) finished: bool,
}

/// The process is gone; whatever it knew is lost.
pub(crate) struct Crash;

impl Performer {
    pub(crate) fn new(can: Capabilities) -> Self {
        Self {
            can,
            survey: None,
            touched_at: None,
            checked: None,
            unlisted_since: None,
            paused: Vec::new(),
            stuck: None,
            refuses: Vec::new(),
            hides: false,
            finished: false,
        }
    }

    pub(crate) fn crash(&mut self, world: &mut World) {
        world.excuses += 1;
        self.survey = None;
        self.checked = None;
        self.unlisted_since = None;
    }

    pub(crate) fn decision(&self, world: &World, spec: &Spec) -> Decision {
        self.decision_at(world, spec, world.clock())
    }

    /// The decision about the world as it is, at an instant that may have passed.
    pub(crate) fn decision_at(&self, world: &World, spec: &Spec, now: Timestamp) -> Decision {
        let observed = self.observe(world);
        decide(&self.view(world, spec, &observed), now)
    }

    pub(crate) fn plan(&self, world: &World, spec: &Spec) -> Steps {
        let observed = self.observe(world);
        plan(&self.view(world, spec, &observed), world.clock())
    }

    fn view<'a>(&'a self, world: &'a World, spec: &'a Spec, observed: &'a Observed) -> View<'a> {
        View {
            spec,
            record: &world.record,
            observed,
            can: &self.can,
        }
    }

    /// Does one step, whatever else there would be to do.
    pub(crate) fn act(
        &mut self,
        action: Action,
        reason: Reason,
        world: &mut World,
        spec: &Spec,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        let observed = self.observe(world);
        let done = self.perform_action((action, reason), &observed, world, spec, rng, faults);
        if done.is_err() {
            self.crash(world);
        }
        done
    }

    /// One round: decide, do it, and let time pass if there is nothing to do.
    pub(crate) fn step(&mut self, world: &mut World, spec: &Spec, rng: &mut Rng, faults: &Faults) {
        if rng.chance(30)
            && let Some(sleeper) = self.paused.pop()
        {
            // It may fall asleep again, before every step.
            let sleepy = Faults {
                pause: faults.pause,
                ..Faults::none()
            };
            let _ = self.drive(sleeper, world, rng, &sleepy);
        }
        if self.perform(world, spec, rng, faults).is_err() {
            self.crash(world);
        }
        world.check_few_referenced();
    }

    fn observe(&self, world: &World) -> Observed {
        let destination = match &world.destination {
            None => Destination::Absent,
            Some(published) => Destination::Present {
                version: version(published),
                carried: Some(Box::new(published.carried.clone())),
                intact: published.intact,
            },
        };
        let current = world.record.current.as_ref();
        let at = world.destination.as_ref().map(version);
        let doubt = Doubt {
            can_check: self.can.check && current.is_some_and(|held| !held.disabled_by_us),
            checked: self
                .checked
                .as_ref()
                .filter(|(_, of)| *of == at)
                .map(|(said, _)| *said),
            unlisted_since: self.unlisted_since,
        };
        let survey = self.survey(world);
        let fresh = survey.filter(|s| self.touched_at.is_none_or(|at| s.started_at >= at));
        let status = match (fresh, current) {
            (Some(survey), Some(current)) => {
                TokenStatus::from_survey(survey, current, &doubt, self.can.settle)
            }
            _ => TokenStatus::Unknown,
        };
        Observed {
            running: None,
            issuer: IssuerSeen {
                endpoint: "https://issuer".into(),
                credential: None,
                identity: world.identity(),
            },
            destination,
            status,
            survey: survey.cloned(),
            // After a start nothing is ended before the issuer has shown what there is.
            hold_revokes: world.held || (self.lists() && survey.is_none()),
            suspect: world.suspect,
            doubt,
        }
    }

    fn lists(&self) -> bool {
        matches!(
            self.can.lost_answer,
            LostAnswer::FindByMarker | LostAnswer::Replay
        )
    }

    /// What was listed with the credential that there is now.
    pub(crate) fn survey(&self, world: &World) -> Option<&Survey> {
        let newest = self.survey.as_ref();
        let same = newest.filter(|(serial, _)| *serial == world.credential.serial);
        same.map(|(_, survey)| survey)
    }

    pub(crate) fn forget_survey(&mut self) {
        self.survey = None;
    }

    /// The token that will retire next.
    pub(crate) fn next_to_retire(&self, world: &World) -> Option<TokenId> {
        let current = world.record.current.as_ref();
        current.map(|held| held.token.id.clone())
    }

    fn perform(
        &mut self,
        world: &mut World,
        spec: &Spec,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        let observed = self.observe(world);
        let view = self.view(world, spec, &observed);
        let decision = match spec.deletion.since {
            Some(_) => decide_deletion(&view, world.clock()),
            None => decide(&view, world.clock()),
        };
        if decision.inventory.is_some() && self.look(world, rng, faults) {
            return Ok(());
        }
        crash_point(rng, faults)?;
        let Some(action) = decision.action.clone() else {
            self.pass_time(world, rng, &decision, faults);
            return Ok(());
        };
        let step = (action, decision.reason);
        self.perform_action(step, &observed, world, spec, rng, faults)
    }

    fn perform_action(
        &mut self,
        (action, reason): (Action, Reason),
        observed: &Observed,
        world: &mut World,
        spec: &Spec,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        world.check_evidence(&action, reason, &self.can);
        match action {
            Action::Flow(flow) => {
                let (record, can) = (world.record.clone(), self.can.clone());
                let view = View {
                    spec,
                    record: &record,
                    observed,
                    can: &can,
                };
                let flow = self.flow(flow, reason, &view, world);
                self.start(flow, world, rng, faults)?;
            }
            Action::Issuer(request) => self.ask(request, world, rng, faults)?,
            Action::Record(note) => record_outcome(world, note.into()),
            Action::Destination(AtDestination::Remove | AtDestination::Release) => {
                world.destination = None;
                crash_point(rng, faults)?;
            }
            Action::Destination(AtDestination::Trust(_)) => {
                crash_point(rng, faults)?;
                let lied = world.lying_checks;
                let published = world.destination.as_mut().unwrap();
                assert!(
                    !published.edited || lied,
                    "a value of somebody else is trusted"
                );
                published.intact = Intact::Yes;
            }
            Action::Finish => self.finished = true,
        }
        world.now += SignedDuration::from_millis(200);
        Ok(())
    }

    fn flow(&self, flow: Flow, reason: Reason, view: &View<'_>, world: &mut World) -> MintFlow {
        let now = world.clock();
        let plan =
            |revision, nonce| MintPlan::new(view, (origin(), manager()), revision, nonce, now);
        match flow {
            Flow::Mint { revision } => {
                world.check_account_of_mint(view);
                if matches!(
                    reason,
                    Reason::Due | Reason::FirstMint | Reason::TokenExpired | Reason::TokenMissing
                ) {
                    world.count(reason);
                }
                let nonce = Nonce::from_bytes(world.fresh().to_be_bytes()[3..].try_into().unwrap());
                MintFlow::new(plan(revision, nonce), now)
            }
            Flow::Replay(attempt) => {
                let plan = plan(attempt.revision, attempt.nonce.clone());
                MintFlow::replay(plan, *attempt, now)
            }
        }
    }

    fn ask(
        &mut self,
        request: AtIssuer,
        world: &mut World,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        match request {
            AtIssuer::Revoke(token) => self.revoke(token, world, rng, faults)?,
            AtIssuer::Prove(token) => {
                let alive = world
                    .tokens
                    .iter()
                    .any(|t| t.id == token.id && world.alive(t));
                let liveness = said(alive, rng, faults);
                world.excuses += u64::from(liveness == Liveness::Dead);
                record_outcome(world, Outcome::Proved(liveness));
            }
            AtIssuer::Check(_) => {
                let truth = world.check();
                let liveness = said(truth == Liveness::Alive, rng, faults);
                // A lie may cost a mint.
                world.excuses += u64::from(liveness != truth && liveness != Liveness::Unknown);
                let at = world.clock();
                let of = world.destination.as_ref().map(version);
                self.checked = Some((Checked { liveness, at }, of));
            }
            AtIssuer::Update(_, change) => self.update(change, world, rng, faults)?,
            AtIssuer::SetEnabled(token, switch) => {
                self.switch(&token, switch, world, rng, faults)?;
            }
        }
        Ok(())
    }

    fn update(
        &self,
        change: Change,
        world: &mut World,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        assert_eq!(change.kinds, [UpdateKind::Name]);
        crash_point(rng, faults)?;
        let refused = self.refuses.contains(&Duty::Update) || rng.chance(faults.refused_update);
        let held = world.record.current.as_ref();
        let outcome = match refused {
            true => not_done(Duty::Update, true),
            false => Outcome::Updated {
                expires_at: held.and_then(|held| held.expires_at),
                inputs: change.inputs,
            },
        };
        record_outcome(world, outcome);
        Ok(())
    }

    fn switch(
        &mut self,
        token: &TokenRef,
        to: Switch,
        world: &mut World,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        // The intent to disable is written first, so that a crash makes it nobody else's.
        if to == Switch::Disable {
            record_outcome(world, Outcome::Switched(to));
            if rng.chance(faults.crash) {
                world.anybody_disabled = true;
                return Err(Crash);
            }
        }
        world.now += SignedDuration::from_millis(100);
        self.touched_at = Some(world.clock());
        if self.refuses.contains(&Duty::Switch) || rng.chance(faults.refused_switch) {
            record_outcome(world, not_done(Duty::Switch, true));
            return Ok(());
        }
        if !rng.chance(faults.unsure_switch) {
            world.switch(&token.id, to);
            crash_point(rng, faults)?;
            record_outcome(world, Outcome::Switched(to));
            return Ok(());
        }
        match rng.chance(50) {
            true => world.switch(&token.id, to),
            false => world.anybody_disabled = true,
        }
        crash_point(rng, faults)?;
        record_outcome(world, not_done(Duty::Switch, false));
        Ok(())
    }

    pub(crate) fn look(&mut self, world: &mut World, rng: &mut Rng, faults: &Faults) -> bool {
        world.now += SignedDuration::from_millis(500);
        if self.hides || rng.chance(faults.failed_list) {
            return false;
        }
        // Now and then a gateway answers that there is nothing at all.
        let ours = match rng.chance(faults.empty_list) {
            true => Vec::new(),
            false => world.list(),
        };
        let current = world.record.current.as_ref().map(|held| &held.token);
        let listed = current.is_some_and(|token| ours.iter().any(|s| s.id == token.id));
        self.unlisted_since = match (listed, self.unlisted_since) {
            (true, _) => None,
            (false, since) => since.or(Some(world.clock())),
        };
        let started_at = world.clock();
        self.survey = Some((world.credential.serial, Survey { started_at, ours }));
        true
    }

    fn pass_time(
        &mut self,
        world: &mut World,
        rng: &mut Rng,
        decision: &Decision,
        faults: &Faults,
    ) {
        let recheck = world.clock() + SignedDuration::from_secs(600);
        let at = decision.check_again.map_or(recheck, |at| at.min(recheck));
        world.now += SignedDuration::from_secs(1);
        world.wait_until(at);
        if self.lists() {
            self.look(world, rng, faults);
        }
    }

    fn revoke(
        &mut self,
        token: TokenRef,
        world: &mut World,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        assert!(!world.held, "revoked though revokes are held");
        let stuck = self.stuck.as_ref() == Some(&token.id);
        let outcome = match stuck || rng.chance(faults.failed_revoke) {
            true => refused(token, world),
            false => self.ask_to_revoke(token, world, rng, faults),
        };
        crash_point(rng, faults)?;
        let survey = self.survey(world).cloned();
        record_beside(world, outcome, survey.as_ref());
        Ok(())
    }

    /// As the client does: a look first, where the system has one, and a success is a claim.
    fn ask_to_revoke(
        &self,
        token: TokenRef,
        world: &mut World,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Outcome {
        let sent = world.record.open_revoke(&token.id, &token.marker);
        let sent = sent.is_some_and(|open| open.sent_at.is_some());
        let here = |t: &&IssuedToken| t.id == token.id && t.account == world.credential.account;
        let issued = world.tokens.iter().find(here);
        let lives = |t: &&IssuedToken| {
            t.is_shown(world.now) && t.expires_at.is_none_or(|at| at > world.now)
        };
        let issued = issued.filter(lives);
        let there = issued.is_some();
        if self.can.look != Look::Nothing && issued.is_some_and(|t| t.renamed) {
            return Outcome::NotRevoked {
                token,
                obstacle: Obstacle::NotProven,
                said: None,
                retry_after: None,
            };
        }
        if !there && self.can.look != Look::Nothing {
            let ended = if sent { Ended::Revoked } else { Ended::Gone };
            return Outcome::NotThere { token, ended };
        }
        // The live read that precedes every revoke would refuse it; a fresh view never asks for it.
        assert!(
            !names_live(world, &token),
            "S1: decided to revoke {}",
            token.id
        );
        if !rng.chance(faults.lying_revoke) {
            world.revoke(&token, faults.lag(rng));
        }
        Outcome::RevokeSent(token)
    }
}

/// A duty that was refused, or whose answer says neither.
fn not_done(duty: Duty, definite: bool) -> Outcome {
    Outcome::Refused {
        duty,
        definite,
        retry_after: None,
    }
}

/// A refusal of one revoke, such as for want of a right.
fn refused(token: TokenRef, world: &mut World) -> Outcome {
    world.now += SignedDuration::from_secs(5);
    Outcome::NotRevoked {
        token,
        obstacle: Obstacle::Failed,
        said: None,
        retry_after: None,
    }
}

pub(crate) fn crash_point(rng: &mut Rng, faults: &Faults) -> Result<(), Crash> {
    if rng.chance(faults.crash) {
        Err(Crash)
    } else {
        Ok(())
    }
}
