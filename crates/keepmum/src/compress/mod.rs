//! The room `compress`.
