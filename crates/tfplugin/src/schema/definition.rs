//! Schemas that cannot be: what a provider's author got wrong, told when the schema is asked for.

use crate::diagnostics::{AttributePath, Diagnostics};
use crate::schema::{Attribute, Kind, Nesting, ProviderSchema, Schema};

impl ProviderSchema {
    /// Says what is wrong with the definitions of attributes.
    pub fn check_definitions(&self, diags: &mut Diagnostics) {
        check("provider", &self.provider, diags);
        let kinds = [
            &self.resources,
            &self.data_sources,
            &self.ephemerals,
            &self.lists,
            &self.actions,
        ];
        for (name, schema) in kinds.into_iter().flatten() {
            check(name, schema, diags);
        }
    }
}

fn check(of: &str, schema: &Schema, diags: &mut Diagnostics) {
    let mut faults = Vec::new();
    find(&schema.attributes, &AttributePath::default(), &mut faults);
    for (path, fault) in faults {
        let detail =
            format!("The attribute {path} of {of} {fault}. This is a fault of the provider.");
        diags.error("The schema cannot be used", detail);
    }
}

type Faults = Vec<(AttributePath, &'static str)>;

fn find(attributes: &[Attribute], at: &AttributePath, faults: &mut Faults) {
    let mut names: Vec<_> = attributes.iter().map(Attribute::name).collect();
    names.sort_unstable();
    for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        faults.push((at.clone().attribute(pair[0]), "stands twice"));
    }
    for attribute in attributes {
        let path = at.clone().attribute(&attribute.name);
        faults.extend(attribute.faults().map(|fault| (path.clone(), fault)));
        if let Kind::Nested(_, inner) = &attribute.kind {
            find(inner, &path, faults);
        }
    }
}

impl Attribute {
    fn faults(&self) -> impl Iterator<Item = &'static str> {
        let nothing = !self.required && !self.optional && !self.computed;
        let both = self.required && (self.optional || self.computed);
        let kept = self.write_only && (self.computed || !self.is_configurable());
        let in_a_set = matches!(
            &self.kind,
            Kind::Nested(Nesting::Set, inner) if inner.iter().any(has_write_only)
        );
        [
            (nothing, "is neither required, optional nor computed"),
            (both, "is required, and optional or computed, too"),
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
