//! One manager in a world without surprises but those of its script; every decision becomes a line.

use std::fmt::Write as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::*;

/// What happens from outside at an instant.
#[derive(Clone)]
pub(crate) enum Event {
    Change(fn(&mut Spec)),
    Answer(Fault),
    Delete(DeletionPolicy),
    Status(TokenStatus),
    DestinationLost,
}

/// How the next mint goes wrong.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    LostAfterEffect,
    LostBeforeEffect,
    Refused,
    BornDead,
}

pub(crate) struct Timeline {
    pub(crate) spec: Spec,
    pub(crate) can: Capabilities,
    pub(crate) record: Record,
    pub(crate) destination: Option<(u64, Carried)>,
    pub(crate) issued: Vec<(TokenRef, Option<Timestamp>)>,
    pub(crate) survey: Option<Survey>,
    pub(crate) status: Option<TokenStatus>,
    pub(crate) fault: Option<Fault>,
    pub(crate) start: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) table: String,
}

pub(crate) fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

pub(crate) fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

pub(crate) fn spec() -> Spec {
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
        allow_gap: false,
        overlap: None,
        windows: Vec::new(),
        default_overlap: DefaultOverlap::For(schedule::OVERLAP),
        written: None,
        trigger: None,
        state: WantedState::Enabled,
        acknowledged: Default::default(),
        revoke_previous: None,
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

pub(crate) fn can() -> Capabilities {
    Capabilities {
        lost_answer: LostAnswer::FindByMarker,
        check: true,
        revoke: true,
        look: Look::Listing,
        disable: Disable::SetState,
        update: Default::default(),
        settle: schedule::SETTLE,
        one: false,
        lifetime_ignored: false,
    }
}

impl Timeline {
    pub(crate) fn new(spec: Spec, can: Capabilities) -> Self {
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

    pub(crate) fn offset(&self, at: Timestamp) -> String {
        duration::format(at.duration_since(self.start))
    }

    pub(crate) fn observed(&self) -> Observed {
        let destination = match &self.destination {
            None => Destination::Absent,
            Some((uid, carried)) => Destination::Present {
                version: DestinationVersion::Present {
                    uid: uid.to_string(),
                    resource_version: "1".into(),
                },
                carried: Some(Box::new(carried.clone())),
                intact: Intact::Yes,
            },
        };
        Observed {
            running: None,
            issuer: IssuerSeen {
                endpoint: "https://issuer".into(),
                credential: None,
                identity: None,
            },
            destination,
            status: self.status.unwrap_or(TokenStatus::Active),
            survey: self.survey.clone(),
            hold_revokes: false,
            clock_ahead: SignedDuration::ZERO,
            suspect: false,
            doubt: Doubt::default(),
            not_granted: Vec::new(),
        }
    }

    pub(crate) fn list(&mut self) {
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
    pub(crate) fn run(&mut self, end: SignedDuration, events: &[(SignedDuration, Event)]) {
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

    pub(crate) fn row(&mut self, step: &str, reason: &str, next: Option<Timestamp>) {
        let next = next.map(|at| self.offset(at)).unwrap_or_default();
        let line = format!(
            "{:<22} {step:<28} {reason:<20} {next}",
            self.offset(self.now)
        );
        writeln!(self.table, "{}", line.trim_end()).unwrap();
    }

    pub(crate) fn happen(&mut self, event: Event) {
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

    pub(crate) fn record(&mut self, outcome: Outcome) {
        self.record = evolve(std::mem::take(&mut self.record), outcome, self.now);
    }

    /// True when the manager is gone.
    pub(crate) fn perform(&mut self, view: &View<'_>, action: Action) -> bool {
        match action {
            Action::Flow(Flow::Mint { revision }) => self.mint(view, revision),
            Action::Issuer(request) => self.ask(request),
            Action::Record(note) => self.record(note.into()),
            Action::Destination(AtDestination::Remove | AtDestination::Release) => {
                self.destination = None;
            }
            Action::Flow(Flow::Replay(_)) | Action::Destination(AtDestination::Trust(_)) => {
                unreachable!("no timeline replays or doubts")
            }
            Action::Finish => return true,
        }
        false
    }

    fn ask(&mut self, request: AtIssuer) {
        match request {
            AtIssuer::Revoke(token) | AtIssuer::MakeRoom(token) => {
                self.issued.retain(|(issued, _)| issued.id != token.id);
                self.record(Outcome::RevokeSent(token));
            }
            AtIssuer::Update(_, change) => {
                let held = self.record.current.as_ref();
                let expires_at = held.and_then(|held| held.expires_at);
                let inputs = change.inputs;
                self.record(Outcome::Updated { inputs, expires_at });
            }
            AtIssuer::SetEnabled(_, switch) => {
                self.status = Some(match switch {
                    Switch::Enable => TokenStatus::Active,
                    Switch::Disable => TokenStatus::Disabled,
                });
                self.record(Outcome::Switched(switch));
            }
            AtIssuer::Prove(_) => self.record(Outcome::Proved(Liveness::Alive)),
            AtIssuer::Check(_) => unreachable!("no timeline doubts"),
        }
    }

    pub(crate) fn mint(&mut self, view: &View<'_>, revision: Revision) {
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
                Ask::Rehearse => Answer::Rehearsed {
                    version: match &self.destination {
                        None => DestinationVersion::Absent,
                        Some((uid, _)) => DestinationVersion::Present {
                            uid: uid.to_string(),
                            resource_version: "1".into(),
                        },
                    },
                    current: None,
                },
                Ask::WriteAttempt(attempt) => {
                    self.record(Outcome::Attempted(attempt));
                    Answer::AttemptWritten
                }
                Ask::Mint { .. } if fault == Some(Fault::Refused) => Answer::NotMinted {
                    sent: true,
                    retry_after: None,
                },
                Ask::Mint { .. } if fault == Some(Fault::LostBeforeEffect) => Answer::MintUnknown,
                Ask::Mint { attempt, .. } => {
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
                            marked: Some(true),
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

    pub(crate) fn check(self, name: &str) {
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

pub(crate) fn step(action: &Action) -> String {
    match action {
        Action::Flow(Flow::Mint { revision }) => format!("mint r{revision}"),
        Action::Flow(Flow::Replay(attempt)) => format!("replay r{}", attempt.revision),
        Action::Issuer(request) => match request {
            AtIssuer::Revoke(token) => format!("revoke {}", token.id),
            AtIssuer::MakeRoom(token) => format!("make room of {}", token.id),
            AtIssuer::Update(token, change) => format!("update {} {:?}", token.id, change.kinds),
            AtIssuer::SetEnabled(token, switch) => {
                format!("{switch:?} {}", token.id).to_lowercase()
            }
            AtIssuer::Prove(token) => format!("prove {}", token.id),
            AtIssuer::Check(token) => format!("check {}", token.id),
        },
        Action::Record(note) => match note {
            Note::Published(carried) => format!("record {}", carried.current.token.id),
            Note::RevokeClosed { token, .. } => format!("seen to end {}", token.id),
            Note::AttemptClosed { attempt, suspect } => format!(
                "close attempt r{}{}",
                attempt.revision,
                if *suspect { ", suspect" } else { "" }
            ),
            Note::MintWithdrawn => "withdraw the failed mint".into(),
            Note::IntentWithdrawn => "withdraw the intent".into(),
            Note::Recognised(identity) => format!("recognise {identity}"),
        },
        Action::Destination(AtDestination::Remove) => "remove the destination".into(),
        Action::Destination(AtDestination::Release) => "release the destination".into(),
        Action::Destination(AtDestination::Trust(token)) => format!("trust {}", token.id),
        Action::Finish => "finish".into(),
    }
}
