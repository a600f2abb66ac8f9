//! What the issuer is asked about one token, and what it makes of it.

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::effects::*;
use crate::faults::{Faults, Rng};
use crate::performer::{Crash, Performer, crash_point};
use crate::world::{IssuedToken, World};

impl Performer {
    pub(crate) fn ask(
        &mut self,
        request: AtIssuer,
        world: &mut World,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        match request {
            AtIssuer::Revoke(token) | AtIssuer::MakeRoom(token) => {
                self.revoke(token, world, rng, faults)?;
            }
            AtIssuer::Prove(token) => {
                let alive = world
                    .tokens
                    .iter()
                    .any(|t| t.marker == token.marker && world.alive(t));
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
        let doubted = world.record.doubts_inputs();
        record_outcome(world, Outcome::Updating);
        crash_point(rng, faults)?;
        let refused = self.refuses.contains(&Duty::Update) || rng.chance(faults.refused_update);
        let held = world.record.current.as_ref();
        let outcome = match refused {
            true => Outcome::Refused {
                duty: Duty::Update,
                unsure: doubted,
                retry_after: None,
            },
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
        // The intent is written first, so that a crash makes what was disabled nobody else's.
        record_outcome(world, Outcome::Switching(to));
        if rng.chance(faults.crash) {
            world.anybody_disabled |= to == Switch::Disable;
            return Err(Crash);
        }
        world.now += SignedDuration::from_millis(100);
        self.touched_at = Some(world.clock());
        if self.refuses.contains(&Duty::Switch) || rng.chance(faults.refused_switch) {
            record_outcome(world, not_switched(to, true));
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
        record_outcome(world, not_switched(to, false));
        Ok(())
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
        let here = |t: &&IssuedToken| {
            world.told_id(t) == token.id && t.account == world.credential.account
        };
        let lives = |t: &&IssuedToken| {
            t.is_shown(world.now) && t.expires_at.is_none_or(|at| at > world.now)
        };
        let issued = world.tokens.iter().filter(here).find(lives);
        let there = issued.is_some();
        let another = |t: &IssuedToken| t.renamed || t.marker != token.marker;
        if self.can.look != Look::Nothing && issued.is_some_and(another) {
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
            self.can.one || !names_live(world, &token),
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
fn not_switched(switch: Switch, definite: bool) -> Outcome {
    Outcome::NotSwitched {
        switch,
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
