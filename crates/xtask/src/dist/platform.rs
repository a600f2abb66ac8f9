//! What releases are made for, in the names of those who read them.

use std::env::consts::ARCH;
use std::fmt;

use clap::ValueEnum;

/// A system and its processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Platform {
    /// Linux on x86-64.
    #[value(name = "linux_amd64")]
    LinuxAmd64,
    /// Linux on 64-bit ARM.
    #[value(name = "linux_arm64")]
    LinuxArm64,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::LinuxAmd64, Self::LinuxArm64];

    /// The one that this program runs on.
    pub fn host() -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|platform| cfg!(target_os = "linux") && platform.processor() == ARCH)
    }

    /// The processor as Rust and GNU name it.
    pub const fn processor(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "x86_64",
            Self::LinuxArm64 => "aarch64",
        }
    }

    /// The processor as Go, Terraform's registry and OCI images name it.
    pub const fn architecture(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "amd64",
            Self::LinuxArm64 => "arm64",
        }
    }

    /// What Rust compiles for. With musl nothing is linked from the system: the same program runs on
    /// every distribution, on Alpine too, and in an image that has nothing else.
    pub const fn target(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "x86_64-unknown-linux-musl",
            Self::LinuxArm64 => "aarch64-unknown-linux-musl",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux_{}", self.architecture())
    }
}
