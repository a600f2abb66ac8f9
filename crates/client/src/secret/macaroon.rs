//! What a macaroon says about itself: its identifier and its caveats, which any holder can read.
//!
//! Nothing is verified: the issuer made it a moment ago. Its signature stays where it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

/// The version of the format, its first byte.
const VERSION: u8 = 2;
/// What ends a section.
const END: u64 = 0;
const LOCATION: u64 = 1;
const IDENTIFIER: u64 = 2;
/// The key by which a third party's caveat is checked; its holder cannot read it.
const VERIFICATION: u64 = 4;
const SIGNATURE: u64 = 6;

/// `identifier` and `caveats` of a macaroon in its binary format, base64url, alone or behind a prefix
/// such as `pypi-`; nothing where the text is none.
pub(super) fn claims(text: &str) -> Option<Json> {
    let behind_prefix = text.split_once('-').map(|(_, rest)| rest);
    let mut candidates = [Some(text), behind_prefix].into_iter().flatten();
    candidates.find_map(|text| {
        // The signature is among them.
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?);
        macaroon(&bytes)
    })
}

fn macaroon(bytes: &[u8]) -> Option<Json> {
    let (version, mut rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    let identifier = identifier(&mut rest)?;
    let mut caveats = Vec::new();
    // An empty section ends the caveats.
    while rest.first()? != &0 {
        caveats.push(self::identifier(&mut rest)?);
    }
    let (END, _) = field(&mut rest)? else {
        return None;
    };
    let (SIGNATURE, _) = field(&mut rest)? else {
        return None;
    };
    rest.is_empty()
        .then(|| json!({ "identifier": identifier, "caveats": caveats }))
}

/// The identifier of one section: that of the macaroon, or a caveat.
fn identifier(rest: &mut &[u8]) -> Option<String> {
    let mut identifier = None;
    loop {
        match field(rest)? {
            (END, _) => return identifier,
            (IDENTIFIER, text) => identifier = Some(String::from_utf8(text.to_vec()).ok()?),
            (LOCATION | VERIFICATION, _) => {}
            _ => return None,
        }
    }
}

/// The kind of the next field and what is in it.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
    let kind = number(rest)?;
    if kind == END {
        return Some((kind, &[]));
    }
    let length = usize::try_from(number(rest)?).ok()?;
    let (content, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some((kind, content))
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    // Nothing here is longer than what fits in four bytes.
    for shift in [0, 7, 14, 21] {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Recorded from devpi-tokens 1.1.0 on a server that is gone.
    const DEVPI: &str = "devpi-AgEAAg1yb290LVZ0Y0J5Q1hxAAIXYWxsb3dlZD1wa2dfcmVhZCx1cGxvYWQAAhJleHBpcmVzPTE3OTU1MDAwMDAAAAYgpivpJ4aSKXBxUGhvwriiMsvhz_A6L29Rq3qt5TqAvng";

    #[test]
    fn identifier_and_caveats_are_read_behind_a_prefix_and_without_one() {
        let expected = json!({
            "identifier": "root-VtcByCXq",
            "caveats": ["allowed=pkg_read,upload", "expires=1795500000"],
        });
        assert_eq!(claims(DEVPI), Some(expected.clone()));
        let bare = DEVPI.trim_start_matches("devpi-");
        assert_eq!(claims(bare), Some(expected.clone()));
        assert_eq!(claims(&format!("{bare}=")), Some(expected));
    }

    #[test]
    fn a_macaroon_without_caveats_has_none() {
        let mut bytes = vec![2, 2, 1, b'i', 0, 0, 6, 32];
        bytes.extend([7; 32]);
        let expected = json!({ "identifier": "i", "caveats": [] });
        assert_eq!(claims(&URL_SAFE_NO_PAD.encode(bytes)), Some(expected));
    }

    #[test]
    fn what_is_no_macaroon_says_nothing() {
        for text in [
            "",
            "-",
            "devpi-",
            "AgEAAg",
            "eyJhbGciOiJub25lIn0.eyJqdGkiOiJ4In0.x",
            "239ae49b75b24b2a9f46c5135ab3b6fc",
            &DEVPI[..DEVPI.len() - 8],
            &format!("{DEVPI}AAAA"),
        ] {
            assert_eq!(claims(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_not_and_never_more(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut bytes = bytes;
            bytes.insert(0, VERSION);
            if let Some(claims) = macaroon(&bytes) {
                prop_assert!(claims["identifier"].as_str().is_some_and(|id| id.len() < bytes.len()));
            }
        }
    }
}
