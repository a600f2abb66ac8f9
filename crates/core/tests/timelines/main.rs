//! Golden timelines: a spec and a few events make a table of decisions, until nothing is left to do.
//!
//! The tables lie beside this file and read without code. `TOKENWRIGHT_UPDATE=1` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::fmt::Write as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::*;

/// What happens from outside at an instant.
#[derive(Clone)]
enum Event {
    Change(fn(&mut Spec)),
    Answer(Fault),
    Delete(DeletionPolicy),
    Status(TokenStatus),
    DestinationLost,
}

/// How the next mint goes wrong.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    LostAfterEffect,
    LostBeforeEffect,
    Refused,
    BornDead,
}

struct Timeline {
    spec: Spec,
    can: Capabilities,
    record: Record,
    destination: Option<(u64, Carried)>,
    issued: Vec<(TokenRef, Option<Timestamp>)>,
    survey: Option<Survey>,
    status: Option<TokenStatus>,
    fault: Option<Fault>,
    start: Timestamp,
    now: Timestamp,
    table: String,
}

fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

fn spec() -> Spec {
    Spec {
        inputs: Inputs {
            name: "ci".into(),
            scopes: ["read".to_owned()].into(),
            parameters: Parameters::new(),
            lifetime: Lifetime::For(days(90)),
        },
        rotation: Some(Rotation {
            renew_before: Some(RenewBefore::Duration(days(30))),
            every: None,
        }),
        overlap: None,
        default_overlap: DefaultOverlap::For(schedule::OVERLAP),
        trigger: None,
        state: WantedState::Enabled,
        suspend: false,
        on_loss: OnLoss::Remint,
        deletion: Deletion {
            policy: DeletionPolicy::Revoke,
            since: None,
            timeout: days(1),
        },
        request_timeout: SignedDuration::from_secs(30),
    }
}

fn can() -> Capabilities {
    Capabilities {
        lost_answer: LostAnswer::FindByMarker,
        check: true,
        revoke: true,
        disable: Disable::SetState,
        update: Default::default(),
        settle: schedule::SETTLE,
    }
}

impl Timeline {
    fn new(spec: Spec, can: Capabilities) -> Self {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let (record, destination, issued) = (Record::default(), None, Vec::new());
        let table = format!(
            "{:<22} {:<28} {:<20} then look at\n",
            "at", "step", "because"
        );
        Self {
            spec,
            can,
            record,
            destination,
            issued,
            survey: None,
            status: None,
            fault: None,
            start,
            now: start,
            table,
        }
    }

    fn offset(&self, at: Timestamp) -> String {
        duration::format(at.duration_since(self.start))
    }

    fn observed(&self) -> Observed {
        let destination = match &self.destination {
            None => Destination::Absent,
            Some((uid, carried)) => Destination::Present {
                version: DestinationVersion::Present {
                    uid: uid.to_string(),
                    resource_version: "1".into(),
                },
                carried: Some(Box::new(carried.clone())),
                intact: true,
            },
        };
        Observed {
            running: None,
            issuer: IssuerSeen {
                endpoint: "https://issuer".into(),
                identity: None,
            },
            destination,
            status: self.status.unwrap_or(TokenStatus::Active),
            survey: self.survey.clone(),
            hold_revokes: false,
            hold_mints: false,
            not_proven: Vec::new(),
        }
    }

    fn list(&mut self) {
        let live = self
            .issued
            .iter()
            .filter(|(_, expires_at)| expires_at.is_none_or(|at| at > self.now));
        let ours = live.map(|(token, expires_at)| Sighting {
            id: token.id.clone(),
            marker: token.marker.clone(),
            expires_at: *expires_at,
            enabled: None,
        });
        self.survey = Some(Survey {
            started_at: self.now,
            ours: ours.collect(),
        });
    }

