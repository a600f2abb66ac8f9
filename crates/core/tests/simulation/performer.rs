//! A front end reduced to its bones: observe, decide, perform, record, with a fault at every effect.

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::*;

use crate::effects::*;
use crate::faults::{Faults, Rng};
use crate::minting::Running;
use crate::world::{World, manager, origin};

pub(crate) struct Performer {
    pub(crate) can: Capabilities,
    /// With which credential it was listed.
    survey: Option<(u32, Survey)>,
    /// When the token was changed: a listing of before says nothing of its state.
    pub(crate) touched_at: Option<Timestamp>,
    /// What was said of the value, and at which version of the destination.
    pub(crate) checked: Option<(Checked, Option<DestinationVersion>)>,
    unlisted_since: Option<Timestamp>,
    /// Flows of leaders that lost their lease while they slept.
    pub(crate) paused: Vec<Running>,
    /// What the issuer refuses to end, whatever else it does.
    pub(crate) stuck: Option<TokenId>,
    /// Duties towards the current token that it refuses.
    pub(crate) refuses: Vec<Duty>,
    /// Until when the destination refuses to go.
    keeps_until: Option<Timestamp>,
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
            keeps_until: None,
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
            Some(published) => match self.keeps_until {
                Some(until) if until > world.clock() => Destination::Refuses {
                    until,
                    carried: Some(Box::new(published.carried.clone())),
                },
                _ => Destination::Present {
                    version: version(published),
                    carried: Some(Box::new(published.carried.clone())),
                    intact: published.intact,
                },
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
                let (settle, now) = (self.can.settle, world.clock());
                TokenStatus::from_survey(survey, current, &doubt, settle, now)
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
            clock_ahead: SignedDuration::ZERO,
            suspect: world.suspect,
            doubt,
            not_granted: Vec::new(),
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
                match rng.chance(faults.refused_write) {
                    true => self.keeps_until = Some(world.clock() + SignedDuration::from_secs(40)),
                    false => world.destination = None,
                }
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
        let listed = current.is_some_and(|token| ours.iter().any(|s| s.marker == token.marker));
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
}

pub(crate) fn crash_point(rng: &mut Rng, faults: &Faults) -> Result<(), Crash> {
    if rng.chance(faults.crash) {
        Err(Crash)
    } else {
        Ok(())
    }
}
