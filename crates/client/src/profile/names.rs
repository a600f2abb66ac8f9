//! Names on the wire: where a system takes no space, another character stands before the marker there, and
//! nowhere else.

use tokenwright_core::Marker;

/// How a marker begins.
const MARKER: &str = "tw1-";

/// The name as the system is sent it.
pub(super) fn sent(name: &str, separator: Option<char>) -> String {
    match (separator, name.rsplit_once(' ')) {
        (Some(separator), Some((wanted, marker))) if marker.parse::<Marker>().is_ok() => {
            format!("{wanted}{separator}{marker}")
        }
        _ => name.to_owned(),
    }
}

/// The name that a system shows, as everybody else reads it.
pub(super) fn read(name: String, separator: Option<char>) -> String {
    let Some(separator) = separator else {
        return name;
    };
    let marker = name.rfind(MARKER).and_then(|at| name.split_at_checked(at));
    match marker {
        Some((before, marker)) if marker.parse::<Marker>().is_ok() => {
            match before.strip_suffix(separator) {
                Some(wanted) => format!("{wanted} {marker}"),
                None => name,
            }
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: &str = "tw1-dio4f-lifkxs4uwjb5e-1-aaaqea77";

    #[test]
    fn a_name_with_a_marker_is_the_same_after_the_way_out_and_back_whatever_stands_before_it() {
        for wanted in ["ci", "ci build", "tw1-ci", "-", "ci-"] {
            let name = format!("{wanted} {MARKER}");
            for separator in [None, Some('-'), Some('_'), Some('.')] {
                let out = sent(&name, separator);
                let expected = format!("{wanted}{}{MARKER}", separator.unwrap_or(' '));
                assert_eq!(out, expected);
                assert_eq!(read(out, separator), name);
            }
        }
    }

    #[test]
    fn a_name_without_a_marker_is_nobody_s_to_change() {
        for name in ["ci", "my token", "a-tw1-b", "tw1-", &MARKER[1..], MARKER] {
            assert_eq!(sent(name, Some('-')), name);
            assert_eq!(read(name.to_owned(), Some('-')), name);
        }
    }
}