    /// Decides and performs until quiet, then goes to the next instant, until `end`.
    fn run(&mut self, end: SignedDuration, events: &[(SignedDuration, Event)]) {
        let mut events = events.to_vec();
        let end = self.start + end;
        while self.now <= end {
            while events
                .first()
                .is_some_and(|(at, _)| self.start + *at <= self.now)
            {
                self.happen(events.remove(0).1);
            }
            let (observed, record, spec, can) = (
                self.observed(),
                self.record.clone(),
                self.spec.clone(),
                self.can.clone(),
            );
            let view = View {
                spec: &spec,
                record: &record,
                observed: &observed,
                can: &can,
            };
            let decision = match spec.deletion.since {
                Some(_) => decide_deletion(&view, self.now),
                None => decide(&view, self.now),
            };
            if decision.inventory.is_some() || decision.reason == Reason::WaitingForInventory {
                self.list();
                self.row("(inventory)", "", None);
                continue;
            }
            let Some(action) = decision.action.clone() else {
                self.row("-", decision.reason.name(), decision.check_again);
                let next_event = events.first().map(|(at, _)| self.start + *at);
                match decision.check_again.into_iter().chain(next_event).min() {
                    Some(at) => self.now = at,
                    None => return,
                }
                continue;
            };
            self.row(&step(&action), decision.reason.name(), None);
            if self.perform(&view, action) {
                return;
            }
        }
    }

    fn row(&mut self, step: &str, reason: &str, next: Option<Timestamp>) {
        let next = next.map(|at| self.offset(at)).unwrap_or_default();
        let line = format!(
            "{:<22} {step:<28} {reason:<20} {next}",
            self.offset(self.now)
        );
        writeln!(self.table, "{}", line.trim_end()).unwrap();
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Change(change) => {
                change(&mut self.spec);
                self.row("(the spec changes)", "", None);
            }
            Event::Answer(fault) => self.fault = Some(fault),
            Event::Delete(policy) => {
                self.spec.deletion.policy = policy;
                self.spec.deletion.since = Some(self.now);
                self.row("(deleted)", "", None);
            }
            Event::Status(status) => {
                self.status = Some(status);
                self.row(&format!("(the token is {status:?})"), "", None);
            }
            Event::DestinationLost => {
                self.destination = None;
                self.row("(a person deletes it)", "", None);
            }
        }
    }

    fn record(&mut self, outcome: Outcome) {
        self.record = evolve(std::mem::take(&mut self.record), outcome, self.now);
    }

    /// True when the manager is gone.
    fn perform(&mut self, view: &View<'_>, action: Action) -> bool {
        match action {
            Action::Mint { revision } => self.mint(view, revision),
            Action::Revoke(token) => {
                self.issued.retain(|(issued, _)| issued.id != token.id);
                if let Some(survey) = &mut self.survey {
                    survey.ours.retain(|s| s.id != token.id);
                }
                self.record(Outcome::Ended {
                    token,
                    ended: Ended::Revoked,
                });
            }
            Action::CloseAttempt { attempt, suspect } => {
                self.record(Outcome::Closed { attempt, suspect })
            }
            Action::Update(_, change) => {
                let expires_at = self
                    .record
                    .current
                    .as_ref()
                    .and_then(|held| held.expires_at);
                self.record(Outcome::Updated {
                    inputs: change.inputs,
                    expires_at,
                });
            }
            Action::SetEnabled(_, switch) => {
                self.status = Some(if switch == Switch::Enable {
                    TokenStatus::Active
                } else {
                    TokenStatus::Disabled
                });
                self.record(Outcome::Switched(switch));
            }
            Action::RemoveDestination | Action::ReleaseDestination => self.destination = None,
            Action::Record(carried) => self.record(Outcome::Recorded(carried)),
            Action::Prove(_) => self.record(Outcome::Proved(Liveness::Alive)),
            Action::Replay(_) => unreachable!("no timeline replays"),
            Action::Finish => return true,
        }
        false
    }

    fn mint(&mut self, view: &View<'_>, revision: Revision) {
        let nonce = Nonce::from_bytes([0, 0, 0, 0, revision as u8]);
        let plan = MintPlan::new(
            view,
            (Origin::of("cluster"), ManagerId::of("uid")),
            revision,
            nonce,
            self.now,
        );
        let marker = plan.marker.clone();
        let mut flow = MintFlow::new(plan, self.now);
        let mut ask = flow.next(Answer::Start, self.now);
        let fault = self.fault.take();
        loop {
            let answer = match ask {
                Ask::Done(outcome) => {
                    let failed = !matches!(outcome, Outcome::Published(_));
                    if failed {
                        self.row("  (it fails)", "", None);
                    }
                    return self.record(outcome);
                }
                Ask::Rehearse => Answer::Rehearsed(match &self.destination {
                    None => DestinationVersion::Absent,
                    Some((uid, _)) => DestinationVersion::Present {
                        uid: uid.to_string(),
                        resource_version: "1".into(),
                    },
                }),
                Ask::WriteAttempt(attempt) => {
                    self.record(Outcome::Attempted(attempt));
                    Answer::AttemptWritten
                }
                Ask::Mint(_) if fault == Some(Fault::Refused) => Answer::NotMinted {
                    sent: true,
                    retry_after: None,
                },
                Ask::Mint(_) if fault == Some(Fault::LostBeforeEffect) => Answer::MintUnknown,
                Ask::Mint(attempt) => {
                    let expires_at = attempt.inputs.lifetime.duration().map(|d| self.now + d);
                    let token = TokenRef {
                        id: TokenId::new(format!("t{revision}")),
                        marker: marker.clone(),
                        parameters: Parameters::new(),
                        endpoint: "https://issuer".into(),
                        identity: None,
                    };
                    self.issued.push((token.clone(), expires_at));
                    match fault {
                        Some(Fault::LostAfterEffect) => Answer::MintUnknown,
                        _ => Answer::Minted {
                            id: token.id,
                            expires_at,
                        },
                    }
                }
                Ask::Prove { at } => {
                    self.now = self.now.max(at);
                    Answer::Proved(if fault == Some(Fault::BornDead) {
                        Liveness::Dead
                    } else {
                        Liveness::Alive
                    })
                }
                Ask::Publish { publication, .. } => {
                    let uid = self
                        .destination
                        .as_ref()
                        .map_or(u64::from(revision), |(uid, _)| *uid);
                    let carried = Carried {
                        current: publication.current,
                        retiring: publication.retiring,
                    };
                    self.destination = Some((uid, carried));
                    self.status = None;
                    Answer::Committed
                }
                Ask::Withdraw { token, .. } => {
                    self.issued.retain(|(issued, _)| issued.id != token.id);
                    Answer::Withdrawn
                }
            };
            ask = flow.next(answer, self.now);
        }
    }

    fn check(self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/timelines")
            .join(format!("{name}.txt"));
        if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
            std::fs::write(&path, &self.table).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            self.table,
            golden,
            "{} is stale: TOKENWRIGHT_UPDATE=1 writes it anew",
            path.display()
        );
    }
}

