//! Terraform's one number type: a decimal of any precision.

use std::fmt;

/// A number. Equal when the decimal digits are equal, whatever the encoding.
#[derive(Debug, Clone)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// An exact binary fraction, or infinity.
    Float(f64),
    /// Any other decimal, as text.
    Decimal(String),
}

impl Number {
    /// The whole number, if it is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Float(_) | Self::Decimal(_) => canonical(&self.to_string()).parse().ok(),
        }
    }

    /// The nearest binary fraction.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            Self::Int(_) | Self::Decimal(_) => self.to_string().parse().ok(),
        }
    }

    /// A decimal from its text, in the shortest form.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text
            .parse::<f64>()
            .is_ok_and(|number| !number.is_nan() && !text.ends_with(char::is_alphabetic));
        let whole = canonical(text).parse().ok();
        valid.then(|| whole.map_or_else(|| Self::Decimal(text.to_owned()), Self::Int))
    }
}

/// Drops what does not change the value: a plus sign, zeros at the end of a fraction.
fn canonical(text: &str) -> String {
    let text = text.strip_prefix('+').unwrap_or(text);
    let is_plain = !text.contains(['e', 'E']);
    match text.contains('.') && is_plain {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Decimal(text) => f.write_str(text),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            _ => canonical(&self.to_string()) == canonical(&other.to_string()),
        }
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
