//! Names that other people write.

/// Whether there can be an object of this name. A name stands in a path, and other people write it: what is
/// none, such as one with a slash, is asked about nowhere.
pub(crate) fn is_name(name: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    name.bytes().all(plain) && name.split('.').all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_lead_elsewhere_in_a_path_is_no_name() {
        for name in ["ci-token", "a.b-c.example", "0"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "", ".", "..", "../ci", "a/b", "a%2fb", "a?b", "a#b", "a\\b", "A", "a..b",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
