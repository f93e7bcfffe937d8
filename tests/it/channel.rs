//! What an agency sees of its own channels.

mod refusals;
