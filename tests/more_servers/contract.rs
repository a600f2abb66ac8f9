//! Each profile holds the contract on its own server: mint, check, list, expiry read back, switched and
//! renamed where it can be, found by its marker, revoked, and gone.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokenwright_client::revoke::{Evidence, Nomination, revoke};
use tokenwright_client::{Clock, Filter, Issuer, MintRequest};
use tokenwright_core::{Liveness, LostAnswer, ManagerId, Marker, Nonce, Origin, TokenRef};
use tokenwright_testbed::servers::{
    Headscale, Hydra, Keycloak, Keystone, Miniflux, Synapse, Unleash, Zenml,
};

use crate::client::{assert_holds, broken, inputs, issuer};

#[tokio::test]
async fn application_credentials_of_keystone_hold_the_contract() -> Result<()> {
    let keystone = Keystone::start().await?;
    let credential = [
        ("user_id", keystone.user()),
        ("project_id", keystone.project()),
        ("password", Keystone::PASSWORD),
    ];
    let issuer = issuer("openstack", keystone.endpoint(), &credential);
    assert_holds(&issuer, inputs(&[], &["reader"], "2h")).await;
    assert_holds(&issuer, inputs(&[], &["member", "reader"], "never")).await;
    assert_eq!(issuer.capabilities().lost_answer, LostAnswer::FindByMarker);
    let identity = issuer
        .identity()
        .await?
        .map(|identity| identity.to_string());
    assert_eq!(identity.as_deref(), Some(keystone.user()));
    Ok(())
}

#[tokio::test]
async fn keys_of_miniflux_hold_the_contract_although_every_list_shows_them() -> Result<()> {
    let miniflux = Miniflux::start().await?;
    let credential = [("api_key", miniflux.credential())];
    let issuer = issuer("miniflux", miniflux.endpoint(), &credential);
    assert_holds(&issuer, inputs(&[], &[], "never")).await;
    let all = Filter::of([].into());
    let left = format!("{:?}", issuer.list(&all).await?);
    assert!(left.contains("manages the others"), "{left}");
    assert!(
        !left.contains(miniflux.credential()),
        "a value is shown: {left}"
    );
    Ok(())
}

#[tokio::test]
async fn keys_of_zenml_hold_the_contract() -> Result<()> {
    let zenml = Zenml::start().await?;
    let credential = [("username", Zenml::USER), ("password", Zenml::PASSWORD)];
    let issuer = issuer("zenml", zenml.endpoint(), &credential);
    let account = [("service_account", zenml.account())];
    assert_holds(&issuer, inputs(&account, &[], "never")).await;
    Ok(())
}

#[tokio::test]
async fn clients_of_keycloak_hold_the_contract() -> Result<()> {
    let keycloak = Keycloak::start().await?;
    let credential = [
        ("realm", Keycloak::REALM),
        ("client_id", Keycloak::CLIENT),
        ("client_secret", Keycloak::SECRET),
    ];
    let issuer = issuer("keycloak", keycloak.endpoint(), &credential);
    assert_holds(&issuer, inputs(&[], &[], "never")).await;
    Ok(())
}

/// As a gateway shows both of its ports.
#[tokio::test]
async fn clients_of_hydra_hold_the_contract() -> Result<()> {
    let hydra = Hydra::start().await?;
    let issuer = issuer("ory-hydra", hydra.endpoint(), &[("api_key", "nobody asks")]);
    assert_holds(&issuer, inputs(&[], &["read", "write"], "never")).await;
    Ok(())
}

/// A key that was ended stays listed, with that instant as its end; all else holds.
#[tokio::test]
async fn pre_authentication_keys_of_headscale_hold_the_contract_although_they_are_their_ids()
-> Result<()> {
    let headscale = Headscale::start().await?;
    let credential = [("api_key", headscale.credential())];
    let issuer = issuer("headscale", headscale.endpoint(), &credential);
    let user = [("user", headscale.user())];
    let broken = broken(&issuer, inputs(&user, &["tag:ci"], "2h")).await;
    let listed = ["a token that is not there is none: a revoked token is there"];
    assert_eq!(broken, listed);
    assert_eq!(
        issuer.capabilities().lost_answer,
        LostAnswer::CannotAttribute
    );
    Ok(())
}

/// Nothing of such a token is ever shown again, and it ends itself; all else holds.
#[tokio::test]
async fn access_tokens_of_synapse_hold_the_contract_although_nobody_lists_them() -> Result<()> {
    let synapse = Synapse::start().await?;
    let credential = [("access_token", synapse.credential())];
    let issuer = issuer("synapse", synapse.endpoint(), &credential);
    let user = [("user_id", Synapse::USER)];
    assert_holds(&issuer, inputs(&user, &[], "2h")).await;
    assert_eq!(issuer.capabilities().lost_answer, LostAnswer::CannotList);
    Ok(())
}

/// Its servers look once a minute at which tokens there are: a revoked one is taken until then, which is
/// what the profile's `settle` says. All else holds at once.
#[tokio::test]
async fn tokens_of_unleash_hold_the_contract_and_die_within_the_time_to_settle() -> Result<()> {
    let unleash = Unleash::start().await?;
    let issuer = issuer(
        "unleash",
        unleash.endpoint(),
        &[("token", Unleash::CREDENTIAL)],
    );
    let parameters = [
        ("environment", Unleash::ENVIRONMENT),
        ("project", "default"),
    ];
    for lifetime in ["2h", "never"] {
        let broken = broken(&issuer, inputs(&parameters, &[], lifetime)).await;
        let late = ["a value lives and dies with its token: it was Alive, then Alive"];
        assert_eq!(broken, late);
    }
    let marker = Marker {
        origin: Origin::of("servers"),
        manager: ManagerId::of("mortal"),
        revision: 1,
        nonce: Nonce::from_bytes([1; 5]),
    };
    let request = MintRequest {
        remote_name: marker.remote_name("mortal"),
        inputs: inputs(&parameters, &[], "2h"),
        at: Clock::system().now(),
        idempotency_key: marker.nonce.to_string(),
        send_by: None,
    };
    let minted = issuer.mint(&request).await?;
    let token = TokenRef {
        id: minted.token.id.clone(),
        marker,
        parameters: request.inputs.parameters.clone(),
        endpoint: issuer.endpoint().to_owned(),
        identity: None,
    };
    let now = Clock::system().now();
    revoke(&issuer, Nomination::of(&token, now), Evidence::Look, now).await?;
    let revoked = Instant::now();
    while issuer.check(&minted.value).await != Liveness::Dead {
        assert!(revoked.elapsed() < Duration::from_secs(75), "it lives on");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}
