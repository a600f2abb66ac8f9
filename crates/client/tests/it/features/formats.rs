//! Answers that are no plain JSON: a prefix, XML, a value in base64.

use tokenwright_client::{ErrorKind as K, Issuer, Profile};
use tokenwright_core::{Liveness, TokenId};

use crate::support::{Does, answer, json, serve};
use crate::tiny::{chain, file, is, issuer, request, value};

#[tokio::test]
async fn a_prefix_before_json_is_cut_off_and_what_lacks_it_is_not_the_systems_own() {
    let server = serve(|request| match request.starts_with("GET") {
        true => json("200 OK", ")]}'\n[{\"id\": 1, \"name\": \"n\"}]"),
        false => json("404 No", "{\"error\": \"a proxy's\"}"),
    })
    .await;
    let parts = [("answers", "{ prefix: \")]}'\" }")];
    let issuer = issuer(&parts, &server.endpoint);
    let all = issuer.list(&Default::default()).await.unwrap();
    assert_eq!(all[0].id, TokenId::new("1"));
    let error = issuer.mint(&request("1d")).await.unwrap_err();
    assert_eq!(error.kind, K::OutcomeUnknown);
}

const XML: [(&str, &str); 4] = [
    ("answers", "{ format: xml, lists: [Keys] }"),
    ("token", "{ id: item.Id, name: item.Name }"),
    ("value", "{ key: { at: /Made/Key/Secret, max: 64 } }"),
    (
        "mint",
        "{ send: POST /t, body: { n: $(name) }, item: answer.Made.Key }",
    ),
];
const LIST: (&str, &str) = ("list", "{ send: GET /t, items: answer.All.Keys }");

fn xml(status: &str, body: &str) -> crate::support::Does {
    answer(status, "text/xml", body)
}

#[tokio::test]
async fn xml_is_read_like_json_and_its_secrets_are_taken_out_first() {
    let server = serve(|request| match request.split(' ').next() {
        Some("POST") => xml(
            "200 OK",
            "<Made xmlns='urn:x'><Key><Id>k1</Id><Name>n</Name><Secret>s&amp;t</Secret></Key></Made>",
        ),
        Some("GET") => xml("200 OK", "<All><Keys><m><Id>k1</Id><Name>n</Name></m></Keys></All>"),
        _ => xml("404 No", "<Error><Code>NoSuchEntity</Code></Error>"),
    })
    .await;
    let issuer = issuer(&[&XML[..], &[LIST]].concat(), &server.endpoint);
    let minted = issuer.mint(&request("1d")).await.unwrap();
    assert!(is(&minted.value, "key", "s&t"));
    assert_eq!(minted.token.id, TokenId::new("k1"));
    let all = issuer.list(&Default::default()).await.unwrap();
    assert_eq!((all.len(), all[0].name.as_deref()), (1, Some("n")));
}

#[tokio::test]
async fn what_is_not_xml_refuses_and_proves_nothing() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><All><Keys>&c;</Keys></All>";
    let deep = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
    for body in [
        bomb,
        &deep,
        "<All><Keys>",
        "[]",
        "",
        "<html><body/></html>",
        "<!DOCTYPE html><p/>",
    ] {
        let text = body.to_owned();
        let server = serve(move |request| match request.contains("/me") {
            true => xml("401 No", &text),
            false => xml("200 OK", &text),
        })
        .await;
        let check = ("check", "{ send: GET /me }");
        let issuer = issuer(&[&XML[..], &[LIST, check]].concat(), &server.endpoint);
        let short: String = body.chars().take(30).collect();
        let error = issuer.list(&Default::default()).await.unwrap_err();
        assert_eq!(error.kind, K::AnswerNotUnderstood, "{short}");
        assert!(
            chain(&error).contains("expected an XML answer"),
            "{}",
            chain(&error)
        );
        let error = issuer.mint(&request("1d")).await.unwrap_err();
        assert_eq!(error.kind, K::OutcomeUnknown, "{short}");
        assert_eq!(
            issuer.check(&value("v")).await,
            Liveness::Unknown,
            "{short}"
        );
    }
}

#[tokio::test]
async fn an_empty_list_of_xml_is_empty_and_one_that_is_not_there_is_none() {
    for (body, found) in [
        ("<All><Keys/></All>", Some(0)),
        ("<All><Other/></All>", None),
    ] {
        let server = serve(move |_| xml("200 OK", body)).await;
        let issuer = issuer(&[&XML[..], &[LIST]].concat(), &server.endpoint);
        let all = issuer.list(&Default::default()).await;
        assert_eq!(all.map(|all| all.len()).ok(), found, "{body}");
    }
}

