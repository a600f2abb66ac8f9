//! All objects in an order in which no namespace waits for the crowd of another.

use std::collections::HashMap;

use crate::cluster::token::PackedToken;

/// The first of each namespace, then the second of each, and so on.
pub(super) fn in_turn(all: &[PackedToken]) -> Vec<PackedToken> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let placed = all.iter().map(|token| {
        let count = counts.entry(token.namespace()).or_default();
        *count = count.saturating_add(1);
        (*count, token)
    });
    let mut placed: Vec<_> = placed.collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, token)| token.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::shared::Shared;
    use crate::cluster::token::pack;

    fn of(namespace: &str, name: String) -> PackedToken {
        let object = json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
            "metadata": { "name": name, "namespace": namespace },
            "spec": { "issuerRef": { "name": "i" }, "secret": { "name": "s" } },
        });
        pack(&serde_json::from_value(object).unwrap(), &Shared::default())
    }

    #[test]
    fn a_tenant_with_one_comes_first_however_many_another_has_before_it() {
        let crowd = (0..10_000).map(|n| of("crowd", n.to_string()));
        let few = (0..2).map(|n| of("few", format!("few-{n}")));
        let all = in_turn(&crowd.chain(few).collect::<Vec<_>>());
        let place = |name: &str| all.iter().position(|token| token.name() == name);
        assert_eq!((place("few-0"), place("few-1")), (Some(1), Some(3)));
        assert_eq!((place("0"), place("9999")), (Some(0), Some(10_001)));
    }
}
