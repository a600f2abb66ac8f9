//! One request of a person, with the desk and the system that it came to.

use crate::asked::Asked;
use crate::desk::Desk;
use crate::system::System;

/// One request of a person.
pub(super) struct Visit<'a> {
    pub(super) desk: &'static Desk,
    pub(super) system: &'a dyn System,
    pub(super) asked: Asked<'a>,
}
