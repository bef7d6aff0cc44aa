//! The room `chunk`.
