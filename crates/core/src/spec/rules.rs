//! What no spec may ask for, whatever the system is: one rule after the other, each with the fields that
//! it looks at.

use jiff::SignedDuration;

use super::{InvalidSpec, RenewBefore, Rotation, Spec};
use crate::bounds::{MOST_TEXT, bytes_of};
use crate::capabilities::Capabilities;
use crate::marker::Marker;
use crate::{bounds, duration, instant};

const AGE: &str = "must not be longer than rotation every, which is";
const END: &str = "must not be longer than the lifetime less renew_before, which is";
const WITHIN: &str = "must be longer than zero and shorter than the lifetime";
const NO_END: &str = ", and with the lifetime never there is no end to count back from";

const NO_ROOM: &str = "must be left out: this system keeps one token at a time, so that the old one cannot outlive the next";
const GAP: &str = "must be true for a rotation: this system keeps one token at a time, so that the old one ends before there is a new one, and nothing works in between";

type Outcome = Result<(), InvalidSpec>;

/// One rule, and what came of it.
struct Rule {
    /// The field at fault.
    field: &'static str,
    /// The other fields that the rule looks at, absent ones included.
    beside: &'static [&'static str],
    outcome: Outcome,
}

impl Spec {
    /// Everything that is wrong with a spec whatever the system is.
    /// What depends on the system (name limit, units, scopes) its issuer checks.
    ///
    /// # Errors
    /// The first field that cannot be carried out.
    pub fn validate(&self) -> Outcome {
        self.validate_known(|_| true)?;
        // Where nobody hears a warning, a wish that has no effect is refused.
        let idle = self
            .idle(|_| true)
            .filter(|idle| idle.field == "renew_before");
        idle.map_or(Ok(()), Err)
    }

    /// The same where some fields are not known yet: a rule is judged only where everything that it looks
    /// at is known. What an unknown field holds here means nothing.
    ///
    /// # Errors
    /// The first field that cannot be carried out, whatever the unknown ones turn out to be.
    pub fn validate_known(&self, known: impl Fn(&str) -> bool) -> Outcome {
        let schedule = self.rotation.map(|rotation| self.schedule(rotation));
        let rules = self
            .wishes()
            .into_iter()
            .chain(schedule.into_iter().flatten());
        let judged = |rule: &Rule| known(rule.field) && rule.beside.iter().all(|name| known(name));
        rules.filter(judged).try_for_each(|rule| rule.outcome)
    }

    /// A part of a schedule that never comes due, since the tokens never end, or never become so old. Nothing is
    /// wrong with it, and whoever wrote it waits in vain; a front end that can warn says so.
    ///
    /// The message names both values, and continues a sentence that names the field.
    pub fn idle(&self, known: impl Fn(&str) -> bool) -> Option<InvalidSpec> {
        self.endless(&known).or_else(|| self.never_so_old(&known))
    }

    fn never_so_old(&self, known: impl Fn(&str) -> bool) -> Option<InvalidSpec> {
        let rotation = self.rotation?;
        let lifetime = self.inputs.lifetime.duration()?;
        let (every, oldest) = (rotation.every?, self.oldest(rotation)?);
        let [every_text, oldest_text, lifetime] = [every, oldest, lifetime].map(duration::format);
        let idle = InvalidSpec::new(
            "every",
            format!(
                "is {every_text}, and tokens that live {lifetime} are renewed when they are {oldest_text} old"
            ),
        );
        let judged = ["lifetime", "renew_before", "every"].into_iter().all(known);
        (judged && every > oldest).then_some(idle)
    }

    /// How old a token is when it is renewed since it ends.
    fn oldest(&self, rotation: Rotation) -> Option<SignedDuration> {
        let lifetime = self.inputs.lifetime.duration()?;
        let before = match rotation.renew_before {
            Some(RenewBefore::Percent(percent)) => instant::percent(lifetime, percent),
            Some(RenewBefore::Duration(before)) => before,
            None => instant::part(lifetime, 3),
        };
        Some(lifetime.saturating_sub(before))
    }

    fn endless(&self, known: impl Fn(&str) -> bool) -> Option<InvalidSpec> {
        let Rotation {
            renew_before,
            every,
        } = self.rotation?;
        let instead = match every {
            Some(_) => "every alone rotates",
            None => "set every, or a lifetime",
        };
        let says_more = self.overlap.is_some() || self.trigger.is_some() || self.allow_gap;
        let idle = match renew_before {
            Some(RenewBefore::Percent(percent)) => {
                InvalidSpec::new("renew_before", format!("is {percent}%{NO_END}: {instead}"))
            }
            Some(RenewBefore::Duration(before)) => {
                let before = duration::format(before);
                InvalidSpec::new("renew_before", format!("is {before}{NO_END}: {instead}"))
            }
            None if every.is_some() || says_more => return None,
            None => InvalidSpec::new("rotation", format!("is empty{NO_END}: {instead}")),
        };
        let never = self.inputs.lifetime.duration().is_none();
        (never && known("lifetime") && known(idle.field)).then_some(idle)
    }

