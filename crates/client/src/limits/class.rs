//! A class of characters, such as `[A-Za-z0-9_-]`.

use std::fmt;

/// Single characters and ranges of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharClass {
    text: String,
    ranges: Vec<(char, char)>,
}

impl CharClass {
    /// Reads a class in brackets; nothing where it is none. A hyphen at the beginning or end is one, and no
    /// other character means anything but itself.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        if inner.is_empty() || inner.starts_with('^') || inner.contains(['[', ']', '\\']) {
            return None;
        }
        let characters: Vec<char> = inner.chars().collect();
        let mut ranges = Vec::new();
        let mut rest = characters.as_slice();
        loop {
            rest = match rest {
                [] => break,
                [from, '-', to, after @ ..] => {
                    if from > to {
                        return None;
                    }
                    ranges.push((*from, *to));
                    after
                }
                [one, after @ ..] => {
                    ranges.push((*one, *one));
                    after
                }
            };
        }
        let text = text.to_owned();
        Some(Self { text, ranges })
    }

    /// Whether this character is in it.
    #[must_use]
    pub fn contains(&self, c: char) -> bool {
        let mut ranges = self.ranges.iter();
        ranges.any(|(from, to)| (*from..=*to).contains(&c))
    }
}

impl fmt::Display for CharClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_its_characters_and_ranges_and_no_others() {
        let class = CharClass::parse("[A-Ca-z0-9_.-]").unwrap();
        for c in "ABCaz09_.-".chars() {
            assert!(class.contains(c), "{c}");
        }
        for c in "DZ @/ä".chars() {
            assert!(!class.contains(c), "{c}");
        }
        assert!(CharClass::parse("[-a]").unwrap().contains('-'));
        for none in ["", "a-z", "[]", "[^a]", "[z-a]", "[a", "[a[b]", "[\\d]"] {
            assert_eq!(CharClass::parse(none), None, "{none}");
        }
    }
}
