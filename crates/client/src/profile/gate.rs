//! What an answer says about the issuer as a whole, whatever it says to the question.

use super::ProfileIssuer;
use super::answered::Arrived;
use super::asking::{Asking, Who};
use super::call::Attempt;
use crate::account::gate::Sign;
use crate::error::{ErrorKind, Operation};
use crate::http::{NoAnswer, retry_after};

impl ProfileIssuer {
    pub(super) fn sign(
        &self,
        asking: &Asking<'_>,
        attempt: Attempt,
        answer: &Result<Arrived, NoAnswer>,
    ) -> Sign {
        let answer = match answer {
            Ok(answer) => answer,
            Err(NoAnswer::NotSent(_) | NoAnswer::NoProxy(_)) => return Sign::NotReached,
            Err(NoAnswer::Lost(_)) => return Sign::Unreachable,
            Err(NoAnswer::Unwritable) => return Sign::Answered { credential: false },
        };
        let wait = retry_after(&answer.headers, self.clock.now());
        let failure = self.failure(asking, answer);
        match (answer.status, failure) {
            // Some systems say it with another status, and a word of theirs.
            (429, _) | (_, Some(ErrorKind::RateLimited { .. })) => Sign::AskedToWait(wait),
            (503, _) if wait.is_some() => Sign::AskedToWait(wait),
            (500..=599, _) => Sign::Unreachable,
            _ => self.sign_of_credential(asking, attempt, (answer, failure)),
        }
    }

    /// What it says about whoever asked.
    fn sign_of_credential(
        &self,
        asking: &Asking<'_>,
        attempt: Attempt,
        (answer, failure): (&Arrived, Option<ErrorKind>),
    ) -> Sign {
        let nothing = Sign::Answered { credential: false };
        let renews = self.way.login.is_some() && asking.who == Who::Us;
        match (failure, asking.who) {
            // A value that is asked about is nobody's credential but its own.
            (_, Who::Value) => nothing,
            (_, Who::Login) if asking.value.is_some() => nothing,
            // A gateway that does not know us says nothing about our credential.
            _ if !self.is_own(asking, answer) => nothing,
            // What a login gave may have ended, which the next login shows.
            (Some(ErrorKind::Unauthenticated), _) if renews && !attempt.fresh => nothing,
            // A challenge of HTTP Digest is no refusal.
            (Some(ErrorKind::Unauthenticated), _)
                if !attempt.challenged && asking.is_challenged() =>
            {
                nothing
            }
            (Some(ErrorKind::Unauthenticated), _) | (Some(ErrorKind::Forbidden), Who::Login) => {
                Sign::CredentialRefused
            }
            (Some(ErrorKind::Forbidden), Who::Us)
                if asking.operation == Operation::Identity && (attempt.fresh || !renews) =>
            {
                Sign::CredentialRefused
            }
            (_, Who::Login) => nothing,
            (_, Who::Us) => Sign::Answered { credential: true },
        }
    }
}