    /// What a system that keeps one token at a time cannot do: nothing overlaps there, and a rotation leaves
    /// consumers for a while without a token that works.
    ///
    /// # Errors
    /// The first field that cannot be carried out there.
    pub fn validate_at(&self, can: &Capabilities) -> Outcome {
        if !can.one {
            return Ok(());
        }
        let overlaps = self.overlap.is_some_and(|overlap| overlap.is_positive());
        refuse("overlap", overlaps, NO_ROOM)?;
        let ends = self.inputs.lifetime.duration().is_some();
        let rotates = self
            .rotation
            .is_some_and(|rotation| ends || rotation.every.is_some());
        refuse("allow_gap", rotates && !self.allow_gap, GAP)
    }

    fn wishes(&self) -> [Rule; 11] {
        let name = &self.inputs.name;
        let texts = self.inputs.parameters.iter();
        let texts = texts.flat_map(|(name, text)| [name, text]);
        let scopes = bytes_of(&self.inputs.scopes);
        let parameters = bytes_of(texts.clone());
        let lifetime = self.inputs.lifetime.duration();
        let beyond = lifetime.filter(|lifetime| !bounds::LIFETIME.contain(*lifetime));
        let overlap = self.overlap.unwrap_or_default();
        let marked = "must not contain a tokenwright marker (tw1-…)";
        [
            alone(
                "name",
                refuse("name", name.trim().is_empty(), "must not be empty"),
            ),
            alone("name", refuse("name", Marker::occurs_in(name), marked)),
            alone("name", plain("name", [name])),
            alone("scopes", plain("scopes", &self.inputs.scopes)),
            alone("parameters", plain("parameters", texts)),
            alone("scopes", recorded("scopes", scopes)),
            alone("parameters", recorded("parameters", parameters)),
            alone(
                "lifetime",
                beyond.map_or(Ok(()), |lifetime| {
                    let sentence = bounds::LIFETIME.sentence(lifetime);
                    let message = format!("{sentence}; write never for no expiry");
                    Err(InvalidSpec::new("lifetime", message))
                }),
            ),
            alone(
                "request_timeout",
                bounds::REQUEST_TIMEOUT.check("request_timeout", self.request_timeout),
            ),
            alone(
                "deletion.timeout",
                bounds::DELETION_TIMEOUT.check("deletion.timeout", self.deletion.timeout),
            ),
            alone("overlap", bounds::OVERLAP.check("overlap", overlap)),
        ]
    }

    fn schedule(&self, rotation: Rotation) -> [Rule; 6] {
        let Rotation {
            renew_before,
            every,
        } = rotation;
        let lifetime = self.inputs.lifetime.duration();
        let (wrong, must) = match renew_before {
            Some(RenewBefore::Percent(part)) => {
                (!(1..=99).contains(&part), "must be between 1% and 99%")
            }
            Some(RenewBefore::Duration(before)) => (!before.is_positive(), WITHIN),
            None => (false, WITHIN),
        };
        let between = self.oldest(rotation);
        let too_early = between.is_some_and(|between| !between.is_positive());
        let least = bounds::BETWEEN_ROTATIONS.least;
        let too_often = renew_before.is_some() && between.is_some_and(|between| between < least);
        let leave = format!(
            "must leave at least {} of the lifetime",
            duration::format(least)
        );
        let overlap = self.overlap.unwrap_or_default();
        let beyond_age = every.is_some_and(|every| overlap > every);
        let beyond_expiry = between.is_some_and(|between| overlap > between);
        let told = |span: Option<SignedDuration>| span.map(duration::format).unwrap_or_default();
        let age = format!("{AGE} {}", told(every));
        let end = format!("{END} {}", told(between));
        let within = format!("{WITHIN}, which is {}", told(lifetime));
        let every = every.map_or(Ok(()), |every| {
            bounds::BETWEEN_ROTATIONS.check("every", every)
        });
        let renew = |broken, message: &str| refuse("renew_before", broken, message);
        let over = |broken, message: &str| refuse("overlap", broken, message);
        [
            alone("renew_before", renew(wrong, must)),
            beside("renew_before", &["lifetime"], renew(too_early, &within)),
            alone("every", every),
            beside("renew_before", &["lifetime"], renew(too_often, &leave)),
            beside("overlap", &["every"], over(beyond_age, &age)),
            beside(
                "overlap",
                &["lifetime", "renew_before"],
                over(beyond_expiry, &end),
            ),
        ]
    }
}

fn refuse(field: &'static str, broken: bool, message: &str) -> Outcome {
    match broken {
        true => Err(InvalidSpec::new(field, message)),
        false => Ok(()),
    }
}

/// Refuses what is no text to a database or a header, and breaks the lines in which it is told.
fn plain<'a>(field: &'static str, texts: impl IntoIterator<Item = &'a String>) -> Outcome {
    let mut texts = texts.into_iter();
    let broken = texts.any(|text| text.chars().any(char::is_control));
    let message = "must not contain control characters, such as line ends";
    refuse(field, broken, message)
}

/// Refuses more text than can be recorded again and again.
fn recorded(field: &'static str, bytes: usize) -> Outcome {
    match bytes > MOST_TEXT {
        true => {
            let message = format!(
                "hold {bytes} bytes of text, and {MOST_TEXT} are possible: they are recorded with each token"
            );
            Err(InvalidSpec::new(field, message))
        }
        false => Ok(()),
    }
}

fn alone(field: &'static str, outcome: Outcome) -> Rule {
    beside(field, &[], outcome)
}

fn beside(field: &'static str, beside: &'static [&'static str], outcome: Outcome) -> Rule {
    Rule {
        field,
        beside,
        outcome,
    }
}
