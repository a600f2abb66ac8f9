//! The issuers that the program makes: profiles over the network.

use std::sync::Arc;
use std::time::Duration;

use tokenwright_client::profile::{InvalidSettings, ProfileIssuer, ProfileSettings, builtin};
use tokenwright_client::{Issuer, Profile, Rate, SecretValue};

use crate::issuer::factory::{IssuerFactory, Setup, SetupError, System};

/// Makes issuers from profiles, the built-in ones and those of an administrator.
#[derive(Debug, Clone, Copy, Default)]
pub struct Profiles;

fn profile(system: &System) -> Option<Arc<Profile>> {
    match system {
        System::BuiltIn(name) => builtin(name),
        System::Described(profile) => Some(Arc::clone(profile)),
    }
}

impl IssuerFactory for Profiles {
    fn home(&self, system: &System) -> Option<String> {
        profile(system).map(|profile| profile.endpoint().to_owned())
    }

    fn public_parts(&self, system: &System) -> Vec<String> {
        profile(system)
            .map(|profile| profile.public_parts().map(ToOwned::to_owned).collect())
            .unwrap_or_default()
    }

    fn rate(&self, system: &System) -> Option<Rate> {
        profile(system)?.rate()
    }

    fn make(&self, setup: Setup) -> Result<Arc<dyn Issuer>, SetupError> {
        let profile = profile(&setup.system)
            .ok_or_else(|| SetupError::Invalid("there is no such profile".to_owned()))?;
        let mut credential = setup.credential;
        if credential.is_empty() && !profile.credential().is_empty() {
            return Err(SetupError::CredentialMissing);
        }
        // A single part needs no name: whatever the one key of the Secret is called, it is meant.
        let named = |key: &String| profile.credential().contains_key(key);
        if let (Some(part), 1) = (profile.single_part(), credential.len())
            && !credential.keys().any(named)
            && let Some((_, text)) = credential.pop_first()
        {
            credential.insert(part.to_owned(), text);
        }
        let settings = ProfileSettings {
            endpoint: Some(setup.endpoint),
            credential: SecretValue::new(credential),
            request_timeout: Duration::try_from(setup.request_timeout)
                .unwrap_or(Duration::from_secs(30)),
        };
        match ProfileIssuer::new(profile, settings) {
            Ok(issuer) => Ok(Arc::new(issuer.behind(setup.gate))),
            Err(
                error @ (InvalidSettings::CredentialPart { .. }
                | InvalidSettings::Way { .. }
                | InvalidSettings::Unsendable { .. }),
            ) => Err(SetupError::Credential(error.to_string())),
            Err(error @ InvalidSettings::Endpoint(_)) => {
                Err(SetupError::Invalid(error.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::SignedDuration;
    use tokenwright_client::{Clock, Gate, Limiter, SecretText};

    use super::*;

    fn built_in(name: &str) -> System {
        System::BuiltIn(name.to_owned())
    }

    fn make(profile: &str, keys: &[&str]) -> Result<Arc<dyn Issuer>, SetupError> {
        let text = |key: &&str| ((*key).to_owned(), SecretText::new("word".to_owned()));
        Profiles.make(Setup {
            system: built_in(profile),
            endpoint: Profiles.home(&built_in(profile)).unwrap_or_default(),
            credential: keys.iter().map(text).collect::<BTreeMap<_, _>>(),
            request_timeout: SignedDuration::from_secs(2),
            gate: Gate::new(Limiter::unlimited(), Clock::system()),
        })
    }

    #[test]
    fn a_system_is_asked_as_often_as_its_vendor_documents() {
        let rate = |name: &str| Profiles.rate(&built_in(name)).map(|rate| rate.per_minute);
        assert_eq!(rate("cloudflare-user"), Some(120));
        assert_eq!(rate("scaleway"), None, "nothing is documented");
    }

    #[test]
    fn a_single_credential_may_stand_under_any_key() {
        assert_eq!(
            make("scaleway", &["SCW_SECRET_KEY"]).unwrap().profile(),
            "scaleway"
        );
        assert_eq!(
            Profiles.home(&built_in("scaleway")).as_deref(),
            Some("https://api.scaleway.com")
        );
        assert_eq!(Profiles.public_parts(&built_in("scaleway")), ["access_key"]);
    }

    #[test]
    fn of_several_ways_that_one_is_used_whose_parts_the_secret_has() {
        let text = "profile: ways\ntitle: t\nendpoint: https://api.example.com\n\
            credential: { ways: { a: { parts: { user: {}, key: {} }, basic: { user: user, password: key } }, \
              b: { parts: { token: {} }, header: { name: X, part: token } } } }\n\
            name: { max: 64 }\nscopes: none\nlifetime: { unit: none }\ntoken: { id: item.id, name: item.n }\n\
            value: { token: { at: /t } }\nmint: { send: POST /t, body: { n: $(name) } }\nlist: { send: GET /t }\n\
            revoke: { send: DELETE /t/$(id) }\n";
        let profile = Arc::new(Profile::parse(text).unwrap());
        let make = |keys: &[&str]| {
            let text = |key: &&str| ((*key).to_owned(), SecretText::new("word".to_owned()));
            Profiles.make(Setup {
                system: System::Described(Arc::clone(&profile)),
                endpoint: profile.endpoint().to_owned(),
                credential: keys.iter().map(text).collect::<BTreeMap<_, _>>(),
                request_timeout: SignedDuration::from_secs(2),
                gate: Gate::new(Limiter::unlimited(), Clock::system()),
            })
        };
        // The single part of a way may stand under any key, but under none of another way.
        for keys in [&["token"][..], &["SECRET"], &["user", "key"]] {
            assert!(make(keys).is_ok(), "{keys:?}");
        }
        for keys in [
            &["user"][..],
            &["token", "user", "key"],
            &["SECRET", "OTHER"],
        ] {
            assert!(
                matches!(make(keys), Err(SetupError::Credential(told)) if told.contains("give those of a (key, user) or b (token)")),
                "{keys:?}"
            );
        }
    }

    #[test]
    fn a_system_whose_tokens_people_make_needs_no_credential() {
        for profile in ["seenode", "transiyzi", "online-net"] {
            assert_eq!(make(profile, &[]).unwrap().profile(), profile);
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        assert!(matches!(
            make("scaleway", &[]),
            Err(SetupError::CredentialMissing)
        ));
        assert!(matches!(
            make("scaleway", &["a", "b"]),
            Err(SetupError::Credential(_))
        ));
        assert!(matches!(
            make("nobody", &["a"]),
            Err(SetupError::Invalid(_))
        ));
        assert_eq!(Profiles.home(&built_in("nobody")), None);
    }
}
