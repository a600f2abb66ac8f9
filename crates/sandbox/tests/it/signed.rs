//! What no shared value opens: requests that are signed (AWS) and JWTs (Google).
//!
//! The signatures here are fixed vectors or wrong ones; that right ones are taken is seen where the
//! client signs them.

use serde_json::{Value, json};
use tokenwright_sandbox::SystemName::{self, AwsIam, GoogleServiceAccount};

use crate::support::{Vendor, start};

async fn asked(vendor: &Vendor, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = vendor.http.get(format!("{}{path}", vendor.played.endpoint));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn aws_says_what_is_wrong_with_a_signature() {
    let vendor = start(AwsIam, json!({})).await;
    let key = vendor.played.parameter("access_key_id").unwrap();
    let path = "/?Action=GetUser&Version=2010-05-08";
    let header = |key: &str, date: &str, scope: &str, signed: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/{date}/{scope}/aws4_request, SignedHeaders={signed}, Signature=00"
        )
    };
    let now = jiff::Timestamp::now()
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string();
    let (today, scope) = (&now[..8], "us-east-1/iam");
    let signed = "host;x-amz-date";
    for (authorization, date, status, said) in [
        (None, now.as_str(), 403, "MissingAuthenticationToken"),
        (
            Some("Bearer x".to_owned()),
            &now,
            400,
            "IncompleteSignature",
        ),
        (
            Some(header(key, today, scope, signed)),
            &now,
            403,
            "we calculated does not match",
        ),
        (
            Some(header("AKIAX", today, scope, signed)),
            &now,
            403,
            "InvalidClientTokenId",
        ),
        (
            Some(header(key, today, "eu-west-1/iam", signed)),
            &now,
            403,
            "valid region",
        ),
        (
            Some(header(key, today, scope, "x-amz-date")),
            &now,
            403,
            "'host' must be",
        ),
        (
            Some(header(key, "20200101", scope, signed)),
            "20200101T000000Z",
            403,
            "Signature expired",
        ),
        (
            Some(header(key, "20990101", scope, signed)),
            "20990101T000000Z",
            403,
            "not yet current",
        ),
    ] {
        let mut headers = vec![("x-amz-date", date)];
        headers.extend(
            authorization
                .as_deref()
                .map(|value| ("authorization", value)),
        );
        let (got, text) = asked(&vendor, path, &headers).await;
        assert_eq!(got, status, "{said}: {text}");
        assert!(text.starts_with("<ErrorResponse xmlns="), "{text}");
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[tokio::test]
async fn google_takes_no_jwt_that_nobody_signed() {
    let vendor = start(GoogleServiceAccount, json!({})).await;
    let file: Value = serde_json::from_str(&vendor.played.credential).unwrap();
    assert_eq!(file["type"], "service_account");
    // {"alg":"none"}, {"alg":"RS256"}, each with no claims and a signature of nothing.
    for bearer in [
        "x",
        "eyJhbGciOiJub25lIn0.e30.AA",
        "eyJhbGciOiJSUzI1NiJ9.e30.AA",
    ] {
        let bearer = format!("Bearer {bearer}");
        let (status, text) = asked(&vendor, &vendor.keys(), &[("authorization", &bearer)]).await;
        assert_eq!(status, 401, "{text}");
        assert!(text.contains("UNAUTHENTICATED"), "{text}");
    }
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", "eyJhbGciOiJSUzI1NiJ9.e30.AA"),
    ];
    let url = format!("{}/token", vendor.played.endpoint);
    let answer = vendor.http.post(url).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(
        answer.json::<Value>().await.unwrap()["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn whatever_the_api_mints_a_person_makes_in_the_console() {
    let form: &[(&str, &str)] = &[
        ("name", "by hand"),
        ("scope", "models:read"),
        ("scope", "read"),
    ];
    for system in [
        SystemName::AwsIam,
        SystemName::GoogleServiceAccount,
        SystemName::Grafana,
        SystemName::Rollbar,
    ] {
        let vendor = start(system, json!({})).await;
        let scopes = if system == SystemName::Rollbar {
            &form[2..]
        } else {
            &[]
        };
        let form: Vec<_> = form[..1].iter().chain(scopes).copied().collect();
        let (id, value) = vendor.made(&form).await;
        assert!(!value.is_empty(), "{system}");
        let summary = vendor.summary();
        assert_eq!(
            (summary.minted, summary.made_by_hand_live),
            (0, 1),
            "{system}: {id}"
        );
    }
}
