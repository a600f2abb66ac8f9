//! What an answer says about the issuer as a whole, before anybody judges what it says to the question.

use super::ProfileIssuer;
use super::asking::{Asking, Who};
use super::call::Attempt;
use crate::account::gate::Sign;
use crate::error::Operation;
use crate::http::{Incoming, NoAnswer, retry_after};

impl ProfileIssuer {
    pub(super) fn sign(
        &self,
        asking: &Asking<'_>,
        attempt: Attempt,
        answer: &Result<Incoming, NoAnswer>,
    ) -> Sign {
        let answer = match answer {
            Ok(answer) => answer,
            Err(NoAnswer::NotSent(_) | NoAnswer::Lost(_)) => return Sign::Unreachable,
            Err(NoAnswer::Unwritable) => return Sign::Answered { credential: false },
        };
        let wait = retry_after(&answer.headers, self.clock.now());
        match (answer.status, asking.who) {
            (429, _) => Sign::AskedToWait(wait),
            (503, _) if wait.is_some() => Sign::AskedToWait(wait),
            (500..=599, _) => Sign::Unreachable,
            // A value that is asked about is nobody's credential but its own.
            (_, Who::Value) => Sign::Answered { credential: false },
            (_, Who::Login) if asking.value.is_some() => Sign::Answered { credential: false },
            // What a login gave may have ended, which the next login shows.
            (401, Who::Us) if self.way.login.is_some() => Sign::Answered { credential: false },
            // A challenge of HTTP Digest is no refusal.
            (401, _) if attempt == Attempt::First && asking.is_challenged() => {
                Sign::Answered { credential: false }
            }
            (401, _) | (403, Who::Login) => Sign::CredentialRefused,
            (403, Who::Us) if asking.operation == Operation::Identity => Sign::CredentialRefused,
            (_, Who::Login) => Sign::Answered { credential: false },
            (_, Who::Us) => Sign::Answered { credential: true },
        }
    }
}
