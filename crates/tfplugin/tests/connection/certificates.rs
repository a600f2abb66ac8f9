//! Only the owner of the certificate is served.

use std::time::Duration;

use crate::host::{Identity, Plugin, connect, dial, http2, identity, schema};

#[tokio::test]
async fn the_owner_of_the_certificate_is_served() {
    let host = identity();
    let plugin = Plugin::start(Some(&host.pem));
    let (sender, _link) = connect(&plugin, Some(&host)).await.unwrap();
    let (answer, _) = schema(&sender).await.unwrap();
    assert!(answer.resource_schemas.contains_key("demo_thing"));
    let capabilities = answer.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        fastest = fastest.min(schema(&sender).await.unwrap().1);
    }
    println!("GetProviderSchema: {fastest:?}");
    assert!(
        fastest < Duration::from_millis(20),
        "{fastest:?} is far from 2 ms, even unoptimised"
    );
}

#[tokio::test]
async fn nobody_else_is_served() {
    let host = identity();
    let plugin = Plugin::start(Some(&host.pem));
    let stranger = identity();
    // A certificate is no secret: the right one with another key must not do.
    let thief = Identity {
        certificate: host.certificate.clone(),
        key: stranger.key.clone(),
        pem: host.pem.clone(),
    };
    for (who, identity) in [
        ("nobody", None),
        ("a stranger", Some(&stranger)),
        ("a thief", Some(&thief)),
    ] {
        // TLS 1.3 tells the client only with its first read.
        let served = match connect(&plugin, identity).await {
            Ok((sender, _link)) => schema(&sender).await.is_ok(),
            Err(_) => false,
        };
        assert!(!served, "{who} was served");
    }
    let (socket, _link) = dial(&plugin.socket).unwrap();
    let plain = match http2(socket).await {
        Ok(sender) => schema(&sender).await.is_ok(),
        Err(_) => false,
    };
    assert!(!plain, "plain text was served");
    let (sender, _link) = connect(&plugin, Some(&host)).await.unwrap();
    assert!(
        schema(&sender).await.is_ok(),
        "the owner is served after all that"
    );
}