#[tokio::test]
async fn a_value_in_base64_is_delivered_as_what_it_stands_for() {
    // {"a":1}, and a text that is no base64.
    for (given, delivered) in [("eyJhIjoxfQ==", Some("{\"a\":1}")), ("!", None)] {
        let server =
            serve(move |_| json("200 OK", &format!("{{\"id\": 1, \"file\": \"{given}\"}}"))).await;
        let parts = [("value", "{ key: { at: /file, decode: base64, max: 64 } }")];
        let issuer = issuer(&parts, &server.endpoint);
        match (issuer.mint(&request("1d")).await, delivered) {
            (Ok(minted), Some(text)) => assert!(is(&minted.value, "key", text)),
            (Err(error), None) => {
                assert_eq!(error.kind, K::OutcomeUnknown);
                assert!(!chain(&error).contains(given));
            }
            (minted, _) => panic!("{given}: {minted:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_of_hundreds_of_megabytes_is_left_after_a_few_whatever_its_format() {
    const MEGABYTE: usize = 1024 * 1024;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"id\": 1, \"file\": \"";
    let of_xml = "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n<Made><Key>";
    let base64 = [("value", "{ key: { at: /file, decode: base64 } }")];
    for (parts, head) in [(&base64[..], head), (&XML[..], of_xml)] {
        let server = serve(move |_| Does::Floods(head, 300 * MEGABYTE)).await;
        let issuer = issuer(parts, &server.endpoint);
        let error = issuer.mint(&request("1d")).await.unwrap_err();
        assert_eq!(error.kind, K::OutcomeUnknown);
        assert!(server.written() < 32 * MEGABYTE, "{}", server.written());
    }
}

#[tokio::test]
async fn an_id_that_begins_the_value_is_read_off_it_and_nothing_more() {
    let parts = [
        ("value", "{ key: { at: /key, publicBefore: . } }"),
        ("public", "{ account: prefix }"),
        ("token", "{ id: item.id, name: item.name }"),
        (
            "mint",
            "{ send: POST /t, body: { name: $(name) }, token: { id: prefix } }",
        ),
    ];
    for (given, id) in [
        ("k7.0123456789abcdef", Some("k7")),
        ("k7.8.0123456789abcdef", Some("k7")),
        // Nothing before the point, no point, and so little behind it that it could be guessed.
        (".0123456789abcdef", None),
        ("k7_0123456789abcdef", None),
        ("0123456789abcdef.k7", None),
    ] {
        let body = format!("{{\"name\": \"n\", \"key\": \"{given}\"}}");
        let server = serve(move |_| json("201 Made", &body)).await;
        let issuer = issuer(&parts, &server.endpoint);
        match (issuer.mint(&request("1d")).await, id) {
            (Ok(minted), Some(id)) => {
                assert_eq!(minted.token.id, TokenId::new(id));
                assert_eq!(minted.public["account"], id);
                assert!(is(&minted.value, "key", given));
                assert_eq!(issuer.own_id(&value(given)), Some(TokenId::new(id)));
            }
            (Err(error), None) => {
                assert_eq!(error.kind, K::OutcomeUnknown, "{given}");
                assert!(!chain(&error).contains("0123456789"), "{}", chain(&error));
            }
            (minted, _) => panic!("{given}: {minted:?}"),
        }
    }
}

#[tokio::test]
async fn a_public_part_is_no_longer_than_an_id() {
    let parts = [
        ("value", "{ key: { at: /key } }"),
        ("public", "{ account: item.account }"),
    ];
    for (length, fits) in [(1024, true), (1025, false)] {
        let account = "a".repeat(length);
        let body = format!(
            "{{\"id\": \"1\", \"name\": \"n\", \"account\": \"{account}\", \"key\": \"0123456789abcdef\"}}"
        );
        let server = serve(move |_| json("201 Made", &body)).await;
        let issuer = issuer(&parts, &server.endpoint);
        match issuer.mint(&request("1d")).await {
            Ok(minted) => assert!(fits && minted.public["account"] == account),
            Err(error) => {
                assert!(!fits, "{error:?}");
                assert_eq!(error.kind, K::OutcomeUnknown);
                let told = "public has 1025 bytes in the answer, and 1024 are possible";
                assert!(chain(&error).contains(told), "{}", chain(&error));
            }
        }
    }
}

#[test]
fn formats_that_cannot_be_are_refused() {
    for (part, text, told) in [
        (
            "answers",
            "{ format: xml, prefix: x }",
            "prefix: is for JSON alone",
        ),
        ("answers", "{ lists: [a] }", "lists: is for XML alone"),
        (
            "answers",
            "{ prefix: ' ' }",
            "prefix: must be more than space",
        ),
        ("answers", "{ format: yaml }", "yaml"),
        (
            "value",
            "{ key: { compose: [{ text: x }], decode: base64 } }",
            "decode: is for a part",
        ),
    ] {
        let error = Profile::parse(&file(&[(part, text)])).unwrap_err();
        assert!(chain(&error).contains(told), "{text}: {}", chain(&error));
    }
}