fn step(action: &Action) -> String {
    match action {
        Action::Mint { revision } => format!("mint r{revision}"),
        Action::Revoke(token) => format!("revoke {}", token.id),
        Action::Update(token, change) => format!("update {} {:?}", token.id, change.kinds),
        Action::SetEnabled(token, switch) => format!("{switch:?} {}", token.id).to_lowercase(),
        Action::CloseAttempt { attempt, suspect } => format!(
            "close attempt r{}{}",
            attempt.revision,
            if *suspect { ", suspect" } else { "" }
        ),
        Action::Record(carried) => format!("record {}", carried.current.token.id),
        Action::Prove(token) => format!("prove {}", token.id),
        Action::Replay(attempt) => format!("replay r{}", attempt.revision),
        Action::RemoveDestination => "remove the destination".into(),
        Action::ReleaseDestination => "release the destination".into(),
        Action::Finish => "finish".into(),
    }
}

#[test]
fn a_token_is_rotated_before_it_expires_and_its_predecessor_ends_a_day_later() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(days(130), &[]);
    timeline.check("rotation");
}

#[test]
fn a_rotation_that_is_asked_for_ends_the_running_overlap_with_its_publish() {
    let mut timeline = Timeline::new(
        Spec {
            overlap: Some(days(2)),
            ..spec()
        },
        can(),
    );
    let ask = |trigger: &'static str| {
        Event::Change(match trigger {
            "first" => |spec| spec.trigger = Some("first".into()),
            _ => |spec| spec.trigger = Some("second".into()),
        })
    };
    timeline.run(
        days(8),
        &[(days(4), ask("first")), (days(5), ask("second"))],
    );
    timeline.check("asked_for");
}

