//! Where a tenant would like the operator to send a credential.

use serde_json::json;
use tokenwright_client::Operation;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_not_allowed_is_told_by_its_host_and_asked_nothing() {
    let mut world = World::new().await;
    world.start();
    for (n, (endpoint, told)) in [
        ("https://169.254.169.254", "169.254.169.254 is not allowed"),
        ("https://0xa9fea9fe", "169.254.169.254 is not allowed"),
        (
            "https://kubernetes.default.svc",
            "kubernetes.default.svc is not allowed",
        ),
        (
            "https://issuer.example.com@evil.example",
            "must not carry a user",
        ),
        ("https://[fe80::1%25eth0]", "is not a URL"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("weapon-{n}");
        world
            .issuer_as(&name, json!({ "endpoint": endpoint }))
            .await;
        world.pass(60).await;
        let ready = world.issuer_ready(&name);
        assert!(ready.starts_with("False: "), "{endpoint}: {ready}");
        assert!(
            ready.contains("spec.endpoint") && ready.contains(told),
            "{endpoint}: {ready}"
        );
    }
    let changes = json!({ "issuerRef": { "name": "weapon-0" } });
    world.ask(changes).await;
    world.pass(600).await;
    assert_eq!(world.issuer.count(Operation::Mint), 0);
    assert!(world.secret().is_none());
}
