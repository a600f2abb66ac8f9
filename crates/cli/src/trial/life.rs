//! The order of a trial: identity, mint, the steps with a living token, and its end.

use crate::exit::Exit;
use crate::loan::{Left, Loan};
use crate::output::chain;

impl Loan<'_> {
    /// Runs all of it; whatever happens, what was minted is ended.
    pub(super) async fn tried(&self) -> Exit {
        if self.signals.unless(self.identity()).await == Some(false) {
            return Exit::Failed;
        }
        if let Some(signal) = self.signals.came() {
            return Exit::Interrupted(signal);
        }
        let left = self
            .during(async |minted, since| {
                // Dropped at the first signal; the end is not.
                let _ = self.signals.unless(self.with_token(minted, since)).await;
            })
            .await;
        match (left, self.signals.came()) {
            (Left::MayBeAlive(ids), _) => {
                self.report.heading(&self.advice(&ids));
                Exit::MayBeAlive
            }
            (Left::Nothing, Some(signal)) => Exit::Interrupted(signal),
            (Left::Nothing, None) if self.report.has_failed() => Exit::Failed,
            (Left::Nothing, None) => Exit::Done,
        }
    }

    async fn identity(&self) -> bool {
        let step = "identity";
        self.report.begin();
        match self.issuer.identity().await {
            Ok(Some(identity)) => self.report.passed(step, identity.as_str()),
            Ok(None) => self
                .report
                .skipped(step, "the system cannot tell who the credential is"),
            Err(error) => self.report.failed(step, &chain(&error)),
        }
        !self.report.has_failed()
    }
}
