//! A file as a text: Base64 in lines of 64 characters, between two lines that say what it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::Error;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const LINE: usize = 64;

pub(super) fn wrap(file: &[u8]) -> String {
    let encoded = STANDARD.encode(file);
    let mut text = format!("{BEGIN}\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(END);
    text.push('\n');
    text
}

/// The file, whatever white space stands around it.
pub(super) fn unwrap(text: &str) -> Result<Vec<u8>, Error> {
    let lines: Vec<_> = text.trim_ascii().lines().collect();
    let [BEGIN, lines @ .., END] = lines.as_slice() else {
        return Err(Error::NoFile);
    };
    let [full @ .., last] = lines else {
        return Err(Error::Damaged);
    };
    let whole = full.iter().all(|line| line.len() == LINE) && (1..=LINE).contains(&last.len());
    if !whole {
        return Err(Error::Damaged);
    }
    STANDARD.decode(lines.concat()).map_err(|_| Error::Damaged)
}
