//! `token orphans`: live tokens with our marker that no record claims.
//!
//! Found in one listing, confirmed by a person, and revoked only after a second listing and the records,
//! read again, still say so: by the one function that ends tokens, on the issuer's own evidence.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};
use tokenwright_client::{
    Evidence, Listing, Nomination, NotSeen, RevokeError, Revoked, revoke, second_look, seen_to_end,
};
use tokenwright_core::instant::before;
use tokenwright_core::{Ended, LostAnswer, Marker, TokenId, TokenRef, duration};

use super::Row;
use super::list::{Failure, HEADINGS, Inventory, listing, rows, take};
use crate::arguments::Orphans;
use crate::clock::{self, Stopwatch};
use crate::exit::Exit;
use crate::output::{chain, complain, confirmed, give, print, show, tame};
use crate::reach::{Reached, runtime};
use crate::records::{Records, Standing};

/// The first wait between two looks, which doubles, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Finds them, and revokes them where that is asked for.
pub(crate) fn run(asked: Orphans) -> anyhow::Result<Exit> {
    let records = Records::read(&asked.records)?;
    if !records.tell_orphans() {
        bail!(
            "nothing says which tokens are claimed: give --state FILE (`terraform state pull`), or \
             --manager NAME where all states of that manager are given or gone, or --cluster"
        );
    }
    let reached = Reached::by(asked.reach)?;
    if reached.account.issuer.capabilities().lost_answer != LostAnswer::FindByMarker {
        bail!(
            "{} shows no names in its listing, so no marker tells whose a token is",
            reached.profile.title()
        );
    }
    let runtime = runtime()?;
    let mut found = match runtime.block_on(take(&reached, &records)) {
        Ok(inventory) => inventory,
        Err(failure) => return Ok(failure.told()),
    };
    let others = others(&found);
    let now = found.listed_at;
    found.tokens.retain(|row| is_live_orphan(row, now));
    give(asked.output, &found, |found| tell(found, &others))?;
    let all = found.tokens.len();
    if all == 0 {
        return Ok(Exit::Done);
    }
    if !asked.revoke {
        complain("to revoke them, give --revoke");
        return Ok(Exit::MayBeAlive);
    }
    let old = old_enough(found, asked.older_than);
    if old.len() < all {
        complain(&format!(
            "{} of them younger than {}, and an apply may be about to record it: left alone, see --older-than",
            all.saturating_sub(old.len()),
            duration::format(asked.older_than)
        ));
    }
    let question = format!(
        "Revoke {} for good? A token that was retained on purpose looks like an orphan.",
        counted(old.len())
    );
    let refuse = "give --yes, or leave out --revoke to look only";
    if old.is_empty() || !asked.yes && !confirmed(&question, refuse)? {
        complain("nothing was revoked");
        return Ok(Exit::MayBeAlive);
    }
    // Meanwhile an apply may have recorded one.
    let from_pipe = asked
        .records
        .states
        .iter()
        .any(|path| path == Path::new("-"));
    let records = match from_pipe {
        true => records,
        false => Records::read(&asked.records)?,
    };
    Ok(match runtime.block_on(end(&reached, &records, &old)) {
        Ok(ended) if ended == all => Exit::Done,
        Ok(_) => Exit::MayBeAlive,
        Err(failure) => failure.told(),
    })
}

fn is_live_orphan(row: &Row, now: Timestamp) -> bool {
    let lives = row.expires_at.is_none_or(|at| now < at);
    lives && matches!(row.standing, Standing::Orphan(_))
}

/// Those that are old enough for their record to be written; where the system tells no age, all.
fn old_enough(found: Inventory, older_than: SignedDuration) -> Vec<Row> {
    let until = before(found.listed_at, older_than);
    let old = found
        .tokens
        .into_iter()
        .filter(|row| row.created_at.is_none_or(|at| at <= until));
    old.collect()
}

fn tell(found: &Inventory, others: &str) {
    if !found.tokens.is_empty() {
        show(&HEADINGS, rows(&found.tokens, found.listed_at));
    }
    let count = match found.tokens.len() {
        0 => "no orphans".to_owned(),
        1 => "1 orphan".to_owned(),
        several => format!("{several} orphans"),
    };
    complain(&format!("{count} at {}{others}", found.endpoint));
}

