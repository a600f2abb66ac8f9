//! The JSON Schema of profiles, for editors that complete and check while one is written.
//!
//! Made from the types that read the file, so that both say the same. What only the loader can see (an
//! expression, a part that needs another) it does not say.

use schemars::generate::SchemaSettings;

use super::file::File;

/// The schema, as it is committed beside the built-in profiles.
#[must_use]
pub fn schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<File>().to_value()
}

#[cfg(test)]
mod tests {
    use super::schema;

    const FRESH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/profile.schema.json");

    #[test]
    fn the_committed_schema_is_that_of_the_types() {
        let made = schema();
        if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
            std::fs::write(FRESH, format!("{made:#}\n")).unwrap();
        }
        let committed = std::fs::read_to_string(FRESH).unwrap();
        let committed: serde_json::Value = serde_json::from_str(&committed).unwrap();
        assert!(
            committed == made,
            "profile.schema.json is stale: run this test with TOKENWRIGHT_UPDATE=1"
        );
    }

    #[test]
    fn the_schema_refuses_unknown_keys_and_says_every_key_in_words() {
        let schema = schema();
        let types = schema["$defs"].as_object().unwrap().iter();
        for (name, one) in types.chain([(&"File".to_owned(), &schema)]) {
            let Some(properties) = one["properties"].as_object() else {
                continue;
            };
            assert_eq!(one["additionalProperties"], false, "{name}");
            for (key, property) in properties {
                let said = property["description"].as_str().unwrap_or_default();
                assert!(!said.is_empty(), "{name}.{key} is not described");
            }
        }
        assert_eq!(
            schema["required"],
            serde_json::json!(["profile", "title", "value"])
        );
    }
}
