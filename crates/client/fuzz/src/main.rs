//! The fuzzer's side of `tokenwright_client::profile::fuzz`: bytes in, a broken promise is a crash.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokenwright_client::profile::fuzz;

/// Which of them is fuzzed, named by the folder of its corpus.
static TARGET: LazyLock<fn(&[u8])> =
    LazyLock::new(|| match std::env::var("TOKENWRIGHT_FUZZ").as_deref() {
        Ok("profiles") => |bytes| fuzz::profile(&String::from_utf8_lossy(bytes)),
        Ok("expressions") => |bytes| fuzz::expression(&String::from_utf8_lossy(bytes)),
        Ok("answers") => |bytes| {
            for status in fuzz::STATUSES {
                fuzz::answers(status, bytes);
            }
        },
        Ok("credentials") => |bytes| fuzz::credential(&String::from_utf8_lossy(bytes)),
        _ => panic!(
            "TOKENWRIGHT_FUZZ names a folder of corpora: profiles, expressions, answers or credentials"
        ),
    });

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
