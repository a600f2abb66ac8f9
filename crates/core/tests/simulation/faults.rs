//! Chance, and how often it lets each thing go wrong.

use jiff::SignedDuration;

/// SplitMix64: small, seeded, the same everywhere.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True in `percent` of all cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// How likely each fault is at each effect, in percent.
pub(crate) struct Faults {
    pub(crate) crash: u64,
    pub(crate) pause: u64,
    pub(crate) lost_mint: u64,
    pub(crate) late_mint: u64,
    pub(crate) refused_mint: u64,
    pub(crate) unsent_mint: u64,
    pub(crate) born_dead: u64,
    pub(crate) check_unknown: u64,
    pub(crate) lost_write: u64,
    pub(crate) refused_write: u64,
    pub(crate) failed_list: u64,
    pub(crate) lagging_list: u64,
    pub(crate) failed_revoke: u64,
    pub(crate) empty_list: u64,
    pub(crate) lying_revoke: u64,
    pub(crate) lying_check: u64,
    pub(crate) swallowed_mint: u64,
    pub(crate) refused_update: u64,
    pub(crate) refused_switch: u64,
    /// An answer to a switch that says neither.
    pub(crate) unsure_switch: u64,
}

impl Faults {
    /// How long a listing lags behind.
    pub(crate) fn lag(&self, rng: &mut Rng) -> SignedDuration {
        SignedDuration::from_secs(if rng.chance(self.lagging_list) { 8 } else { 0 })
    }

    pub(crate) fn none() -> Self {
        Self {
            crash: 0,
            pause: 0,
            lost_mint: 0,
            late_mint: 0,
            refused_mint: 0,
            unsent_mint: 0,
            born_dead: 0,
            check_unknown: 0,
            lost_write: 0,
            refused_write: 0,
            failed_list: 0,
            lagging_list: 0,
            failed_revoke: 0,
            empty_list: 0,
            lying_revoke: 0,
            lying_check: 0,
            swallowed_mint: 0,
            refused_update: 0,
            refused_switch: 0,
            unsure_switch: 0,
        }
    }

    /// Some schedules are calm in some respects, so that every combination occurs.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let silent = rng.chance(15);
        let mut some = |most: usize| {
            if rng.chance(50) {
                0
            } else {
                rng.below(most) as u64
            }
        };
        let faults = Self {
            crash: some(20),
            pause: some(10),
            lost_mint: some(40),
            late_mint: some(40),
            refused_mint: some(30),
            unsent_mint: some(30),
            born_dead: some(30),
            // Now and then no check answers at all, as long as an attempt lasts.
            check_unknown: some(50).max(if silent { 99 } else { 0 }),
            lost_write: some(30),
            refused_write: some(30),
            failed_list: some(40),
            lagging_list: some(40),
            failed_revoke: some(40),
            empty_list: some(30),
            lying_revoke: some(40),
            lying_check: some(20),
            swallowed_mint: some(30),
            refused_update: some(40),
            refused_switch: some(40),
            unsure_switch: some(40),
        };
        // Where the revoke and the listing both lie, nothing is left to tell the truth.
        let lying_revoke = match faults.empty_list {
            0 => faults.lying_revoke,
            _ => 0,
        };
        Self {
            lying_revoke,
            ..faults
        }
    }
}
