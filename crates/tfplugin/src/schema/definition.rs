//! Schemas that cannot be: what a provider's author got wrong, told when the schema is asked for.

use crate::diagnostics::{AttributePath, Diagnostics};
use crate::schema::{Attribute, Kind, Nesting, ProviderSchema, Schema};

impl ProviderSchema {
    /// Says what is wrong with the definitions of attributes.
    pub fn check_definitions(&self, diags: &mut Diagnostics) {
        check("provider", &self.provider, Takes::default(), diags);
        let resource = Takes {
            write_only: true,
            plan: true,
        };
        let action = Takes {
            write_only: true,
            plan: false,
        };
        let kinds = [
            (&self.resources, resource),
            (&self.data_sources, Takes::default()),
            (&self.ephemerals, Takes::default()),
            (&self.lists, Takes::default()),
            (&self.actions, action),
        ];
        for (all, takes) in kinds {
            for (name, schema) in all {
                check(name, schema, takes, diags);
            }
        }
    }
}

/// What the attributes of a block may be.
#[derive(Debug, Clone, Copy, Default)]
struct Takes {
    /// What is never stored needs no write-only ones.
    write_only: bool,
    /// Only what is planned has defaults and changes.
    plan: bool,
}

fn check(of: &str, schema: &Schema, takes: Takes, diags: &mut Diagnostics) {
    let mut faults = Vec::new();
    let at = &AttributePath::default();
    find(&schema.attributes, at, takes, &mut faults);
    for (path, fault) in faults {
        let detail =
            format!("The attribute {path} of {of} {fault}. This is a fault of the provider.");
        diags.error("The schema cannot be used", detail);
    }
}

type Faults = Vec<(AttributePath, &'static str)>;

fn find(attributes: &[Attribute], at: &AttributePath, takes: Takes, faults: &mut Faults) {
    let mut names: Vec<_> = attributes.iter().map(Attribute::name).collect();
    names.sort_unstable();
    for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        faults.push((at.clone().attribute(pair[0]), "stands twice"));
    }
    for attribute in attributes {
        let path = at.clone().attribute(&attribute.name);
        faults.extend(attribute.faults().map(|fault| (path.clone(), fault)));
        let rules = attribute.rule_faults(attributes).into_iter();
        faults.extend(rules.map(|fault| (path.clone(), fault)));
        if attribute.write_only && !takes.write_only {
            let fault = "is write-only, which only attributes of resources and actions can be";
            faults.push((path.clone(), fault));
        }
        if (attribute.default.is_some() || attribute.requires_replace) && !takes.plan {
            let fault = "has a default or replaces its object, which only attributes of resources do, and not in collections";
            faults.push((path.clone(), fault));
        }
        if let Kind::Nested(nesting, inner) = &attribute.kind {
            let plan = takes.plan && *nesting == Nesting::Single;
            find(inner, &path, Takes { plan, ..takes }, faults);
        }
    }
}

impl Attribute {
    fn faults(&self) -> impl Iterator<Item = &'static str> {
        let nothing = !self.required && !self.optional && !self.computed;
        let both = self.required && (self.optional || self.computed);
        let unplanned = self.default.is_some() && !(self.optional && self.computed);
        let kept = self.write_only && (self.computed || !self.is_configurable());
        let in_a_set = matches!(
            &self.kind,
            Kind::Nested(Nesting::Set, inner) if inner.iter().any(has_write_only)
        );
        [
            (nothing, "is neither required, optional nor computed"),
            (both, "is required, and optional or computed, too"),
            (
                unplanned,
                "has a default, and is not both optional and computed",
            ),
            (
                kept,
                "is write-only, and cannot be configured or is computed, too",
            ),
            (
                in_a_set,
                "is a set with a write-only attribute, whose elements could not be told apart",
            ),
        ]
        .into_iter()
        .filter_map(|(is, fault)| is.then_some(fault))
    }
}

