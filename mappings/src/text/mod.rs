//! Text as the agencies send it: legacy Vietnamese charsets, and the normal forms used to
//! compare names, codes and sentences.

pub mod charset;
pub mod normalise;

mod table;
mod tcvn3;
mod unicode;
mod viqr;
mod viscii;
mod vni;
mod windows;

#[cfg(test)]
mod tests;
