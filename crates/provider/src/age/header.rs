//! The header: the key of the file, wrapped for each recipient in a stanza of its own, under a MAC.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::hmac;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::error::Error;
use super::keys::{Identities, Recipient};
use super::primitives::{self, derive, mac_key};

const VERSION: &str = "age-encryption.org/v1";
const LABEL: &[u8] = b"age-encryption.org/v1/X25519";
/// The wrapped key of a file, with its tag.
const WRAPPED: usize = 32;
/// A line of a stanza's body; a shorter one, or an empty one, is its last.
const LINE: usize = 64;

/// What the payload's key is made from.
pub(super) type FileKey = Zeroizing<[u8; 16]>;

/// The header that wraps a key for all of them.
pub(super) fn write(
    recipients: &[Recipient],
    file_key: &FileKey,
    mut draw: impl FnMut(&mut [u8]) -> Result<(), Error>,
) -> Result<String, Error> {
    let mut header = format!("{VERSION}\n");
    for Recipient(theirs) in recipients {
        let mut drawn = Zeroizing::new([0; 32]);
        draw(&mut drawn[..])?;
        let ephemeral = StaticSecret::from(*drawn);
        let share = PublicKey::from(&ephemeral);
        let key = wrapping_key(ephemeral.diffie_hellman(theirs), &share, theirs)?;
        let mut wrapped = Vec::with_capacity(WRAPPED);
        primitives::seal(&key, [0; 12], &file_key[..], &mut wrapped)?;
        header.push_str(&format!(
            "-> X25519 {}\n{}\n",
            STANDARD_NO_PAD.encode(share),
            STANDARD_NO_PAD.encode(wrapped)
        ));
    }
    header.push_str("---");
    let tag = hmac::sign(&header_key(file_key)?, header.as_bytes());
    header.push_str(&format!(" {}\n", STANDARD_NO_PAD.encode(tag)));
    Ok(header)
}

/// The key of a file, and what follows its header.
pub(super) fn read<'a>(
    file: &'a [u8],
    identities: &Identities,
) -> Result<(FileKey, &'a [u8]), Error> {
    let mut rest = file;
    if line(&mut rest)? != VERSION {
        return Err(Error::Damaged);
    }
    let mut stanzas = Vec::new();
    loop {
        let read = file.len().saturating_sub(rest.len());
        let until = read.saturating_add("---".len());
        let start = line(&mut rest)?;
        let Some(tag) = start.strip_prefix("--- ") else {
            stanzas.push(stanza(start, &mut rest)?);
            continue;
        };
        let file_key = unwrapped(&stanzas, identities)?;
        let header = file.get(..until).ok_or(Error::Damaged)?;
        let tag = decoded::<32>(tag)?;
        hmac::verify(&header_key(&file_key)?, header, &tag).map_err(|_| Error::Damaged)?;
        return Ok((file_key, rest));
    }
}

/// For one recipient.
struct Stanza<'a> {
    kind: &'a str,
    arguments: Vec<&'a str>,
    body: Vec<u8>,
}

fn stanza<'a>(start: &'a str, rest: &mut &'a [u8]) -> Result<Stanza<'a>, Error> {
    let words = start.strip_prefix("-> ").ok_or(Error::Damaged)?;
    let mut words = words.split(' ');
    let kind = words.next().unwrap_or_default();
    let arguments: Vec<_> = words.collect();
    let visible = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible(kind) || !arguments.iter().all(|word| visible(word)) {
        return Err(Error::Damaged);
    }
    let mut body = String::new();
    loop {
        let line = line(rest)?;
        body.push_str(line);
        match line.len() {
            LINE => {}
            length if length < LINE => break,
            _ => return Err(Error::Damaged),
        }
    }
    let body = STANDARD_NO_PAD.decode(body).map_err(|_| Error::Damaged)?;
    Ok(Stanza {
        kind,
        arguments,
        body,
    })
}

/// The key of the file, from the first stanza that is for one of them.
fn unwrapped(stanzas: &[Stanza<'_>], identities: &Identities) -> Result<FileKey, Error> {
    // A passphrase stands alone, so that whoever made a file with one is known to know it.
    if stanzas.len() > 1 && stanzas.iter().any(|stanza| stanza.kind == "scrypt") {
        return Err(Error::Damaged);
    }
    for stanza in stanzas.iter().filter(|stanza| stanza.kind == "X25519") {
        let [share] = stanza.arguments[..] else {
            return Err(Error::Damaged);
        };
        let share = PublicKey::from(decoded::<32>(share)?);
        if stanza.body.len() != WRAPPED {
            return Err(Error::Damaged);
        }
        for identity in &identities.0 {
            let shared = identity.diffie_hellman(&share);
            if !shared.was_contributory() {
                return Err(Error::Damaged);
            }
            let key = wrapping_key(shared, &share, &PublicKey::from(identity))?;
            let Ok(plain) = primitives::open(&key, [0; 12], &stanza.body) else {
                continue;
            };
            let mut file_key = FileKey::default();
            file_key.copy_from_slice(&plain);
            return Ok(file_key);
        }
    }
    Err(Error::NotForUs)
}

fn wrapping_key(
    shared: x25519_dalek::SharedSecret,
    share: &PublicKey,
    theirs: &PublicKey,
) -> Result<primitives::Secret, Error> {
    let salt = [share.to_bytes(), theirs.to_bytes()].concat();
    derive(&salt, shared.as_bytes(), LABEL)
}

fn header_key(file_key: &FileKey) -> Result<hmac::Key, Error> {
    Ok(mac_key(&derive(&[], &file_key[..], b"header")?))
}

/// The next line, without its end.
fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Error> {
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, after) = end
        .and_then(|end| rest.split_at_checked(end))
        .ok_or(Error::Damaged)?;
    *rest = after.get(1..).unwrap_or_default();
    std::str::from_utf8(line).map_err(|_| Error::Damaged)
}

fn decoded<const LENGTH: usize>(text: &str) -> Result<[u8; LENGTH], Error> {
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| Error::Damaged)?;
    bytes.try_into().map_err(|_| Error::Damaged)
}
