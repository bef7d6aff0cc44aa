//! The room `catalogue`.
