//! Which parameters change what a listing shows: those that stand in one of its expressions.
//!
//! Each plan is taken apart by name, so that whoever adds a part says here whether it uses names.

use tokenwright_core::Parameters;

use super::ProfileIssuer;
use super::plan::{AuthPlan, CallPlan, ListPlan, LoginPlan, TokenPlan, User};
use crate::text::{Compiled, Template, Tree};

impl ProfileIssuer {
    pub(super) fn listed_by(&self, parameters: &Parameters) -> Parameters {
        let Some(list) = &self.profile.plan.list else {
            return parameters.clone();
        };
        let plan = &self.profile.plan;
        let used = |name: &str| {
            list.uses(name)
                || plan.token.uses(name)
                || self.way.auth.as_ref().is_some_and(|auth| auth.uses(name))
                || self
                    .way
                    .login
                    .as_ref()
                    .is_some_and(|login| login.uses(name))
        };
        let used = parameters.iter().filter(|(name, _)| used(name));
        used.map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

impl LoginPlan {
    /// Whether this parameter stands in its request: with another one it is another login.
    fn uses(&self, name: &str) -> bool {
        self.uses.iter().any(|used| used == name)
    }
}

impl ListPlan {
    fn uses(&self, name: &str) -> bool {
        let Self {
            call,
            each,
            token,
            skip,
            // These see the answer alone.
            items: _,
            pages: _,
        } = self;
        let each = each.as_ref().is_some_and(|(call, _)| call.uses(name));
        let skip = skip.as_ref().is_some_and(|skip| skip.uses(name));
        call.uses(name) || each || skip || token.uses(name)
    }
}

impl CallPlan {
    /// Whether this name stands in it.
    pub(super) fn uses(&self, name: &str) -> bool {
        let mut all = self.expressions().into_iter();
        all.any(|expression| expression.uses(name))
    }

    /// The expressions that write its request.
    pub(super) fn expressions(&self) -> Vec<&Compiled> {
        let Self {
            path,
            query,
            headers,
            body,
            form,
            endpoint: _,
            method: _,
            success: _,
            gone: _,
            unsure: _,
            ignore_body: _,
            put: _,
            secrets: _,
            uses_item: _,
        } = self;
        let pairs = query.iter().chain(form.iter().flatten());
        let trees = pairs.map(|(_, tree)| tree).chain(body);
        let all = path.expressions().chain(headers.expressions());
        all.chain(trees.flat_map(Tree::expressions)).collect()
    }
}

impl TokenPlan {
    fn uses(&self, name: &str) -> bool {
        let Self {
            id,
            name: shown_name,
            scopes,
            owner,
            created,
            expires,
            used,
            enabled,
            never: _,
            separator: _,
            times: _,
        } = self;
        let parts = [
            id, shown_name, scopes, owner, created, expires, used, enabled,
        ];
        let mut parts = parts.into_iter().flatten();
        parts.any(|part: &Compiled| part.uses(name))
    }
}

impl AuthPlan {
    /// Whether a name stands in it.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.user_text().is_some_and(|text| text.uses(name))
    }

    /// The user, where it is a text with names in it.
    pub(super) fn user_text(&self) -> Option<&Template> {
        match self {
            Self::Basic {
                user: User::Text(text),
                ..
            }
            | Self::Digest {
                user: User::Text(text),
                ..
            } => Some(text),
            // A region is the credential's, not a token's.
            Self::Basic { .. }
            | Self::Digest { .. }
            | Self::Header { .. }
            | Self::Headers(_)
            | Self::Sigv4(_) => None,
        }
    }
}

impl ListPlan {
    /// Whether the secrets of tokens stand in its answers.
    pub(super) fn shows_secrets(&self) -> bool {
        let each = self.each.as_ref().map(|(call, _)| call);
        let mut calls = [&self.call].into_iter().chain(each);
        calls.any(|call| !call.secrets.is_empty())
    }
}
