//! A mint flow as a process runs it: it may sleep before every ask, and wake when others have gone on.

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::effects::*;
use crate::faults::{Faults, Rng};
use crate::performer::{Crash, Performer, crash_point};
use crate::world::World;

/// A mint flow, with the value that only its process knows.
pub(crate) struct Running {
    flow: MintFlow,
    ask: Ask,
    value_of: Option<TokenId>,
    withdrawing: bool,
    record_version: u64,
    /// Whose credential it was started with.
    account: u8,
}

impl Performer {
    pub(crate) fn start(
        &mut self,
        mut flow: MintFlow,
        world: &mut World,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        let ask = flow.next(Answer::Start, world.clock());
        let running = Running {
            flow,
            ask,
            value_of: None,
            withdrawing: false,
            record_version: world.record_version,
            account: world.credential.account,
        };
        self.drive(running, world, rng, faults)
    }

    pub(crate) fn drive(
        &mut self,
        mut running: Running,
        world: &mut World,
        rng: &mut Rng,
        faults: &Faults,
    ) -> Result<(), Crash> {
        loop {
            if rng.chance(faults.pause) {
                world.excuses += 1;
                self.forget_survey();
                self.paused.push(running);
                return Ok(());
            }
            crash_point(rng, faults)?;
            let answer = match &running.ask {
                Ask::Done(outcome) => {
                    record_flow(world, outcome.clone());
                    return Ok(());
                }
                Ask::Rehearse if rng.chance(faults.refused_write / 2) => Answer::RehearsalRefused,
                Ask::Rehearse => Answer::Rehearsed {
                    version: world
                        .destination
                        .as_ref()
                        .map_or(DestinationVersion::Absent, version),
                    current: world
                        .destination
                        .as_ref()
                        .map(|p| p.carried.current.token.marker.nonce.clone()),
                },
                Ask::WriteAttempt(attempt) => {
                    write_attempt(world, attempt.clone(), running.record_version)
                }
                Ask::Mint { attempt, at } => {
                    let attempt = attempt.clone();
                    world.check_same_request(&attempt.nonce, *at);
                    mint(
                        world,
                        (&attempt, running.account),
                        &mut running.value_of,
                        rng,
                        faults,
                    )
                }
                Ask::Prove { at } => {
                    world.wait_until(*at);
                    world.now += SignedDuration::from_millis(100);
                    let alive = world
                        .tokens
                        .iter()
                        .any(|t| Some(&t.id) == running.value_of.as_ref() && world.alive(t));
                    Answer::Proved(said(alive, rng, faults))
                }
                Ask::Publish { at, publication } => {
                    world.wait_until(*at);
                    world.now += SignedDuration::from_millis(100);
                    check_nothing_unproven_replaces(world, &running.flow, publication, &self.can);
                    let value_of = running.value_of.clone().expect("a value");
                    publish(world, publication, value_of, rng, faults)
                }
                Ask::Withdraw { at, token } => {
                    world.wait_until(*at);
                    world.now += SignedDuration::from_millis(100);
                    world.excuses += u64::from(!running.withdrawing);
                    running.withdrawing = true;
                    if names_live(world, token) {
                        Answer::InUse
                    } else if rng.chance(faults.failed_revoke) {
                        Answer::WithdrawFailed
                    } else {
                        if !rng.chance(faults.lying_revoke) {
                            let (token, lag) = (token.clone(), faults.lag(rng));
                            world.as_account(running.account, |world| world.revoke(&token, lag));
                        }
                        Answer::Withdrawn
                    }
                }
            };
            crash_point(rng, faults)?;
            world.now += SignedDuration::from_millis(100);
            running.ask = running.flow.next(answer, world.clock());
        }
    }
}
