//! Switching where the system only flips whatever the state is.

use tokenwright_core::{Parameters, Switch, TokenId};

use super::ProfileIssuer;
use super::asking::{operation_of, unknown_again};
use super::plan::CallPlan;
use super::read::Unreadable;
use crate::error::{Error, ErrorKind, Operation};

impl ProfileIssuer {
    /// Reads, flips once, reads again: the flip says nothing about what was before or after it.
    pub(super) async fn flip(
        &self,
        call: &CallPlan,
        (id, parameters): (&TokenId, &Parameters),
        switch: Switch,
    ) -> Result<(), Error> {
        let operation = operation_of(switch);
        let wanted = switch == Switch::Enable;
        if self.state(operation, id, parameters).await? == wanted {
            return Ok(());
        }
        let told = self.tell(operation, call, id, parameters).await;
        if let Err(error) = &told
            && error.kind != ErrorKind::OutcomeUnknown
        {
            return told;
        }
        match self.state(operation, id, parameters).await {
            Ok(state) if state == wanted => Ok(()),
            Ok(_) => told.and(Err(self.error(
                operation,
                ErrorKind::Conflict,
                "the token is not as it was switched: somebody else switches it",
            ))),
            Err(error) => told.and(Err(unknown_again(operation, error))),
        }
    }

    async fn state(
        &self,
        operation: Operation,
        id: &TokenId,
        parameters: &Parameters,
    ) -> Result<bool, Error> {
        let kept = |error: Error| Error { operation, ..error };
        let look = self.look(Operation::Get, id, parameters).await;
        let Some(token) = look.map_err(kept)? else {
            return Err(self.error(operation, ErrorKind::NotFound, "the token is not there"));
        };
        let missing = || Unreadable::Missing("enabled");
        token
            .enabled
            .ok_or_else(|| self.error(operation, ErrorKind::AnswerNotUnderstood, missing()))
    }
}
