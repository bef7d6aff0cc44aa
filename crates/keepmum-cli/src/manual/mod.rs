//! The manual: everything beyond one line of help, written once, for `help` and for `man`.
//!
//! It only makes text from tables; it reads no config and prints nothing.

mod about;
pub(crate) mod config;
mod page;
pub(crate) mod pages;
mod roff;
pub(crate) mod words;

pub(crate) use page::{Page, wrapped};
