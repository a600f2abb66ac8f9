use http::HeaderMap;
use jiff::SignedDuration;

use super::{Auth, endpoint, excerpt, excerpt_without, kind_of_status, retry_after, written};
use crate::error::ErrorKind as K;
use crate::secret::SecretText;

#[test]
fn every_status_has_one_kind() {
    let seconds = Some(SignedDuration::from_secs(7));
    for (status, change, read) in [
        (301, K::AnswerNotUnderstood, K::AnswerNotUnderstood),
        (302, K::OutcomeUnknown, K::AnswerNotUnderstood),
        (303, K::OutcomeUnknown, K::AnswerNotUnderstood),
        (307, K::AnswerNotUnderstood, K::AnswerNotUnderstood),
        (400, K::Invalid, K::Invalid),
        (401, K::Unauthenticated, K::Unauthenticated),
        (402, K::LimitReached, K::LimitReached),
        (403, K::Forbidden, K::Forbidden),
        (404, K::NotFound, K::NotFound),
        (408, K::OutcomeUnknown, K::Unavailable),
        (409, K::Conflict, K::Conflict),
        (410, K::NotFound, K::NotFound),
        (412, K::Conflict, K::Conflict),
        (423, K::Conflict, K::Conflict),
        (418, K::Invalid, K::Invalid),
        (
            429,
            K::RateLimited {
                retry_after: seconds,
            },
            K::RateLimited {
                retry_after: seconds,
            },
        ),
        (500, K::OutcomeUnknown, K::Unavailable),
        (503, K::OutcomeUnknown, K::Unavailable),
        (999, K::AnswerNotUnderstood, K::AnswerNotUnderstood),
    ] {
        assert_eq!(kind_of_status(status, true, seconds), change, "{status}");
        assert_eq!(kind_of_status(status, false, seconds), read, "{status}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date_and_never_longer_than_an_hour() {
    let now = "2015-10-21T07:27:00Z".parse().unwrap();
    let read = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", text.parse().unwrap());
        retry_after(&headers, now).map(|wait| wait.as_secs())
    };
    for (text, seconds) in [
        ("120", Some(120)),
        (" 7 ", Some(7)),
        ("0", Some(0)),
        ("3600", Some(3600)),
        ("3601", Some(3600)),
        ("99999999", Some(3600)),
        ("99999999999999999999999999", Some(3600)),
        // The three forms that RFC 9110 has for one instant.
        ("Wed, 21 Oct 2015 07:28:00 GMT", Some(60)),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", Some(60)),
        ("Wed Oct 21 07:28:00 2015", Some(60)),
        ("Wed, 21 Oct 2015 07:20:00 GMT", Some(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(3600)),
        ("soon", None),
        ("-5", None),
        ("-99999999", None),
        ("1e9", None),
        ("1.5", None),
        ("", None),
    ] {
        assert_eq!(read(text), seconds, "{text:?}");
    }
}

#[test]
fn a_date_to_wait_for_is_one_of_the_issuer_s_own_clock() {
    let wait = |now: &str| {
        let mut headers = HeaderMap::new();
        let date = |text: &str| text.parse().unwrap();
        headers.insert("date", date("Wed, 21 Oct 2015 07:27:00 GMT"));
        headers.insert("retry-after", date("Wed, 21 Oct 2015 07:28:00 GMT"));
        retry_after(&headers, now.parse().unwrap()).map(|wait| wait.as_secs())
    };
    for now in [
        "2015-10-21T07:27:00Z",
        "2015-10-20T00:00:00Z",
        "2036-01-01T00:00:00Z",
    ] {
        assert_eq!(wait(now), Some(60), "{now}");
    }
}

#[test]
fn an_excerpt_is_short_and_shows_no_long_word() {
    let key = "11111111-2222-3333-4444-555555555555";
    let body = format!("{{\"message\": \"no such key\",\n\"key\": \"{key}\"}}");
    let shown = excerpt(body.as_bytes());
    assert!(
        shown.contains("no such key") && !shown.contains("2222"),
        "{shown}"
    );
    assert!(excerpt(&vec![b' '; 1 << 20]).len() < 900);
    assert!(excerpt("é ".repeat(1 << 16).as_bytes()).chars().count() <= 201);
    // A cut in the middle of a word must not let its first half through.
    let long = format!("{}{key}", " a".repeat(395));
    assert!(!excerpt(long.as_bytes()).contains("1111"));
}

#[test]
fn an_excerpt_shows_none_of_the_secrets_that_are_known() {
    let secret = |text: &str| SecretText::new(text.to_owned());
    let secrets = [
        secret("p@ss w0rd"),
        secret("with \"quotes\""),
        secret("abc"),
    ];
    for (body, shown) in [
        ("no p@ss w0rd, p@ss w0rd!", "no [redacted], [redacted]!"),
        (
            "{\"m\": \"with \\\"quotes\\\" no\"}",
            "{\"m\": \"[redacted] no\"}",
        ),
        ("with \"quotes\" no", "[redacted] no"),
        // Too short to guard anything.
        ("abcd abc", "abcd abc"),
    ] {
        assert_eq!(excerpt_without(body.as_bytes(), &secrets), shown);
    }
    // One that a cut would have halved.
    for length in 780..800 {
        let body = format!("{}p@ss w0rd", "x".repeat(length));
        let shown = excerpt_without(body.as_bytes(), &secrets);
        assert!(!shown.contains("p@"), "{shown}");
    }
}

#[test]
fn plain_http_stays_on_this_machine() {
    for good in [
        "https://api.example.com/v1",
        "http://127.0.0.1:41001",
        "http://[::1]:80/x",
        "http://localhost:80",
    ] {
        assert!(endpoint(good).is_ok(), "{good}");
    }
    for bad in [
        "http://api.example.com",
        "http://localhost.example.com",
        "http://128.0.0.1",
        "ftp://x",
        "api.example.com",
        "https://user:hunter2@api.example.com",
        "https://api.example.com/?a=b",
    ] {
        let message = endpoint(bad).unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_secret_is_written_as_the_system_wants_it_and_no_log_shows_it() {
    let (user, password) = (
        SecretText::new("Aladdin".to_owned()),
        SecretText::new("open sesame".to_owned()),
    );
    let basic = Auth::Basic {
        user: &user,
        password: &password,
        header: None,
    };
    let header = Auth::Header {
        name: http::HeaderName::from_static("x-auth-token"),
        prefix: "token ",
        secret: &user,
    };
    let (method, url) = (http::Method::GET, "https://example.com".parse().unwrap());
    let request = super::sigv4::Signable {
        method: &method,
        url: &url,
        content_type: None,
        body: b"",
    };
    for (auth, name, text) in [
        // The example of RFC 7617.
        (basic, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (header, "x-auth-token", "token Aladdin"),
    ] {
        let written = written(&auth, &request).unwrap();
        let [(written_name, value)] = written.as_slice() else {
            panic!("{written:?}");
        };
        assert_eq!(
            (written_name.as_str(), value.to_str().unwrap()),
            (name, text)
        );
        assert!(value.is_sensitive());
        let shown = format!("{auth:?} {value:?}");
        assert!(
            !shown.contains("Aladdin") && !shown.contains("QWxh"),
            "{shown}"
        );
    }
    let broken = SecretText::new("two\r\nlines".to_owned());
    let header = Auth::Header {
        name: http::HeaderName::from_static("x-auth-token"),
        prefix: "",
        secret: &broken,
    };
    assert!(written(&header, &request).is_none());
}
