//! What a provider offers, in the protocol's words: built once, at the start.

use std::collections::{BTreeMap, HashMap};

use super::block::Block;
use crate::proto::tfplugin6 as proto;
use crate::schema::Schema;

pub(super) fn schemas(all: &BTreeMap<String, Schema>) -> HashMap<String, proto::Schema> {
    let each = all.iter();
    each.map(|(name, schema)| (name.clone(), schema.to_proto()))
        .collect()
}

pub(super) fn names(all: &BTreeMap<String, Block>) -> impl Iterator<Item = String> {
    all.keys().cloned()
}

pub(super) fn blocks(all: &BTreeMap<String, Schema>) -> BTreeMap<String, Block> {
    let each = all.iter();
    each.map(|(name, schema)| (name.clone(), Block::new(schema)))
        .collect()
}

pub(super) fn capabilities() -> proto::ServerCapabilities {
    proto::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: true,
    }
}
