//! What is asked of the world of a memory issuer, and what it answers.

use jiff::Timestamp;
use tokenwright_core::{Change, Identity, Liveness, Parameters, Switch, TokenId};

use super::entry::Entry;
use crate::account::gate::Words;
use crate::error::Operation;
use crate::issuer::{Filter, MintRequest, Token};

/// A request.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Identity,
    Check(Vec<(String, [u8; 32])>),
    Mint(Box<MintRequest>),
    Get(TokenId),
    List(Filter),
    Update(TokenId, String, Box<Change>, Timestamp),
    Switch(TokenId, Switch),
    Revoke(TokenId),
}

/// What is peculiar about a mint.
#[derive(Debug, Clone, Default)]
pub(super) struct How {
    pub(super) born_dead: bool,
    pub(super) id: Option<TokenId>,
    pub(super) twice: bool,
}

/// An answer.
#[derive(Debug)]
pub(super) enum Reply {
    Identity(Option<Identity>),
    Liveness(Liveness),
    Minted(Box<Entry>),
    Token(Option<Token>),
    Tokens(Vec<Token>),
    Done,
}

impl Ask {
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Identity => Operation::Identity,
            Self::Check(_) => Operation::Check,
            Self::Mint(_) => Operation::Mint,
            Self::Get(_) => Operation::Get,
            Self::List(_) => Operation::List,
            Self::Update(..) => Operation::Update,
            Self::Switch(_, Switch::Enable) => Operation::Enable,
            Self::Switch(_, Switch::Disable) => Operation::Disable,
            Self::Revoke(_) => Operation::Revoke,
        }
    }

    /// Whose words stand in it.
    pub(super) fn words(&self) -> Words {
        match self {
            Self::Identity => Words::Ours,
            Self::List(filter) if filter.parameters.is_empty() => Words::Ours,
            _ => Words::Theirs,
        }
    }

    pub(super) fn id(&self) -> Option<&TokenId> {
        match self {
            Self::Get(id) | Self::Update(id, ..) | Self::Switch(id, _) | Self::Revoke(id) => {
                Some(id)
            }
            Self::Identity | Self::Check(_) | Self::Mint(_) | Self::List(_) => None,
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Mint(request) => Some(&request.remote_name),
            Self::Update(_, name, ..) => Some(name),
            Self::Identity
            | Self::Check(_)
            | Self::Get(_)
            | Self::List(_)
            | Self::Switch(..)
            | Self::Revoke(_) => None,
        }
    }

    pub(super) fn listed_with(&self) -> Parameters {
        match self {
            Self::List(filter) => filter.parameters.clone(),
            _ => Parameters::default(),
        }
    }

    /// After this instant it must not be sent.
    pub(super) fn send_by(&self) -> Option<Timestamp> {
        match self {
            Self::Mint(request) => request.send_by,
            Self::Identity
            | Self::Check(_)
            | Self::Get(_)
            | Self::List(_)
            | Self::Update(..)
            | Self::Switch(..)
            | Self::Revoke(_) => None,
        }
    }

    /// The answer of an issuer that shows nothing and does nothing.
    pub(super) fn nothing(&self) -> Reply {
        match self {
            Self::Identity => Reply::Identity(None),
            Self::Check(_) => Reply::Liveness(Liveness::Unknown),
            Self::Get(_) | Self::Update(..) => Reply::Token(None),
            Self::List(_) => Reply::Tokens(Vec::new()),
            Self::Mint(_) | Self::Switch(..) | Self::Revoke(_) => Reply::Done,
        }
    }

    /// Whether a lost answer leaves open whether something was done.
    pub(super) fn changes(&self) -> bool {
        match self {
            Self::Mint(_) | Self::Update(..) | Self::Switch(..) | Self::Revoke(_) => true,
            Self::Identity | Self::Check(_) | Self::Get(_) | Self::List(_) => false,
        }
    }
}