#[test]
fn a_lost_answer_is_replaced_first_and_its_token_revoked_afterwards() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(
        days(1),
        &[(SignedDuration::ZERO, Event::Answer(Fault::LostAfterEffect))],
    );
    timeline.check("lost_answer");
}

#[test]
fn a_lost_answer_that_made_no_token_is_closed_after_its_deadline() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(
        days(1),
        &[(SignedDuration::ZERO, Event::Answer(Fault::LostBeforeEffect))],
    );
    timeline.check("lost_request");
}

#[test]
fn what_cannot_be_listed_keeps_the_current_token_until_its_last_safe_moment() {
    let can = Capabilities {
        lost_answer: LostAnswer::CannotList,
        ..can()
    };
    let mut timeline = Timeline::new(spec(), can);
    timeline.run(
        days(95),
        &[(days(50), Event::Answer(Fault::LostAfterEffect))],
    );
    timeline.check("cannot_list");
}

#[test]
fn a_refused_mint_backs_off_while_the_current_token_goes_on_working() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(days(61), &[(days(50), Event::Answer(Fault::Refused))]);
    timeline.check("refused");
}

#[test]
fn a_token_that_is_born_dead_is_revoked_and_never_published() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(
        minutes(5),
        &[(SignedDuration::ZERO, Event::Answer(Fault::BornDead))],
    );
    timeline.check("born_dead");
}

#[test]
fn a_token_without_expiry_is_rotated_by_age() {
    let rotation = Some(Rotation {
        renew_before: None,
        every: Some(days(30)),
    });
    let inputs = Inputs {
        lifetime: Lifetime::Never,
        ..spec().inputs
    };
    let mut timeline = Timeline::new(
        Spec {
            rotation,
            inputs,
            ..spec()
        },
        can(),
    );
    timeline.run(days(65), &[]);
    timeline.check("by_age");
}

#[test]
fn changed_inputs_are_updated_where_the_system_can_and_minted_where_not() {
    let can = Capabilities {
        update: [UpdateKind::Name].into(),
        ..can()
    };
    let mut timeline = Timeline::new(spec(), can);
    let rename = Event::Change(|spec| spec.inputs.name = "ci-2".into());
    let rescope = Event::Change(|spec| spec.inputs.scopes = ["write".to_owned()].into());
    timeline.run(days(4), &[(days(1), rename), (days(2), rescope)]);
    timeline.check("changed_inputs");
}

#[test]
fn what_a_person_disabled_stays_disabled_and_what_we_disabled_is_enabled_again() {
    let mut timeline = Timeline::new(spec(), can());
    let disable = Event::Change(|spec| spec.state = WantedState::Disabled);
    let enable = Event::Change(|spec| spec.state = WantedState::Enabled);
    let by_hand = Event::Status(TokenStatus::Disabled);
    timeline.run(
        days(4),
        &[(days(1), disable), (days(2), enable), (days(3), by_hand)],
    );
    timeline.check("disabled");
}

#[test]
fn a_lost_destination_gets_the_next_revision_and_the_lost_one_its_overlap() {
    let mut timeline = Timeline::new(spec(), can());
    timeline.run(days(3), &[(days(1), Event::DestinationLost)]);
    timeline.check("destination_lost");
}

#[test]
fn deletion_revokes_everything() {
    let mut timeline = Timeline::new(spec(), can());
    let trigger = Event::Change(|spec| spec.trigger = Some("now".into()));
    timeline.run(
        days(3),
        &[
            (days(1), trigger),
            (days(1) + minutes(5), Event::Delete(DeletionPolicy::Revoke)),
        ],
    );
    timeline.check("deletion_revoke");
}

#[test]
fn deletion_under_retain_leaves_the_current_token_and_keeps_the_overlap() {
    let deletion = Deletion {
        policy: DeletionPolicy::Revoke,
        since: None,
        timeout: days(7),
    };
    let mut timeline = Timeline::new(Spec { deletion, ..spec() }, can());
    let trigger = Event::Change(|spec| spec.trigger = Some("now".into()));
    timeline.run(
        days(4),
        &[
            (days(1), trigger),
            (days(1) + minutes(5), Event::Delete(DeletionPolicy::Retain)),
        ],
    );
    timeline.check("deletion_retain");
}
