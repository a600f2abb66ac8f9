//! What the sandbox remembers, on SQLite: accounts, tokens and the events of the ledger.
//!
//! It keeps the SHA-256 of a value and never the value; it decides nothing about a system's rules.
//! One connection behind one mutex: each request is one short transaction, so that no answer ever
//! shows half of another's effect.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::random::{self, NoRandomness};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS accounts (
    system TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (system, field));
CREATE TABLE IF NOT EXISTS tokens (
    serial INTEGER PRIMARY KEY AUTOINCREMENT,
    system TEXT NOT NULL, id TEXT NOT NULL, sha256 TEXT NOT NULL,
    minted INTEGER NOT NULL, gone INTEGER NOT NULL, record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS tokens_by_id ON tokens (system, id);
CREATE INDEX IF NOT EXISTS tokens_by_value ON tokens (system, sha256);
CREATE TABLE IF NOT EXISTS events (
    serial INTEGER PRIMARY KEY AUTOINCREMENT,
    token INTEGER NOT NULL, what TEXT NOT NULL, at TEXT NOT NULL,
    actor TEXT NOT NULL, operation TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_token ON events (token);
";

/// The store could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("the database refused")]
    Database(#[from] rusqlite::Error),
    /// A stored record is not what this version writes.
    #[error("a stored token cannot be read")]
    Record(#[from] serde_json::Error),
    /// No random bytes.
    #[error("no new value could be drawn")]
    Randomness(#[from] NoRandomness),
}

/// One token of a played system; also the management credential, which was not minted through the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    #[serde(skip)]
    pub(crate) serial: i64,
    pub(crate) system: String,
    pub(crate) id: String,
    pub(crate) sha256: String,
    /// Made through the API.
    pub(crate) minted: bool,
    /// Made by a person in the console.
    #[serde(default)]
    pub(crate) by_hand: bool,
    pub(crate) name: String,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) owner: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) used: Option<Timestamp>,
    pub(crate) deleted: Option<Timestamp>,
    pub(crate) disabled: bool,
    pub(crate) born_dead: bool,
    pub(crate) listed_from: Option<Timestamp>,
    /// What only its own system knows of it.
    pub(crate) more: Map<String, Value>,
}

impl Token {
    pub(crate) fn new(system: &str, id: String, value: &str, now: Timestamp) -> Self {
        Self {
            serial: 0,
            system: system.to_owned(),
            id,
            sha256: random::sha256(value),
            minted: false,
            by_hand: false,
            name: String::new(),
            scopes: None,
            owner: String::new(),
            created: now,
            updated: now,
            expires: None,
            used: None,
            deleted: None,
            disabled: false,
            born_dead: false,
            listed_from: None,
            more: Map::new(),
        }
    }

    /// Whether the ledger knows it: all but the credentials that the sandbox itself began with.
    pub(crate) fn counts(&self) -> bool {
        self.minted || self.by_hand
    }

    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    pub(crate) fn listed(&self, now: Timestamp) -> bool {
        self.listed_from.is_none_or(|from| from <= now)
    }

    pub(crate) fn standing(&self, now: Timestamp) -> Standing {
        if self.deleted.is_some() {
            Standing::Revoked
        } else if self.born_dead {
            Standing::BornDead
        } else if self.expired(now) {
            Standing::Expired
        } else if self.disabled {
            Standing::Disabled
        } else {
            Standing::Live
        }
    }
}

/// Whether a value authenticates, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Live,
    Expired,
    Disabled,
    Revoked,
    BornDead,
}

/// One line of the ledger as it is stored.
pub(crate) struct StoredEvent {
    pub(crate) what: String,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) operation: String,
    pub(crate) token: Token,
}

/// The database of one sandbox.
#[derive(Debug)]
pub(crate) struct Store(Mutex<Connection>);

impl Store {
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, StoreError> {
        let connection = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        // A process that dies loses nothing this way; only the machine's own crash could.
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Runs `work` as one transaction: an error undoes all of it.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        let outcome = work(&Db(&transaction))?;
        transaction.commit()?;
        Ok(outcome)
    }
}

impl Store {
    /// Works in one transaction, and forgets what it did.
    pub(crate) fn without_effect<T>(
        &self,
        work: impl FnOnce(&Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        let outcome = work(&Db(&transaction))?;
        transaction.rollback()?;
        Ok(outcome)
    }
}

/// The store within one transaction.
pub(crate) struct Db<'a>(&'a Connection);

