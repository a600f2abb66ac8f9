//! `token orphans`: live tokens with our marker that no record claims.
//!
//! Found in one listing, confirmed by a person, and revoked only after a second listing and the records,
//! read again, still say so: by the one function that ends tokens, on the issuer's own evidence.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};
use tokenwright_client::{
    Evidence, Listing, Nomination, NotSeen, RevokeError, Revoked, Token, revoke, seen_to_end,
};
use tokenwright_core::instant::before;
use tokenwright_core::{Ended, LostAnswer, Marker, TokenRef, duration};

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
    let old: Vec<String> = ids(&found, asked.older_than);
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
fn ids(found: &Inventory, older_than: SignedDuration) -> Vec<String> {
    let until = before(found.listed_at, older_than);
    let old = found
        .tokens
        .iter()
        .filter(|row| row.created_at.is_none_or(|at| at <= until));
    old.map(|row| row.id.clone()).collect()
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

/// Revokes those of these ids that are orphans still; how many were ended.
async fn end(reached: &Reached, records: &Records, ids: &[String]) -> Result<usize, Failure> {
    let decided_at = clock::now();
    let evidence = listing(reached, decided_at).await?;
    let mut ended = 0_usize;
    for id in ids {
        let shown = evidence.tokens.iter().find(|token| token.id.as_str() == id);
        let still = shown.filter(|token| is_live_orphan(&Row::of(token, records), decided_at));
        let marked = still.and_then(|token| Some((token, token.marker()?)));
        let Some((token, marker)) = marked else {
            print(&format!("– {} is no orphan any more\n", tame(id)));
            ended = ended.saturating_add(1);
            continue;
        };
        match end_one(reached, (token, &marker), &evidence, decided_at).await {
            Ok(Ended::Revoked) => print(&format!("✓ {} is revoked\n", tame(id))),
            Ok(_) => print(&format!("✓ {} is gone\n", tame(id))),
            Err(error) => {
                print(&format!("✗ {}: {}\n", tame(id), tame(&chain(&error))));
                continue;
            }
        }
        ended = ended.saturating_add(1);
    }
    Ok(ended)
}

async fn end_one(
    reached: &Reached,
    (token, marker): (&Token, &Marker),
    evidence: &Listing,
    decided_at: Timestamp,
) -> Result<Ended, RevokeError> {
    let account = &reached.account;
    let issuer = account.issuer.as_ref();
    let reference = TokenRef {
        id: token.id.clone(),
        marker: marker.clone(),
        parameters: reached.parameters.clone(),
        endpoint: account.endpoint.clone(),
        // One credential lists and revokes: there is nothing to compare.
        identity: None,
    };
    let mut nomination = Nomination {
        minted_at: token.created_at,
        expires_at: token.expires_at,
        ..Nomination::of(&reference, decided_at)
    };
    let sent = revoke(
        issuer,
        nomination,
        Evidence::Listing(evidence),
        clock::now(),
    )
    .await?;
    if let Revoked::Ended(ended) = sent {
        return Ok(ended);
    }
    nomination.sent_at = Some(clock::now());
    let since = Stopwatch::start();
    let settle = Duration::try_from(issuer.capabilities().settle).unwrap_or_default();
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
