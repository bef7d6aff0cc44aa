//! The manual: what is told beyond one line of help, once, for `help` and for `man`.
//!
//! It only makes text from tables; it reads no config and prints nothing.

pub(crate) mod lines;
pub(crate) mod words;
