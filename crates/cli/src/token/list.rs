//! `token list`: the inventory of one account.

use jiff::Timestamp;
use serde::Serialize;
use tokenwright_client::Listing;
use tokenwright_core::instant::after;
use tokenwright_core::reason::more;

use super::Row;
use crate::arguments::ListTokens;
use crate::clock;
use crate::exit::Exit;
use crate::output::{Cell, Tone, complain, give, show};
use crate::progress::Progress;
use crate::reach::{Reached, runtime};
use crate::records::Records;
use crate::when::{age, relative};

/// Soon enough that a person should know.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// An inventory, as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inventory {
    pub(crate) profile: String,
    pub(crate) endpoint: String,
    /// Who the credential is; null where the system does not tell.
    pub(crate) identity: Option<String>,
    pub(crate) listed_at: Timestamp,
    pub(crate) tokens: Vec<Row>,
}

/// Prints it.
pub(crate) fn run(asked: ListTokens) -> anyhow::Result<Exit> {
    let records = Records::read(&asked.records)?;
    let reached = Reached::by(asked.reach)?;
    let taken = runtime()?.block_on(take(&reached, &records));
    let inventory = match taken {
        Ok(inventory) => inventory,
        Err(failure) => return Ok(failure.told()),
    };
    give(asked.output, &inventory, |inventory| {
        show(&HEADINGS, rows(&inventory.tokens, inventory.listed_at));
        complain(&counted(inventory, &reached));
    })?;
    Ok(Exit::Done)
}

/// What kept the issuer from being listed.
#[derive(Debug)]
pub(crate) struct Failure(tokenwright_client::Error);

impl Failure {
    /// Tells it, with what a person does next.
    pub(crate) fn told(&self) -> Exit {
        let kind = self.0.kind;
        let (operation, profile) = (self.0.operation, &self.0.profile);
        let said = self.0.sentence_with_vendor();
        complain(&format!("error: {operation} at {profile}: {said}"));
        complain(&format!("{} {}", kind.advice(), more(kind.name())));
        Exit::Failed
    }
}

impl From<tokenwright_client::Error> for Failure {
    fn from(error: tokenwright_client::Error) -> Self {
        Self(error)
    }
}

/// Asks for all tokens of the account.
pub(crate) async fn take(reached: &Reached, records: &Records) -> Result<Inventory, Failure> {
    let progress = Progress::at(format!(
        "listing the tokens at {}",
        reached.account.endpoint
    ));
    let listing = listing(reached, clock::now()).await?;
    drop(progress);
    // A name for the heading: nothing depends on it.
    let identity = reached.account.named_identity().await.ok().flatten();
    Ok(Inventory {
        profile: reached.profile.name().to_owned(),
        endpoint: reached.account.endpoint.clone(),
        identity: identity.map(|identity| identity.to_string()),
        listed_at: listing.started_at,
        tokens: listing
            .tokens
            .iter()
            .map(|token| Row::of(token, records))
            .collect(),
    })
}

/// A complete listing that started at this instant or later.
pub(crate) async fn listing(
    reached: &Reached,
    since: Timestamp,
) -> Result<std::sync::Arc<Listing>, Failure> {
    let inventory = &reached.account.inventory;
    Ok(inventory.since(&reached.parameters, since).await?)
}

pub(crate) const HEADINGS: [&str; 8] = [
    "ID",
    "NAME",
    "SCOPES",
    "OWNER",
    "AGE",
    "LAST USED",
    "EXPIRES",
    "MANAGER",
];

/// The table's rows, the next to expire first.
pub(crate) fn rows(tokens: &[Row], now: Timestamp) -> Vec<Vec<Cell>> {
    // Where none shows a use, the system does not tell: that is not "never".
    let tells_use = tokens.iter().any(|row| row.last_used_at.is_some());
    let mut tokens: Vec<&Row> = tokens.iter().collect();
    tokens.sort_by_key(|row| (row.expires_at.unwrap_or(Timestamp::MAX), row.name.clone()));
    let cells = |row: &&Row| {
        let unused = if tells_use { "never" } else { "-" };
        vec![
            Cell::from(&row.id),
            Cell::from(row.name.as_deref().unwrap_or("-")),
            Cell::from(scopes(&row.scopes)),
            Cell::from(row.owner.as_deref().unwrap_or("-")),
            Cell::from(row.created_at.map_or("-".to_owned(), |at| age(at, now))),
            Cell::from(
                row.last_used_at
                    // The listing itself may be a use, and the issuer's clock may be ahead.
                    .map_or(unused.to_owned(), |at| relative(at.min(now), now)),
            ),
            expiry(row, now),
            manager(row),
        ]
    };
    tokens.iter().map(cells).collect()
}

fn scopes(scopes: &[String]) -> String {
    match scopes {
        [] => "-".to_owned(),
        [one, two, three, rest @ ..] if !rest.is_empty() => {
            format!("{one},{two},{three} and {} more", rest.len())
        }
        few => few.join(","),
    }
}

fn expiry(row: &Row, now: Timestamp) -> Cell {
    let off = match row.enabled {
        Some(false) => ", disabled",
        Some(true) | None => "",
    };
    let Some(at) = row.expires_at else {
        return Cell::from(format!("never{off}"));
    };
    let tone = match at {
        at if at <= now => Tone::Faint,
        at if at <= after(now, SOON) => Tone::Warning,
        _ => Tone::Plain,
    };
    Cell::toned(format!("{}{off}", relative(at, now)), tone)
}

fn manager(row: &Row) -> Cell {
    use crate::records::Standing;
    let tone = match row.standing {
        Standing::Orphan(_) => Tone::Bad,
        Standing::LostAnswer(_) | Standing::Newer(_) | Standing::Unclaimed => Tone::Warning,
        Standing::Managed(_) => Tone::Good,
        Standing::Elsewhere | Standing::Ephemeral => Tone::Plain,
        Standing::Unmarked => Tone::Faint,
    };
    Cell::toned(row.manager(), tone)
}

fn counted(inventory: &Inventory, reached: &Reached) -> String {
    let count = inventory.tokens.len();
    let marked = inventory.tokens.iter().filter(|row| row.marker.is_some());
    let by = match &inventory.identity {
        Some(identity) => format!(" as {identity}"),
        None => String::new(),
    };
    let noun = if count == 1 { "token" } else { "tokens" };
    format!(
        "{count} {noun}, {} of them minted by Tokenwright; {}{by}",
        marked.count(),
        reached.heading()
    )
}
