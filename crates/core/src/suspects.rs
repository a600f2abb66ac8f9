//! Tokens that may exist after lost answers and that nobody can find.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::marker::{Nonce, Revision};
use crate::record::{Ended, Past, Record};

impl Record {
    /// Those of which it is known when they were asked for, oldest first. A former version counted more than it kept.
    pub fn suspected(&self) -> impl Iterator<Item = &Past> {
        let past = self.past.iter();
        past.filter(|past| past.ended == Ended::Suspect)
    }

    /// The record without those that are none any more: a person says so by the revision, it was found after all, or
    /// its lifetime is over, where the system keeps to it.
    #[must_use]
    pub fn without_ended_suspects(
        mut self,
        ended: &BTreeSet<Revision>,
        keeps_to_lifetimes: bool,
        now: Timestamp,
    ) -> Self {
        let ended_tokens = self.past.iter().filter(|past| past.id.is_some());
        let ended_tokens = ended_tokens.map(|past| &past.nonce);
        let found = self.referenced().map(|token| &token.marker.nonce);
        let found: BTreeSet<Nonce> = found.chain(ended_tokens).cloned().collect();
        for past in &mut self.past {
            let wished_end = past.asked.and_then(|asked| asked.wished_end);
            let over = keeps_to_lifetimes && wished_end.is_some_and(|at| at <= now);
            past.ended = match past.ended {
                Ended::Suspect if ended.contains(&past.revision) => Ended::Gone,
                Ended::Suspect if found.contains(&past.nonce) => Ended::Gone,
                Ended::Suspect if over => Ended::Expired,
                _ => continue,
            };
            self.suspects = self.suspects.saturating_sub(1);
        }
        // What a former version counted and did not keep is older than all that a person can name.
        if !ended.is_empty() && self.suspected().next().is_none() {
            self.suspects = 0;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Asked;
    use crate::samples::at;
    use crate::token::TokenId;

    fn without(record: &Record, ended: &[Revision], keeps: bool) -> (u32, Vec<Ended>) {
        let ended = ended.iter().copied().collect();
        let record = record
            .clone()
            .without_ended_suspects(&ended, keeps, at(100));
        let how = record.past.iter().map(|past| past.ended).collect();
        (record.suspects, how)
    }

    #[test]
    fn a_suspect_is_none_any_more_once_a_person_says_so_its_time_is_over_or_it_is_found() {
        let asked = |wished_end: Option<i64>| Asked {
            deadline: at(10),
            wished_end: wished_end.map(at),
        };
        let [lived, lives, endless] = [Some(100), Some(101), None].map(asked);
        let past = [
            ("aaaaaaaa", lived),
            ("bbbbbbbb", lives),
            ("cccccccc", endless),
        ]
        .into_iter()
        .zip(1..);
        let past = past.map(|((nonce, asked), revision)| Past {
            nonce: nonce.parse().unwrap(),
            revision,
            id: None,
            ended: Ended::Suspect,
            ended_at: Some(at(20)),
            undelivered: false,
            asked: Some(asked),
        });
        let record = Record {
            suspects: 3,
            past: past.collect(),
            ..Record::default()
        };
        let (suspect, gone, expired) = (Ended::Suspect, Ended::Gone, Ended::Expired);
        assert_eq!(without(&record, &[], false), (3, vec![suspect; 3]));
        assert_eq!(
            without(&record, &[], true),
            (2, vec![expired, suspect, suspect])
        );
        assert_eq!(
            without(&record, &[3, 9], true),
            (1, vec![expired, suspect, gone])
        );
        assert_eq!(
            without(&record, &[2, 3], false),
            (1, vec![suspect, gone, gone])
        );
        // Its answer came after all, or a listing showed it, and it was revoked.
        let mut found = record;
        found.past.push(Past {
            id: Some(TokenId::new("t")),
            ended: Ended::Revoked,
            ..found.past[1].clone()
        });
        assert_eq!(
            without(&found, &[], false),
            (2, vec![suspect, gone, suspect, Ended::Revoked])
        );
    }

    #[test]
    fn what_a_former_version_counted_and_did_not_keep_ends_with_the_last_that_it_kept() {
        let former = r#"{"suspects": 5, "past": [
            {"nonce": "aaaaaaaa", "revision": 7, "ended": "Suspect"},
            {"nonce": "bbbbbbbb", "revision": 8, "ended": "Suspect"}
        ]}"#;
        let former: Record = serde_json::from_str(former).unwrap();
        assert_eq!(without(&former, &[], true).0, 5);
        assert_eq!(without(&former, &[7], true).0, 4);
        assert_eq!(without(&former, &[7, 8], true).0, 0);
        let forgot = Record {
            suspects: 2,
            ..Record::default()
        };
        assert_eq!(without(&forgot, &[], true).0, 2);
        assert_eq!(without(&forgot, &[1], true).0, 0);
    }
}
