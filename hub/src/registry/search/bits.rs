//! A set of subjects, one bit each.

/// Subjects of one index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

/// Bits of one word of the set.
const WIDTH: usize = u64::BITS as usize;

impl Bits {
    /// None of so many.
    pub fn empty(count: usize) -> Self {
        Self(vec![0; count.div_ceil(WIDTH)])
    }

    /// All of so many.
    pub fn full(count: usize) -> Self {
        let mut all = Self(vec![u64::MAX; count.div_ceil(WIDTH)]);
        let over = all.0.len() * WIDTH - count;
        if let Some(last) = all.0.last_mut() {
            *last >>= over;
        }
        all
    }

    /// Puts one in.
    pub fn insert(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / WIDTH) {
            *word |= 1 << (at % WIDTH);
        }
    }

    /// Keeps those that another set has too.
    pub fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    /// Whether one is in it.
    pub fn has(&self, at: usize) -> bool {
        self.0.get(at / WIDTH).is_some_and(|word| word >> (at % WIDTH) & 1 == 1)
    }

    /// How many are in it.
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(at * WIDTH + bit)
            })
        })
    }
}