impl Db<'_> {
    /// A field of a system's account; `first` makes it when the account is new.
    pub(crate) fn account(
        &self,
        system: &str,
        field: &str,
        first: impl FnOnce() -> Result<String, NoRandomness>,
    ) -> Result<String, StoreError> {
        let known = self
            .0
            .prepare_cached("SELECT value FROM accounts WHERE system = ? AND field = ?")?
            .query_row(params![system, field], |row| row.get(0))
            .optional()?;
        if let Some(known) = known {
            return Ok(known);
        }
        let value = first()?;
        self.set_account(system, field, &value)?;
        Ok(value)
    }

    pub(crate) fn set_account(
        &self,
        system: &str,
        field: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT OR REPLACE INTO accounts (system, field, value) VALUES (?, ?, ?)",
            params![system, field, value],
        )?;
        Ok(())
    }

    pub(crate) fn insert(&self, token: &mut Token) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO tokens (system, id, sha256, minted, gone, record) VALUES (?, ?, ?, ?, ?, ?)",
            params![
                token.system,
                token.id,
                token.sha256,
                token.minted,
                token.deleted.is_some(),
                serde_json::to_string(token)?
            ],
        )?;
        token.serial = self.0.last_insert_rowid();
        Ok(())
    }

    pub(crate) fn update(&self, token: &Token) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE tokens SET gone = ?, record = ? WHERE serial = ?",
            params![
                token.deleted.is_some(),
                serde_json::to_string(token)?,
                token.serial
            ],
        )?;
        Ok(())
    }

    pub(crate) fn by_value(&self, system: &str, value: &str) -> Result<Option<Token>, StoreError> {
        self.one(
            "SELECT serial, record FROM tokens WHERE system = ?1 AND sha256 = ?2 ORDER BY serial DESC LIMIT 1",
            params![system, random::sha256(value)],
        )
    }

    /// The token that carries `id` now, or carried it last.
    pub(crate) fn by_id(&self, system: &str, id: &str) -> Result<Option<Token>, StoreError> {
        self.one(
            "SELECT serial, record FROM tokens WHERE system = ?1 AND id = ?2 ORDER BY serial DESC LIMIT 1",
            params![system, id],
        )
    }

    pub(crate) fn last_minted(&self, system: &str) -> Result<Option<Token>, StoreError> {
        self.one(
            "SELECT serial, record FROM tokens WHERE system = ?1 AND minted = 1 ORDER BY serial DESC LIMIT 1",
            params![system],
        )
    }

    /// All tokens that were not revoked, oldest first.
    pub(crate) fn standing(&self, system: &str) -> Result<Vec<Token>, StoreError> {
        self.many(
            "SELECT serial, record FROM tokens WHERE system = ? AND gone = 0 ORDER BY serial",
            system,
        )
    }

    /// All tokens that ever were, oldest first.
    pub(crate) fn all(&self, system: &str) -> Result<Vec<Token>, StoreError> {
        self.many(
            "SELECT serial, record FROM tokens WHERE system = ? ORDER BY serial",
            system,
        )
    }

    pub(crate) fn event(
        &self,
        token: &Token,
        what: &str,
        at: Timestamp,
        actor: &str,
        operation: &str,
    ) -> Result<(), StoreError> {
        self.0
            .prepare_cached(
                "INSERT INTO events (token, what, at, actor, operation) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                token.serial,
                what,
                at.to_string(),
                actor,
                operation
            ])?;
        Ok(())
    }

    /// Every event of the tokens of `system` that count, in the order in which they happened.
    pub(crate) fn events(&self, system: &str) -> Result<Vec<StoredEvent>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT t.serial, t.record, e.what, e.at, e.actor, e.operation
             FROM events e JOIN tokens t ON t.serial = e.token
             WHERE t.system = ? ORDER BY e.serial",
        )?;
        let mut rows = statement.query(params![system])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            let token = read(row)?;
            if !token.counts() {
                continue;
            }
            let at: String = row.get(3)?;
            events.push(StoredEvent {
                token,
                what: row.get(2)?,
                at: at.parse().map_err(|source: jiff::Error| {
                    rusqlite::Error::FromSqlConversionFailure(
                        3,
                        rusqlite::types::Type::Text,
                        Box::new(source),
                    )
                })?,
                actor: row.get(4)?,
                operation: row.get(5)?,
            });
        }
        Ok(events)
    }

    fn one(&self, sql: &str, keys: impl rusqlite::Params) -> Result<Option<Token>, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(keys)?;
        rows.next()?.map(read).transpose()
    }

    fn many(&self, sql: &str, system: &str) -> Result<Vec<Token>, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params![system])?;
        let mut tokens = Vec::new();
        while let Some(row) = rows.next()? {
            tokens.push(read(row)?);
        }
        Ok(tokens)
    }
}

/// Reads a row whose first two columns are `serial` and `record`.
fn read(row: &Row<'_>) -> Result<Token, StoreError> {
    let record: String = row.get(1)?;
    let mut token: Token = serde_json::from_str(&record)?;
    token.serial = row.get(0)?;
    Ok(token)
}
