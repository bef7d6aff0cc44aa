//! Sets of records, or of the stored files that hold them, by number.

use std::ops::{BitAnd, BitOr, BitOrAssign};

/// A set of numbers below 32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Set(u32);

impl Set {
    /// The numbers below this one.
    pub fn below(count: usize) -> Self {
        Self((1 << count) - 1)
    }

    /// The subset of `self` whose members are picked by the bits of `choice`.
    pub fn pick(self, choice: u32) -> Self {
        let picked = self.iter().enumerate().filter(|(bit, _)| choice & (1 << bit) != 0);
        picked.map(|(_, member)| member).collect()
    }

    /// Whether a number is in it.
    pub fn has(self, member: usize) -> bool {
        self.0 & (1 << member) != 0
    }

    /// With one more.
    #[must_use]
    pub fn with(self, member: usize) -> Self {
        Self(self.0 | 1 << member)
    }

    /// Without the members of another set.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of it is in another set.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many are in it.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Its members, the lowest first.
    pub fn iter(self) -> impl Iterator<Item = usize> + Clone {
        (0..32).filter(move |member| self.has(*member))
    }
}

impl FromIterator<usize> for Set {
    fn from_iter<I: IntoIterator<Item = usize>>(members: I) -> Self {
        members.into_iter().fold(Self::default(), Self::with)
    }
}

impl BitOr for Set {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Set {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Set {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
