//! A UID as it is kept for each of thousands of objects.

use std::fmt;

/// A UID. The text of a UUID takes room for itself and for where it is; its number takes sixteen bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Uid {
    /// A UUID, as every API server gives one out.
    Uuid([u8; 16]),
    /// Anything else.
    Text(Box<str>),
}

/// Whether at this place of a UUID there is a dash.
fn is_dash(at: usize) -> bool {
    matches!(at, 8 | 13 | 18 | 23)
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        number(text).map_or_else(|| Self::Text(text.into()), |n| Self::Uuid(n.to_be_bytes()))
    }
}

impl From<&String> for Uid {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Self> for Uid {
    fn from(uid: &Self) -> Self {
        uid.clone()
    }
}

/// The number of a UUID that is spelt as all are, so that the same text can be made of it again.
fn number(text: &str) -> Option<u128> {
    let fits = |(at, byte): (usize, u8)| match byte {
        b'-' => is_dash(at),
        b'0'..=b'9' | b'a'..=b'f' => !is_dash(at),
        _ => false,
    };
    let spelt = text.len() == 36 && text.bytes().enumerate().all(fits);
    let digits = text.chars().filter_map(|digit| digit.to_digit(16));
    spelt.then(|| digits.fold(0, |number, digit| (number << 4) | u128::from(digit)))
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Uuid(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    let dash = if matches!(at, 4 | 6 | 8 | 10) {
                        "-"
                    } else {
                        ""
                    };
                    write!(f, "{dash}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_text_a_uid_is_it_comes_back_as_it_was() {
        for text in [
            "5f0c63b1-9a2e-4c51-8d1f-0b7a6c1e92d4",
            "00000000-0000-0000-0000-000000000001",
            "5F0C63B1-9a2e-4c51-8d1f-0b7a6c1e92d4",
            "5f0c63b1a9a2e-4c51-8d1f-0b7a6c1e92d4",
            "5f0c63b-19a2e-4c51-8d1f-0b7a6c1e92d4",
            "5f0c63b1-9a2e-4c51-8d1f-0b7a6c1e92dé",
            "1",
            "",
        ] {
            assert_eq!(Uid::from(text).to_string(), text);
        }
        let usual = Uid::from("5f0c63b1-9a2e-4c51-8d1f-0b7a6c1e92d4");
        assert!(matches!(usual, Uid::Uuid(_)));
        assert_ne!(usual, Uid::from("5f0c63b1-9a2e-4c51-8d1f-0b7a6c1e92d5"));
    }
}
