//! Versions as tools print them, and Kubernetes versions as people ask for them.

use std::fmt;
use std::str::FromStr;

/// Three numbers; what follows a `-` or `+` is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Incompatible changes.
    pub major: u32,
    /// New features.
    pub minor: u32,
    /// Fixes.
    pub patch: u32,
}

impl Version {
    /// The version `major.minor.patch`.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// The first version in what a tool printed about itself; a browser's has a fourth number.
    pub fn find_in(output: &str) -> Option<Self> {
        output.split_whitespace().find_map(|word| {
            let three = word.match_indices('.').nth(2).map(|(end, _)| end);
            let three = three.and_then(|end| word.get(..end));
            word.parse().ok().or_else(|| three?.parse().ok())
        })
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.strip_prefix('v').unwrap_or(text);
        let numbers = numbers.split(['-', '+']).next().unwrap_or(numbers);
        let mut parts = numbers.split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => {
                Ok(Self::new(major, minor, patch))
            }
            _ => Err(format!("{text:?} is not a version such as 1.37.2")),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A Kubernetes version to test against, given as `1.33` or `1.33.4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KubernetesVersion(Version);

impl KubernetesVersion {
    /// The one that is built when nobody asks for another.
    pub const DEFAULT: Self = Self(Version::new(1, 37, 2));

    /// A patch of each supported minor version that is known to build from its module.
    const KNOWN: [Version; 5] = [
        Version::new(1, 33, 13),
        Version::new(1, 34, 4),
        Version::new(1, 35, 4),
        Version::new(1, 36, 3),
        Self::DEFAULT.0,
    ];

    /// The three numbers.
    pub const fn version(self) -> Version {
        self.0
    }
}

impl FromStr for KubernetesVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(version) = text.parse() {
            return Ok(Self(version));
        }
        let with_patch: Result<Version, _> = format!("{text}.0").parse();
        let Ok(minor) = with_patch else {
            return Err(format!("{text:?} is neither like 1.33 nor like 1.33.4"));
        };
        Self::KNOWN
            .into_iter()
            .find(|known| (known.major, known.minor) == (minor.major, minor.minor))
            .map(Self)
            .ok_or_else(|| {
                let known: Vec<String> = Self::KNOWN
                    .iter()
                    .map(|known| format!("{}.{}", known.major, known.minor))
                    .collect();
                format!(
                    "no patch of Kubernetes {text} is listed; give one in full (like {text}.4), \
                     or take one of {}",
                    known.join(", ")
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_each_tool_prints() {
        for (printed, version) in [
            (
                "etcd Version: 3.6.16\nGit SHA: Not provided\nGo Version: go1.26.8",
                (3, 6, 16),
            ),
            ("Kubernetes v1.37.2\n", (1, 37, 2)),
            ("v4.3.1+g1234567\n", (4, 3, 1)),
            ("cargo-deny 0.20.2\n", (0, 20, 2)),
            (
                "Chromium 156.0.8078.79 built on Debian GNU/Linux 12",
                (156, 0, 8078),
            ),
            ("Terraform v1.12.0-beta1\non linux_amd64\n", (1, 12, 0)),
        ] {
            let expected = Version::new(version.0, version.1, version.2);
            assert_eq!(Version::find_in(printed), Some(expected), "{printed}");
        }
        assert_eq!(Version::find_in("no version, 1.2 of 3"), None);
    }

    #[test]
    fn a_newer_minor_is_newer_although_its_digits_sort_earlier() {
        assert!(Version::new(1, 11, 0) > Version::new(1, 9, 9));
    }

    #[test]
    fn kubernetes_is_asked_for_by_minor_or_in_full() {
        for (asked, version) in [
            ("1.33", "1.33.13"),
            ("1.37", "1.37.2"),
            ("1.35.1", "1.35.1"),
            ("v1.36.0", "1.36.0"),
        ] {
            let parsed: KubernetesVersion = asked.parse().unwrap();
            assert_eq!(parsed.version().to_string(), version);
        }
        for refused in ["1", "1.20", "latest", ""] {
            assert!(refused.parse::<KubernetesVersion>().is_err(), "{refused}");
        }
    }
}
