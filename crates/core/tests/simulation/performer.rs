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
    /// What was said of the value, and at which version of the destination.
    checked: Option<(Checked, Option<DestinationVersion>)>,
    unlisted_since: Option<Timestamp>,
    /// Flows of leaders that lost their lease while they slept.
    pub(crate) paused: Vec<Running>,
    /// What the issuer refuses to end, whatever else it does.
    pub(crate) stuck: Option<TokenId>,
    pub(crate) finished: bool,
}

/// The process is gone; whatever it knew is lost.
pub(crate) struct Crash;

impl Performer {
    pub(crate) fn new(can: Capabilities) -> Self {
        Self {
            can,
            survey: None,
            checked: None,
            unlisted_since: None,
            paused: Vec::new(),
            stuck: None,
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
        let observed = self.observe(world);
        decide(
            &View {
                spec,
                record: &world.record,
                observed: &observed,
                can: &self.can,
            },
            world.clock(),
        )
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
        let status = match (survey, current) {
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
            hold_revokes: world.held,
            suspect: world.suspect,
            doubt,
        }
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
        let (record, can) = (world.record.clone(), self.can.clone());
        let view = View {
            spec,
            record: &record,
            observed: &observed,
            can: &can,
        };
        let decision = match spec.deletion.since {
            Some(_) => decide_deletion(&view, world.clock()),
            None => decide(&view, world.clock()),
        };
        if decision.inventory.is_some() && self.look(world, rng, faults) {
            return Ok(());
        }
        crash_point(rng, faults)?;
        let Some(action) = decision.action else {
            self.pass_time(world, rng, &decision, faults);
            return Ok(());
        };
        match action {
            Action::Flow(flow) => {
                let flow = self.flow(flow, decision.reason, &view, world);
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
            AtIssuer::Update(_, change) => {
                assert_eq!(change.kinds, [UpdateKind::Name]);
                crash_point(rng, faults)?;
                let held = world.record.current.as_ref();
                let expires_at = held.and_then(|held| held.expires_at);
                let inputs = change.inputs;
                record_outcome(world, Outcome::Updated { inputs, expires_at });
            }
            // The intent to disable is written first, so that a crash makes it nobody else's.
            AtIssuer::SetEnabled(token, Switch::Disable) => {
                record_outcome(world, Outcome::Switched(Switch::Disable));
                crash_point(rng, faults)?;
                self.switch(world, &token, false);
            }
            AtIssuer::SetEnabled(token, Switch::Enable) => {
                self.switch(world, &token, true);
                crash_point(rng, faults)?;
                record_outcome(world, Outcome::Switched(Switch::Enable));
            }
        }
        Ok(())
    }

    fn switch(&mut self, world: &mut World, token: &TokenRef, enabled: bool) {
        for issued in world.tokens.iter_mut().filter(|t| t.id == token.id) {
            issued.enabled = enabled;
        }
        self.survey = None;
    }

    fn look(&mut self, world: &mut World, rng: &mut Rng, faults: &Faults) -> bool {
        world.now += SignedDuration::from_millis(500);
        if rng.chance(faults.failed_list) {
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
        if self.can.lost_answer == LostAnswer::FindByMarker
            || self.can.lost_answer == LostAnswer::Replay
        {
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
        let lives = |t: &&IssuedToken| !t.revoked && t.expires_at.is_none_or(|at| at > world.now);
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
            world.revoke(&token);
        }
        Outcome::RevokeSent(token)
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
