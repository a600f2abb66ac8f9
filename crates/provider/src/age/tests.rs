//! What is sealed here is opened here, and by nobody else. What other programs write and read is among the
//! tests of the provider under a host of its own.

use super::{Envelope, Error, Identities, Recipient, open};

/// A key pair of nobody's.
const RECIPIENT: &str = "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc";
const IDENTITY: &str = "AGE-SECRET-KEY-1FZDYSM37Y9FE9JXN8L3NMS8JN3USDWM5LTYXHPLZQVSG8APKH7JSA9LTX8";

fn sealed(secret: &[u8]) -> String {
    let to: Recipient = RECIPIENT.parse().unwrap();
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).is_ok();
    Envelope::to(&[to], random).unwrap().seal(secret).unwrap()
}

fn identities(text: &str) -> Identities {
    text.parse().unwrap()
}

#[test]
fn what_is_sealed_is_opened_whatever_its_length() {
    let file = format!("# created by nobody\n\n{IDENTITY}\r\n");
    for length in [0, 1, 60, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let secret = vec![7; length];
        let opened = open(&sealed(&secret), &identities(&file)).unwrap();
        assert!(*opened == secret, "{length}");
    }
}

#[test]
fn two_envelopes_have_nothing_in_common() {
    assert_ne!(sealed(b"a secret"), sealed(b"a secret"));
}

#[test]
fn a_machine_without_random_bytes_makes_no_envelope() {
    let to: Recipient = RECIPIENT.parse().unwrap();
    for possible in 0..3 {
        let mut drawn = 0;
        let random = |_: &mut [u8]| {
            drawn += 1;
            drawn <= possible
        };
        let made = Envelope::to(&[to], random);
        assert_eq!(made.unwrap_err(), Error::CannotSeal);
    }
}

#[test]
fn every_altered_character_is_found() {
    let text = sealed(b"a secret");
    let identities = identities(IDENTITY);
    for at in 0..text.len() - 1 {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(bytes).unwrap();
        assert!(open(&altered, &identities).is_err(), "{at}: {altered}");
    }
}

#[test]
fn a_key_of_another_kind_is_told_from_none() {
    let recipient = |text: &str| text.parse::<Recipient>().unwrap_err();
    let mistyped = RECIPIENT.replace("hw8f", "hw8g");
    let long = "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdchw8f0r2r5j3pv";
    for text in ["", "ssh-ed25519 AAAA", "age1", &mistyped, long] {
        assert_eq!(recipient(text), Error::NoRecipient, "{text}");
    }
    assert_eq!(recipient(IDENTITY), Error::SecretHalf);
    assert_eq!(recipient(&IDENTITY.to_lowercase()), Error::SecretHalf);
    let low_order = bech32::encode::<bech32::Bech32>(bech32::Hrp::parse_unchecked("age"), &[0; 32]);
    assert_eq!(recipient(&low_order.unwrap()), Error::NoRecipient);
    let identity = |text: &str| text.parse::<Identities>().unwrap_err();
    for text in [
        "",
        "# a comment",
        RECIPIENT,
        &IDENTITY.replace("1FZD", "1FZE"),
    ] {
        assert_eq!(identity(text), Error::NoIdentity, "{text}");
    }
}
