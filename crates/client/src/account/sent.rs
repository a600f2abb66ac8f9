//! How many requests an operation sends: its pages, its logins and what it sends a second time, as a vendor counts them.

use std::cell::Cell;

tokio::task_local! {
    static SENT: Cell<u32>;
}

/// What comes of `asks`, and how many requests went through a gate for it; whoever hands a part of it to another task
/// does not see those.
pub async fn counted<F: Future>(asks: F) -> (F::Output, u32) {
    let both = async {
        let answer = asks.await;
        (answer, SENT.with(Cell::get))
    };
    SENT.scope(Cell::new(0), both).await
}

/// One goes through.
pub(super) fn one_more() {
    let _nobody_counts = SENT.try_with(|sent| sent.set(sent.get().saturating_add(1)));
}
