//! The generated protocol messages, clients and servers.
//!
//! Providers never need them; they are public for programs that talk to a provider directly,
//! such as tests. `Debug` of the messages that carry values is redacted.

#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    rustdoc::all,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// Terraform plugin protocol 6.11.
pub mod tfplugin6 {
    include!("generated/tfplugin6.rs");

    impl std::fmt::Debug for DynamicValue {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("DynamicValue(redacted)")
        }
    }

    impl std::fmt::Debug for RawState {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("RawState(redacted)")
        }
    }
}

/// The services that go-plugin expects beside the plugin's own.
pub mod plugin {
    include!("generated/plugin.rs");
}

/// The gRPC health checking protocol.
pub mod health {
    include!("generated/grpc.health.v1.rs");
}
