//! Key files, and the keys in them.
//!
//! A few keys take turns, since drawing one takes seconds; what tells two files apart is the id of the key,
//! which everything that they sign must name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::json;

const KEYS: [&str; 4] = [
    include_str!("../../../keys/rsa-1.pem"),
    include_str!("../../../keys/rsa-2.pem"),
    include_str!("../../../keys/rsa-3.pem"),
    include_str!("../../../keys/rsa-4.pem"),
];

/// The private key in PEM that goes with an id.
fn pem(id: &str) -> &'static str {
    let turn = id.bytes().map(usize::from).sum::<usize>() % KEYS.len();
    KEYS.get(turn).copied().unwrap_or_default()
}

/// A key file.
pub(super) fn of(id: &str, project: &str, account: &str) -> String {
    let file = json!({
        "type": "service_account",
        "project_id": project,
        "private_key_id": id,
        "private_key": pem(id),
        "client_email": account,
        "client_id": "103",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    format!("{file:#}\n")
}

pub(super) fn in_base64(file: &str) -> String {
    STANDARD.encode(file)
}

/// Whether the key of this id made the signature (RS256).
pub(super) fn signed(id: &str, message: &str, signature: &[u8]) -> bool {
    let lines = pem(id).lines().filter(|line| !line.starts_with('-'));
    let der = STANDARD.decode(lines.collect::<String>());
    let pair = der.ok().and_then(|der| RsaKeyPair::from_pkcs8(&der).ok());
    pair.is_some_and(|pair| {
        let public = pair.public_key().as_ref();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        public.verify(message.as_bytes(), signature).is_ok()
    })
}
