//! The operator in a world of its own: what it promises, and at every point at which it can die.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at once"
)]

mod abandoned;
mod accounts;
mod adopt;
mod adopt_crashes;
mod adopt_ends;
mod adopt_moves;
mod adopt_secrets;
mod adopt_sources;
mod adopt_told;
mod bad_days;
mod bereft;
mod between;
mod bypasses;
mod clocks;
mod contests;
mod counted;
mod crashes;
mod credentials;
mod disasters;
mod endpoints;
mod evidence;
mod faults;
mod foreign;
mod forms;
mod held;
mod hung;
mod kstatus;
mod lied;
mod listings;
mod logs;
mod metrics;
mod nameless;
mod neighbours;
mod offered;
mod only_observed;
mod ordinary;
mod pauses;
mod points;
mod relisted;
mod replayed;
mod replicas;
mod requests;
mod restored;
mod revokes;
mod rewound;
mod rewound_mints;
mod rewound_secrets;
mod rights;
mod room;
mod said;
mod secrets;
mod self_rotating;
mod shared_issuers;
mod shares;
mod starts;
mod taken;
mod taken_back;
mod tenants;
mod texts;
mod ungranted;
mod updated;
mod upgrades;
mod watches;
mod windows;
mod withdrawn;
mod world;
