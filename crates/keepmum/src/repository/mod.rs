//! The room `repository`.