fn has_write_only(attribute: &Attribute) -> bool {
    let within = match &attribute.kind {
        Kind::Plain(_) => false,
        Kind::Nested(_, inner) => inner.iter().any(has_write_only),
    };
    attribute.write_only || within
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;

    fn text(name: &str) -> Attribute {
        Attribute::new(name, Type::String)
    }

    fn told(all: &ProviderSchema) -> Vec<String> {
        let mut diags = Diagnostics::new();
        all.check_definitions(&mut diags);
        diags.iter().map(|diag| diag.detail.clone()).collect()
    }

    /// These attributes in each kind of block, and alone there.
    fn everywhere(attributes: Vec<Attribute>) -> Vec<(&'static str, ProviderSchema)> {
        let schema = Schema::new(attributes);
        let one = [("one".to_owned(), schema.clone())];
        let mut all: [(_, ProviderSchema); 6] = [
            "provider",
            "resource",
            "data source",
            "ephemeral resource",
            "list",
            "action",
        ]
        .map(|kind| (kind, ProviderSchema::default()));
        all[0].1.provider = schema;
        all[1].1.resources = one.clone().into();
        all[2].1.data_sources = one.clone().into();
        all[3].1.ephemerals = one.clone().into();
        all[4].1.lists = one.clone().into();
        all[5].1.actions = one.into();
        all.into()
    }

    #[test]
    fn what_cannot_be_is_told_in_every_kind_of_block_at_every_depth() {
        let nested = |inner| Attribute::nested("in", Nesting::List, vec![inner]).optional();
        for (attributes, path) in [
            (vec![text("a")], "a"),
            (vec![text("a").required().computed()], "a"),
            (vec![text("a").optional(), text("a").optional()], "a"),
            (vec![nested(text("a"))], "in.a"),
        ] {
            for (kind, all) in everywhere(attributes) {
                let told = told(&all);
                assert_eq!(told.len(), 1, "{kind}: {told:?}");
                let told = &told[0];
                assert!(
                    told.starts_with(&format!("The attribute {path} of ")),
                    "{told}"
                );
            }
        }
    }

    #[test]
    fn write_only_is_what_resources_store_not_and_actions_are_given_and_nothing_else() {
        let secret = text("secret").optional().write_only();
        let deep = Attribute::nested("in", Nesting::Single, vec![secret.clone()]).optional();
        for attribute in [secret, deep] {
            for (kind, all) in everywhere(vec![attribute]) {
                let told = told(&all);
                let expected = usize::from(!matches!(kind, "resource" | "action"));
                assert_eq!(told.len(), expected, "{kind}: {told:?}");
                let says = |one: &String| one.contains("only attributes of resources and actions");
                assert!(told.iter().all(says), "{told:?}");
            }
        }
        let kept = text("kept").optional().computed().write_only();
        let inner = vec![text("secret").optional().write_only()];
        let set = Attribute::nested("set", Nesting::Set, inner).optional();
        for attribute in [kept, set] {
            let (_, all) = everywhere(vec![attribute]).swap_remove(1);
            assert_eq!(told(&all).len(), 1);
        }
    }

    #[test]
    fn only_what_is_planned_has_defaults_and_replaces() {
        let or = || text("kept").optional().computed().defaults_to("a");
        let within = |nesting, inner| Attribute::nested("in", nesting, vec![inner]).optional();
        let replaces = || text("replaces").required().requires_replace();
        for one in [or(), replaces()] {
            for (kind, all) in everywhere(vec![one.clone()]) {
                assert_eq!(told(&all).len(), usize::from(kind != "resource"), "{kind}");
            }
            for (nesting, faults) in [(Nesting::Single, 0), (Nesting::List, 1)] {
                let (_, all) = everywhere(vec![within(nesting, one.clone())]).swap_remove(1);
                assert_eq!(told(&all).len(), faults, "{nesting:?}");
            }
        }
        let (_, all) = everywhere(vec![text("a").optional().defaults_to("a")]).swap_remove(1);
        assert_eq!(told(&all).len(), 1);
    }

    #[test]
    fn a_rule_is_about_what_there_is() {
        let number = |name: &str| Attribute::new(name, Type::Number).optional();
        let texts = Attribute::new("texts", Type::set(Type::String)).optional();
        let fit = [
            texts.clone().one_of(["a"]),
            number("count").between(1..=2),
            text("a").optional().conflicts_with(&[&"a"]),
        ];
        let unfit = [
            texts.between(1..=2),
            number("count").one_of(["a"]),
            number("count").not_blank(""),
            text("a").optional().conflicts_with(&[&"b"]),
            text("a").optional().exactly_one_of(&[&"a", &"b"]),
        ];
        for (attributes, faults) in [(fit.to_vec(), 0), (unfit.to_vec(), 1)] {
            for attribute in attributes {
                for (kind, all) in everywhere(vec![attribute.clone()]) {
                    assert_eq!(told(&all).len(), faults, "{kind}: {attribute:?}");
                }
            }
        }
    }
}
