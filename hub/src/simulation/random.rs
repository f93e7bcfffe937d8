//! Numbers that a seed repeats.

/// A small generator of numbers (splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The numbers of a seed for one purpose: each name has a sequence of its own.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a: names are few, and only have to differ.
        let mixed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Self(seed ^ mixed);
        random.next();
        random
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; zero below nothing.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Whether what happens in so many of a hundred cases happens now.
    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of several; nothing of none.
    pub(super) fn pick<'a, T>(&mut self, several: &'a [T]) -> Option<&'a T> {
        several.get(self.below(several.len() as u64) as usize)
    }

    /// A factor around 1 as waiting times among people have it: mostly short, now and then long.
    pub(super) fn wait(&mut self) -> f64 {
        // 53 bits, so that every number is one of its own and none is 0.
        let part = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        (-part.ln()).clamp(0.15, 4.0)
    }
}
