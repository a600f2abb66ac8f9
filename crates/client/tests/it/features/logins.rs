//! What a login that fails says of what was asked with it: nothing.

use tokenwright_client::{
    ErrorKind as K, Evidence, Issuer, Nomination, RevokeError, SecretValue, revoke,
};
use tokenwright_core::{Liveness, Marker, Parameters, TokenId, TokenRef};

use crate::support::json;
use crate::support::serve;
use crate::tiny::{chain, request, value, with_credential};

const LOGIN: &str = "{ parts: { word: {} }, header: { name: X-Session, part: login }, \
    login: { send: POST /login, put: { /w: word }, at: /t } }";

#[tokio::test]
async fn a_login_that_is_not_there_makes_no_token_gone_and_no_revoke_done() {
    for (status, body) in [
        ("404 Not Found", r#"{"error": "Realm does not exist"}"#),
        ("410 Gone", "{}"),
        ("409 Conflict", "{}"),
        ("402 Pay", "{}"),
        ("400 No", r#"{"code": "lost"}"#),
    ] {
        let server = serve(move |_| json(status, body)).await;
        let changed = [
            ("credential", LOGIN),
            ("get", "{ send: GET /t/$(id) }"),
            ("enable", "{ send: POST /t/$(id)/on }"),
            ("disable", "{ send: POST /t/$(id)/off }"),
            ("revoke", "{ send: DELETE /t/$(id), disableFirst: true }"),
            (
                "check",
                "{ send: POST /look, form: {}, put: { token: key }, withCredential: true, aliveWhen: answer.active }",
            ),
            ("errors", "{ kind: answer.code, map: { lost: NotFound } }"),
        ];
        let issuer = with_credential(&changed, &server.endpoint, "word");
        let (id, none) = (TokenId::new("7"), Parameters::new());
        let error = issuer.get(&id, &none).await.unwrap_err();
        assert_eq!(error.kind, K::Unavailable, "{status}: {}", chain(&error));
        assert!(
            chain(&error).contains("the login failed"),
            "{}",
            chain(&error)
        );
        let error = issuer.mint(&request("1d")).await.unwrap_err();
        assert_eq!(error.kind, K::Unavailable, "{status}: {}", chain(&error));
        assert_eq!(issuer.check(&value("v")).await, Liveness::Unknown);
        let token = TokenRef {
            id,
            marker: Marker::of_name("n tw1-dio4f-lifkxs4uwjb5e-1-aaaqea77").unwrap(),
            endpoint: server.endpoint.clone(),
            identity: None,
            parameters: none,
        };
        let now = jiff::Timestamp::UNIX_EPOCH;
        let nomination = Nomination {
            sent_at: Some(now),
            value: None::<&SecretValue>,
            ..Nomination::of(&token, now)
        };
        for evidence in [Evidence::Minted, Evidence::Look] {
            let ended = revoke(&issuer, nomination, evidence, now).await;
            assert!(
                matches!(ended, Err(RevokeError::Issuer(_))),
                "{status}: {ended:?}"
            );
        }
        let all = server.received();
        assert!(
            all.iter().all(|sent| sent.starts_with("POST /login ")),
            "{all:?}"
        );
    }
}
