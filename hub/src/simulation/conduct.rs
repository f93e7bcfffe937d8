//! How a simulated agency behaves beside what it says: whether it is slow, fails, lies, repeats
//! itself or says things in another order.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::random::Random;

/// Of a hundred messages, so many are sent a second time unless told: networks repeat.
const AGAIN_PERCENT: u64 = 3;

/// How an agency behaves. What is not told, it does not do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Args)]
#[serde(deny_unknown_fields)]
pub struct Conduct {
    /// Milliseconds that it takes to answer.
    #[arg(long)]
    pub slow_ms: Option<u64>,
    /// So many requests it cannot take at first.
    #[arg(long)]
    pub fail_first: Option<u64>,
    /// So many messages it refuses at first.
    #[arg(long)]
    pub refuse_first: Option<u64>,
    /// Of a hundred requests, so many it cannot take.
    #[arg(long)]
    pub fail_percent: Option<u64>,
    /// Of a hundred requests, so many it answers with success and an error in the text.
    #[arg(long)]
    pub lie_percent: Option<u64>,
    /// Of a hundred messages of its own, so many it sends a second time; 3 unless told.
    #[arg(long)]
    pub repeat_percent: Option<u64>,
    /// Of a hundred messages of its own, so many it sends after the next one.
    #[arg(long)]
    pub reorder_percent: Option<u64>,
}

/// What an agency does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Does what it is asked.
    Answers,
    /// Says that it cannot, now.
    Fails,
    /// Says that it does not take this.
    Refuses,
    /// Does nothing, and says success above and an error in the text.
    Lies,
}

impl Conduct {
    /// The same with what another one says instead.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            slow_ms: self.slow_ms.or(other.slow_ms),
            fail_first: self.fail_first.or(other.fail_first),
            refuse_first: self.refuse_first.or(other.refuse_first),
            fail_percent: self.fail_percent.or(other.fail_percent),
            lie_percent: self.lie_percent.or(other.lie_percent),
            repeat_percent: self.repeat_percent.or(other.repeat_percent),
            reorder_percent: self.reorder_percent.or(other.reorder_percent),
        }
    }

    /// How long it takes to answer.
    pub fn slow(&self) -> Duration {
        Duration::from_millis(self.slow_ms.unwrap_or(0))
    }

    pub(super) fn repeats(&self, random: &mut Random) -> bool {
        random.percent(self.repeat_percent.unwrap_or(AGAIN_PERCENT))
    }

    pub(super) fn reorders(&self, random: &mut Random) -> bool {
        self.reorder_percent.is_some_and(|percent| random.percent(percent))
    }
}

/// An agency that is asked: what it does, request by request.
#[derive(Debug)]
pub struct Asked {
    conduct: Conduct,
    random: Random,
    failed: u64,
    refused: u64,
}

impl Asked {
    /// One that behaves so; a seed repeats what it does.
    pub fn new(conduct: Conduct, seed: u64, channel: &str) -> Self {
        let random = Random::new(seed, &format!("{channel} is asked"));
        Self { conduct, random, failed: 0, refused: 0 }
    }

    /// How long it takes to answer.
    pub fn slow(&self) -> Duration {
        self.conduct.slow()
    }

    /// Whether it gives what it shows in another order, and some of it twice.
    pub fn turns(&mut self) -> bool {
        self.conduct.reorders(&mut self.random)
    }

    /// What it does with the next request.
    pub fn act(&mut self) -> Act {
        let Conduct { fail_first, refuse_first, fail_percent, lie_percent, .. } = self.conduct;
        if self.failed < fail_first.unwrap_or(0) {
            self.failed += 1;
            return Act::Fails;
        }
        if self.refused < refuse_first.unwrap_or(0) {
            self.refused += 1;
            return Act::Refuses;
        }
        match () {
            () if self.random.percent(fail_percent.unwrap_or(0)) => Act::Fails,
            () if self.random.percent(lie_percent.unwrap_or(0)) => Act::Lies,
            () => Act::Answers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fails_and_refuses_at_first_and_then_in_shares() {
        let conduct = Conduct {
            fail_first: Some(2),
            refuse_first: Some(1),
            fail_percent: Some(20),
            lie_percent: Some(10),
            ..Conduct::default()
        };
        let mut asked = Asked::new(conduct.clone(), 7, "a.b");
        let first: Vec<Act> = (0..3).map(|_| asked.act()).collect();
        assert_eq!(first, [Act::Fails, Act::Fails, Act::Refuses]);
        let acts: Vec<Act> = (0..1_000).map(|_| asked.act()).collect();
        let count = |wanted| acts.iter().filter(|act| **act == wanted).count();
        assert!((150..250).contains(&count(Act::Fails)), "{}", count(Act::Fails));
        assert!((50..120).contains(&count(Act::Lies)), "{}", count(Act::Lies));
        assert_eq!(count(Act::Refuses), 0);
        let mut again = Asked::new(conduct, 7, "a.b");
        assert!(first.iter().chain(&acts).all(|act| again.act() == *act), "a seed repeats it");
    }

    #[test]
    fn what_is_told_on_the_line_goes_before_what_the_file_says() {
        let file = Conduct { slow_ms: Some(5), lie_percent: Some(9), ..Conduct::default() };
        let line = Conduct { slow_ms: Some(0), ..Conduct::default() };
        let both = line.or(&file);
        assert_eq!((both.slow_ms, both.lie_percent), (Some(0), Some(9)));
    }
}
