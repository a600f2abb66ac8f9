//! The machine's random numbers.

use tfplugin::Diagnostics;

/// Fills these bytes. `false` after an error, which says what becomes of what needs them.
pub(crate) fn fill(bytes: &mut [u8], needed: &str, diags: &mut Diagnostics) -> bool {
    let drawn = getrandom::fill(bytes).is_ok();
    if !drawn {
        diags.error("This machine gives no random numbers", needed);
    }
    drawn
}
