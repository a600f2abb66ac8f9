//! The fuzzer's side of `tokenwright_client::profile::fuzz`: bytes in, a broken promise is a crash.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokenwright_client::profile::fuzz;

/// Which of the three is fuzzed, named by the folder of its corpus.
static TARGET: LazyLock<fn(&[u8])> =
    LazyLock::new(|| match std::env::var("TOKENWRIGHT_FUZZ").as_deref() {
        Ok("profiles") => |bytes| fuzz::profile(&String::from_utf8_lossy(bytes)),
        Ok("expressions") => |bytes| fuzz::expression(&String::from_utf8_lossy(bytes)),
        Ok("answers") => |bytes| {
            for status in [200, 201, 404, 500] {
                fuzz::answers(status, bytes);
            }
        },
        _ => panic!("TOKENWRIGHT_FUZZ names a folder of corpora: profiles, expressions or answers"),
    });

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
