//! The conclusions, on small histories written by hand.
