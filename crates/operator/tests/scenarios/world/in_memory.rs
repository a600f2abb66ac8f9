//! One issuer in memory for every `TokenIssuer`, with the credentials that it takes.

use std::sync::Arc;

use parking_lot::Mutex;
use tokenwright_client::{Gate, Issuer, MemoryIssuer, Rate, SecretText, SecretValue};
use tokenwright_operator::{IssuerFactory, Setup, SetupError, System};

/// An endpoint that ends so is the other one.
pub const MOVED: &str = "/moved";

/// One issuer in memory for every `TokenIssuer`.
#[derive(Debug, Clone)]
pub struct InMemory {
    pub account: MemoryIssuer,
    pub elsewhere: MemoryIssuer,
    pub moved: MemoryIssuer,
    /// How much the vendor says that it takes.
    pub documented: Option<Rate>,
    /// Those of all handles that were made.
    pub gates: Arc<Mutex<Vec<Arc<Gate>>>>,
}

impl IssuerFactory for InMemory {
    fn home(&self, system: &System) -> Option<String> {
        match system {
            System::BuiltIn(name) if name != "memory" => None,
            System::BuiltIn(_) | System::Described(_) => {
                Some("https://issuer.example.com".to_owned())
            }
        }
    }

    fn rate(&self, _: &System) -> Option<Rate> {
        self.documented
    }

    fn public_parts(&self, _: &System) -> Vec<String> {
        Vec::new()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the test looks at what it was given"
    )]
    fn make(&self, setup: Setup) -> Result<Arc<dyn Issuer>, SetupError> {
        self.gates.lock().push(Arc::clone(&setup.gate));
        let account = match setup.endpoint.ends_with(MOVED) {
            true => &self.moved,
            false => &self.account,
        };
        let issuer = account.clone().behind(Arc::clone(&setup.gate));
        let Some(text) = setup.credential.get("token") else {
            return Err(SetupError::CredentialMissing);
        };
        match text.expose() {
            "right" | "corrected" => Ok(Arc::new(issuer)),
            "of two parts" => Ok(Arc::new(issuer.with_parts(&["token", "password"]))),
            "elsewhere" => Ok(Arc::new(self.elsewhere.clone().behind(setup.gate))),
            // The value of a token, which lets in as long as that lives.
            value if value.starts_with("memory-secret-") => {
                let text = SecretText::new(value.to_owned());
                let value = SecretValue::new([("token".to_owned(), text)]);
                Ok(Arc::new(issuer.authenticated_by(&value)))
            }
            _ => Err(SetupError::Credential("the token is wrong".to_owned())),
        }
    }
}
