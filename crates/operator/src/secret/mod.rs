//! The Secret that a value is delivered to, and the manager whose it is. Reading and writing it is not
//! done here.

pub(crate) mod contested;
pub(crate) mod credential;
pub(crate) mod delivery;
pub(crate) mod limits;
pub(crate) mod manager;
pub(crate) mod on_the_way;
pub(crate) mod owner;
pub(crate) mod parts;
pub(crate) mod shown;
pub(crate) mod taken;
mod token;
