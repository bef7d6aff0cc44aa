//! The room `seam`.
