//! The tests of the whole product live in `it/`, one binary.
