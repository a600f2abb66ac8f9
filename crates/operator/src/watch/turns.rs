//! Each object is looked at by one task at a time: whoever asks for another look meanwhile gets it afterwards.

use std::collections::HashMap;
use std::hash::Hash;
use std::panic::resume_unwind;
use std::pin::pin;

use futures::{Stream, StreamExt as _};
use tokio::task::{JoinSet, yield_now};

/// So many looks begin before those that did go on: at a start thousands are due at once, and most are over as soon
/// as they have begun.
const AT_ONCE: usize = 16;

/// Looks at whatever is due, until nothing more comes; looks that are under way then come to their end.
pub(super) async fn look_at<T, F>(due: impl Stream<Item = T>, look: impl Fn(T) -> F)
where
    T: Clone + Eq + Hash + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut due = pin!(due.fuse());
    let mut looks = JoinSet::new();
    // Whether each is due again.
    let mut under_way: HashMap<T, bool> = HashMap::new();
    loop {
        let begins = tokio::select! {
            Some(next) = due.next() => match under_way.get_mut(&next) {
                Some(again) => {
                    *again = true;
                    continue;
                }
                None => next,
            },
            Some(done) = looks.join_next() => {
                let done = done.unwrap_or_else(|error| resume_unwind(error.into_panic()));
                let again = under_way.remove(&done).unwrap_or_default();
                if !again || due.is_done() {
                    continue;
                }
                done
            }
            else => return,
        };
        under_way.insert(begins.clone(), false);
        let looked = look(begins.clone());
        looks.spawn(async move {
            looked.await;
            begins
        });
        if looks.len().is_multiple_of(AT_ONCE) {
            yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures::stream;
    use parking_lot::Mutex;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_is_looked_at_by_one_task_at_a_time_and_again_where_that_was_asked_meanwhile() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        // Each takes a second; "a" is due four times within its first look, "b" once.
        let due = stream::iter(["a", "a", "b", "a", "a"]).chain(stream::once(async {
            sleep(Duration::from_secs(5)).await;
            "c"
        }));
        let log = Arc::clone(&lines);
        look_at(due, |name| {
            let log = Arc::clone(&log);
            async move {
                log.lock().push(format!("{name} begins"));
                sleep(Duration::from_secs(1)).await;
                log.lock().push(format!("{name} ends"));
            }
        })
        .await;
        let expected = [
            "a begins", "b begins", "a ends", "b ends", "a begins", "a ends",
        ];
        let mut lines = std::mem::take(&mut *lines.lock());
        assert_eq!(
            lines.split_off(6),
            ["c begins", "c ends"],
            "it came to its end"
        );
        lines[2..4].sort();
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    #[should_panic(expected = "a look that fails so is no look")]
    async fn who_panics_ends_all() {
        let due = stream::iter(["a"]).chain(stream::pending());
        look_at(due, |_| async { panic!("a look that fails so is no look") }).await;
    }
}
