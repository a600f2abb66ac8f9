//! What a system writes between scopes: no single scope may hold it, since nobody could tell it from two,
//! whoever allowed one of them.

use std::collections::BTreeSet;

use super::plan::{Plan, TokenPlan};

impl Plan {
    /// The texts that requests join scopes with, and those that answers are taken apart at.
    pub(super) fn scope_separators(&self) -> BTreeSet<String> {
        let Self {
            token,
            mint,
            get,
            list,
            update,
            ..
        } = self;
        let calls = mint
            .iter()
            .flat_map(|mint| [&mint.call].into_iter().chain(&mint.then));
        let sent = calls.chain(update).flat_map(|call| call.expressions());
        let sent = sent.filter(|expression| expression.uses("scopes"));
        let tokens = [token]
            .into_iter()
            .chain(mint.as_ref().map(|mint| &mint.token))
            .chain(get.as_ref().map(|get| &get.token))
            .chain(list.as_ref().map(|list| &list.token));
        let read = tokens.filter_map(|TokenPlan { scopes, .. }| scopes.as_ref());
        sent.chain(read)
            .flat_map(|expression| expression.separators())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{builtin, builtins};

    #[test]
    fn built_in_systems_that_read_scopes_as_one_text_take_none_that_would_be_several() {
        let told = builtins().filter_map(|name| {
            let profile = builtin(name)?;
            let separators = profile.limits().scope_separators.iter();
            let all: Vec<_> = separators.cloned().collect();
            (!all.is_empty()).then(|| (name, all.join("|")))
        });
        let told: Vec<_> = told.collect();
        let told: Vec<_> = told
            .iter()
            .map(|(name, all)| (*name, all.as_str()))
            .collect();
        let expected = [
            ("artifactory", " "),
            ("azure-devops", " "),
            ("devpi", ","),
            ("fastly", " "),
            ("linode", " |,"),
            ("ory-hydra", " "),
        ];
        assert_eq!(told, expected);
    }
}
