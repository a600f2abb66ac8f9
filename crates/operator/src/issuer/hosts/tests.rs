//! Hosts that are allowed, and the ways around that are not.

use super::*;

const HOME: &str = "https://api.scaleway.com";

fn check_with(endpoint: &str, allowed: &[&str]) -> Result<(), Refused> {
    let allowed: Vec<_> = allowed.iter().map(|host| host.parse().unwrap()).collect();
    check(endpoint, HOME, &allowed)
}

#[test]
fn the_own_host_of_a_profile_is_always_possible() {
    assert_eq!(
        check_with("https://api.scaleway.com/elsewhere", &[]),
        Ok(())
    );
    assert_eq!(check_with("https://API.scaleway.com", &[]), Ok(()));
}

#[test]
fn another_host_must_be_listed() {
    let other = "https://tokens.example.com";
    assert_eq!(
        check_with(other, &[]),
        Err(Refused::NotAllowed("tokens.example.com".to_owned()))
    );
    assert_eq!(
        check_with(
            "https://tokens.example.com:8443/api",
            &["tokens.example.com:443"]
        ),
        Err(Refused::NotAllowed("tokens.example.com:8443".to_owned()))
    );
    assert_eq!(check_with(other, &["tokens.example.com"]), Ok(()));
    assert_eq!(check_with(other, &["Tokens.Example.com:443"]), Ok(()));
    assert!(check_with(other, &["tokens.example.com:8443"]).is_err());
    assert!(check_with(other, &["example.com"]).is_err());
    assert!(check_with("https://api.scaleway.com:444", &[]).is_err());
}

#[test]
fn plain_http_is_possible_on_loopback_only_and_only_if_listed() {
    assert_eq!(check_with("http://127.0.0.1:4000", &["127.0.0.1"]), Ok(()));
    assert_eq!(check_with("http://[::1]:4000", &["[::1]:4000"]), Ok(()));
    assert_eq!(check_with("http://localhost:4000", &["localhost"]), Ok(()));
    assert!(check_with("http://127.0.0.1:4000", &[]).is_err());
    assert_eq!(
        check_with("http://tokens.example.com", &["tokens.example.com"]),
        Err(Refused::Plain("tokens.example.com".to_owned()))
    );
    assert!(check_with("http://api.scaleway.com", &["api.scaleway.com"]).is_err());
}

#[test]
fn an_endpoint_is_a_url_without_a_credential() {
    assert_eq!(
        check_with("https://me:word@api.scaleway.com", &[]),
        Err(Refused::Credential)
    );
    assert!(check_with("ftp://api.scaleway.com", &["api.scaleway.com"]).is_err());
    assert!(check_with("api.scaleway.com", &[]).is_err());
}

#[test]
fn what_is_not_a_host_is_refused_on_the_command_line() {
    for text in ["", "https://a.b", "a/b", "me@a.b", "a?b"] {
        assert!(
            text.parse::<AllowedHost>().is_err(),
            "{text:?} was accepted"
        );
    }
}

/// Endpoints that lead elsewhere than they seem to, and what of each is seen.
const BYPASSES: &[(&str, Seen)] = &[
    // The cloud's metadata.
    (
        "http://169.254.169.254/latest/meta-data",
        Seen::Host("169.254.169.254"),
    ),
    (
        "https://metadata.google.internal",
        Seen::Host("metadata.google.internal"),
    ),
    ("https://[fd00:ec2::254]", Seen::Host("[fd00:ec2::254]")),
    // The cluster itself.
    (
        "https://kubernetes.default.svc",
        Seen::Host("kubernetes.default.svc"),
    ),
    ("https://10.96.0.1:443", Seen::Host("10.96.0.1")),
    ("http://localhost:8080", Seen::Host("localhost:8080")),
    ("http://0.0.0.0", Seen::Host("0.0.0.0")),
    // One address, spelled in other ways.
    ("https://2852039166", Seen::Host("169.254.169.254")),
    ("https://0xa9fea9fe", Seen::Host("169.254.169.254")),
    ("https://0251.0376.0251.0376", Seen::Host("169.254.169.254")),
    ("https://169.254.43518", Seen::Host("169.254.169.254")),
    ("https://169.254.169.254.", Seen::Host("169.254.169.254")),
    (
        "https://\u{ff11}69.254.169\u{3002}254",
        Seen::Host("169.254.169.254"),
    ),
    ("https://169.254.\n169.254", Seen::Host("169.254.169.254")),
    ("http://127.1", Seen::Host("127.0.0.1")),
    (
        "https://[::ffff:169.254.169.254]",
        Seen::Host("[::ffff:a9fe:a9fe]"),
    ),
    ("https://[::ffff:127.0.0.1]", Seen::Host("[::ffff:7f00:1]")),
    ("https://[fe80::1%25eth0]", Seen::NoUrl),
    // What looks like the profile's own host.
    ("https://api.scaleway.com.", Seen::Host("api.scaleway.com.")),
    (
        "https://api.scaleway.com:8443",
        Seen::Host("api.scaleway.com:8443"),
    ),
    (
        "https://api.scaleway.com.evil.example",
        Seen::Host("api.scaleway.com.evil.example"),
    ),
    ("https://xapi.scaleway.com", Seen::Host("xapi.scaleway.com")),
    (
        "https:api.scaleway.com.evil.example",
        Seen::Host("api.scaleway.com.evil.example"),
    ),
    ("https://api.scaleway.com@evil.example", Seen::User),
    ("https://api.scaleway.com:443@evil.example", Seen::User),
    ("https://:word@api.scaleway.com", Seen::User),
    ("https://api.scaleway.com%40evil.example", Seen::NoUrl),
    ("https://api.scaleway.com%00.evil.example", Seen::NoUrl),
    // What is no address of a server.
    ("//169.254.169.254", Seen::NoUrl),
    (
        "file:///var/run/secrets/kubernetes.io/serviceaccount/token",
        Seen::NoUrl,
    ),
    ("data:text/plain,token", Seen::NoUrl),
    ("", Seen::NoUrl),
];

/// Why an endpoint is refused, as far as it is seen.
enum Seen {
    Host(&'static str),
    User,
    NoUrl,
}

#[test]
fn each_way_around_the_list_of_hosts_is_refused_by_the_host_that_it_leads_to() {
    for (endpoint, seen) in BYPASSES {
        let refused = match seen {
            Seen::Host(host) => Refused::NotAllowed((*host).to_owned()),
            Seen::User => Refused::Credential,
            Seen::NoUrl => Refused::NotAUrl((*endpoint).to_owned()),
        };
        for allowed in [&[][..], &["tokens.example.com", "scaleway.com"]] {
            let outcome = check_with(endpoint, allowed);
            assert_eq!(outcome, Err(refused.clone()), "{endpoint:?}");
        }
    }
}

#[test]
fn each_spelling_of_an_address_that_is_listed_is_that_address_and_no_other_is() {
    for endpoint in ["https://10.0.0.8", "https://0x0a000008", "https://012.8"] {
        assert_eq!(check_with(endpoint, &["10.0.0.8"]), Ok(()), "{endpoint}");
    }
    // What a name or another family stands for is for the network to say: it is not looked up.
    for endpoint in ["https://[::ffff:10.0.0.8]", "https://10.0.0.8.nip.io"] {
        assert!(check_with(endpoint, &["10.0.0.8"]).is_err(), "{endpoint}");
    }
}