fn counted(tokens: usize) -> String {
    match tokens {
        1 => "1 token".to_owned(),
        several => format!("{several} tokens"),
    }
}

/// What is no orphan, and yet worth a word.
fn others(found: &Inventory) -> String {
    let count =
        |is: fn(&Standing) -> bool| found.tokens.iter().filter(|row| is(&row.standing)).count();
    let lost = count(|standing| matches!(standing, Standing::LostAnswer(_)));
    let unclaimed = count(|standing| matches!(standing, Standing::Unclaimed));
    let mut words = String::new();
    if lost > 0 {
        words += &format!("; {lost} of a lost answer, which the next refresh takes up");
    }
    let newer = count(|standing| matches!(standing, Standing::Newer(_)));
    if newer > 0 {
        words += &format!(
            "; {newer} newer than the given record of its manager: give the newest state, which may have it"
        );
    }
    let ephemeral = count(|standing| matches!(standing, Standing::Ephemeral));
    if ephemeral > 0 {
        words += &format!(
            "; {ephemeral} of runs of terraform, which end with their run or by themselves"
        );
    }
    if unclaimed > 0 {
        words += &format!(
            "; {unclaimed} of the same manager in no given state: give --manager NAME if all its states are given"
        );
    }
    words
}

/// Revokes those of these tokens that are orphans still; how many were ended.
async fn end(reached: &Reached, records: &Records, found: &[Row]) -> Result<usize, Failure> {
    let decided_at = clock::now();
    let evidence = listing(reached, decided_at).await?;
    let mut ended = 0_usize;
    for row in found {
        let id = tame(&row.id);
        let mut tokens = evidence.tokens.iter();
        let shown = tokens.find(|token| token.id.as_str() == row.id);
        let still = |token| is_live_orphan(&Row::of(token, records), decided_at);
        // What this listing lacks is not known to be gone.
        let marker = row.marker.as_deref().filter(|_| shown.is_none_or(still));
        let Some(marker) = marker.and_then(|text| text.parse().ok()) else {
            print(&format!("– {id} is no orphan any more\n"));
            ended = ended.saturating_add(1);
            continue;
        };
        match end_one(reached, (row, &marker), &evidence, decided_at).await {
            Ok(Ended::Revoked) => print(&format!("✓ {id} is revoked\n")),
            Ok(_) => print(&format!("✓ {id} is gone\n")),
            Err(error) => {
                print(&format!("✗ {id}: {}\n", tame(&chain(&error))));
                continue;
            }
        }
        ended = ended.saturating_add(1);
    }
    Ok(ended)
}

async fn end_one(
    reached: &Reached,
    (row, marker): (&Row, &Marker),
    evidence: &Listing,
    decided_at: Timestamp,
) -> Result<Ended, RevokeError> {
    let account = &reached.account;
    let issuer = account.issuer.as_ref();
    let reference = TokenRef {
        id: TokenId::new(&row.id),
        marker: marker.clone(),
        parameters: reached.parameters.clone(),
        endpoint: account.endpoint.clone(),
        // One credential lists and revokes: there is nothing to compare.
        identity: None,
    };
    let mut nomination = Nomination {
        minted_at: row.created_at,
        expires_at: row.expires_at,
        ..Nomination::of(&reference, decided_at)
    };
    let settle = Duration::try_from(issuer.capabilities().settle).unwrap_or_default();
    let listed = Evidence::Listing(evidence);
    let mut sent = revoke(issuer, nomination, listed, clock::now()).await;
    if let Some((second, _)) = second_look(issuer, nomination, &sent) {
        tokio::time::sleep(settle).await;
        nomination = second;
        sent = revoke(issuer, nomination, Evidence::Look, clock::now()).await;
    }
    if let Revoked::Ended(ended) = sent? {
        return Ok(ended);
    }
    nomination.sent_at = Some(clock::now());
    let since = Stopwatch::start();
    let (mut wait, longest) = WAITS;
    loop {
        let rest = settle.saturating_sub(since.elapsed());
        let seen = seen_to_end(issuer, nomination, Evidence::Look, clock::now()).await;
        match seen {
            Err(RevokeError::NotSeen(NotSeen::StillShown { .. })) if !rest.is_zero() => {}
            seen => return seen,
        }
        tokio::time::sleep(wait.min(rest)).await;
        wait = wait.saturating_mul(2).min(longest);
    }
}
