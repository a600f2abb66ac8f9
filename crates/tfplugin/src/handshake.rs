//! The go-plugin handshake: what the host says through the environment, and our one line.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// go-plugin's own protocol version; there is only this one.
const CORE_PROTOCOL: u8 = 1;

/// The Terraform plugin protocol that this crate speaks.
pub(crate) const PLUGIN_PROTOCOL: u8 = 6;

const COOKIE_NAME: &str = "TF_PLUGIN_MAGIC_COOKIE";
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// What somebody reads who starts a provider by hand.
pub(crate) const NOT_A_PROGRAM: &str = "This program is a Terraform provider. \
    It is started by Terraform or OpenTofu and is not meant to be run by hand. \
    Name it in a configuration and run `terraform init`, or start it with `-debug` to attach to it.";

/// What the host asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// PEM; without it the host speaks plain text.
    pub(crate) client_certificate: Option<String>,
    pub(crate) socket_directory: Option<PathBuf>,
    /// Where TCP is wanted; 0 is any.
    pub(crate) ports: RangeInclusive<u16>,
    /// Whether it knows our protocol. If not, we say ours all the same and it explains.
    pub(crate) speaks_our_protocol: bool,
}

/// Where a host connects to.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// `unix` or `tcp`.
    pub(crate) network: &'static str,
    /// A path, or an address with its port.
    pub(crate) place: String,
}

/// Reads the environment; `None` if it was not a plugin host that started us.
pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Host> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set(COOKIE_NAME)? != COOKIE {
        return None;
    }
    let port = |name: &str| set(name).and_then(|port| port.parse().ok()).unwrap_or(0);
    let versions = set("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
    Some(Host {
        client_certificate: set("PLUGIN_CLIENT_CERT"),
        socket_directory: set("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
        ports: port("PLUGIN_MIN_PORT")..=port("PLUGIN_MAX_PORT"),
        speaks_our_protocol: versions
            .split(',')
            .any(|version| version.trim().parse() == Ok(PLUGIN_PROTOCOL)),
    })
}

/// The one line on stdout. The host wants the certificate's base64 without padding.
pub(crate) fn line(address: &Address, certificate: Option<&[u8]>) -> String {
    let Address { network, place } = address;
    let certificate = certificate.map_or_else(String::new, |der| STANDARD_NO_PAD.encode(der));
    format!("{CORE_PROTOCOL}|{PLUGIN_PROTOCOL}|{network}|{place}|grpc|{certificate}\n")
}

/// What a person exports to make Terraform or OpenTofu use a provider that already runs.
///
/// Each core looks for it under its own registry, where a configuration names none.
pub(crate) fn reattach(provider: &str, address: &Address) -> String {
    let json = serde_json::json!({
        "Protocol": "grpc",
        "ProtocolVersion": PLUGIN_PROTOCOL,
        "Pid": std::process::id(),
        "Test": true,
        "Addr": { "Network": address.network, "String": address.place },
    });
    let to_opentofu = provider
        .strip_prefix("registry.terraform.io/")
        .map(|name| format!("registry.opentofu.org/{name}"));
    let names = std::iter::once(provider.to_owned()).chain(to_opentofu);
    let all: serde_json::Value = names.map(|name| (name, json.clone())).collect();
    format!("TF_REATTACH_PROVIDERS='{all}'\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(variables: &[(&str, &str)]) -> Option<Host> {
        read(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_missing_or_wrong_cookie_is_no_host() {
        assert_eq!(host(&[]), None);
        assert_eq!(host(&[(COOKIE_NAME, "biscuit")]), None);
        assert!(host(&[(COOKIE_NAME, COOKIE)]).is_some());
    }

    #[test]
    fn versions_are_a_set_in_any_order() {
        for (versions, ours) in [
            ("5,6", true),
            ("6,5", true),
            ("6", true),
            ("5", false),
            ("", false),
            ("16", false),
        ] {
            let host = host(&[
                (COOKIE_NAME, COOKIE),
                ("PLUGIN_PROTOCOL_VERSIONS", versions),
            ])
            .unwrap();
            assert_eq!(host.speaks_our_protocol, ours, "{versions:?}");
        }
    }

    #[test]
    fn an_empty_certificate_means_plain_text() {
        let host = host(&[(COOKIE_NAME, COOKIE), ("PLUGIN_CLIENT_CERT", "")]).unwrap();
        assert_eq!(host.client_certificate, None);
    }

    #[test]
    fn the_ports_are_those_that_the_host_names_or_any() {
        let cookie = (COOKIE_NAME, COOKIE);
        assert_eq!(host(&[cookie]).unwrap().ports, 0..=0);
        let named = [("PLUGIN_MIN_PORT", "10000"), ("PLUGIN_MAX_PORT", "25000")];
        let host = host(&[cookie, named[0], named[1]]).unwrap();
        assert_eq!(host.ports, 10_000..=25_000);
    }

    fn address(network: &'static str, place: &str) -> Address {
        let place = place.to_owned();
        Address { network, place }
    }

    #[test]
    fn the_line_has_six_fields_and_no_padding() {
        let socket = address("unix", "/run/x/socket");
        assert_eq!(line(&socket, None), "1|6|unix|/run/x/socket|grpc|\n");
        let port = address("tcp", "127.0.0.1:10000");
        assert_eq!(
            line(&port, Some(b"leaf")),
            "1|6|tcp|127.0.0.1:10000|grpc|bGVhZg\n"
        );
    }

    fn attached(provider: &str) -> serde_json::Value {
        let line = reattach(provider, &address("unix", "/run/x/socket"));
        let json = line.trim_end().strip_prefix("TF_REATTACH_PROVIDERS='");
        serde_json::from_str(json.unwrap().strip_suffix('\'').unwrap()).unwrap()
    }

    #[test]
    fn the_reattach_line_is_ready_to_export_for_terraform_and_for_opentofu() {
        let json = attached("registry.terraform.io/acme/demo");
        for core in ["terraform.io", "opentofu.org"] {
            let entry = &json[format!("registry.{core}/acme/demo")];
            assert_eq!(entry["ProtocolVersion"], 6);
            assert_eq!(entry["Addr"]["String"], "/run/x/socket");
        }
    }

    #[test]
    fn a_provider_of_a_registry_of_its_own_is_attached_there_alone() {
        let json = attached("registry.example/acme/demo");
        let names: Vec<_> = json.as_object().unwrap().keys().collect();
        assert_eq!(names, ["registry.example/acme/demo"]);
    }
}
