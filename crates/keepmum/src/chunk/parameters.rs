//! The chunker's parameters; they stand in the keyring and never change for a repository.

use thiserror::Error;

/// Bytes that decide whether a cut may follow the last of them.
pub const WINDOW: usize = 64;

/// No such parameters.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("an average chunk of {average} bytes is not a power of two from 16 KiB to 1 MiB")]
pub struct ParameterError {
    /// The requested value, in bytes.
    pub average: u32,
}

/// Sizes. The minimum is a quarter of the average, the maximum four times it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    average: u32,
}

impl Parameters {
    /// The average size in bytes unless another is chosen.
    pub const DEFAULT_AVERAGE: u32 = 64 * 1024;
    /// The smallest average size allowed.
    pub const LEAST_AVERAGE: u32 = 16 * 1024;
    /// The largest average size allowed.
    pub const MOST_AVERAGE: u32 = 1024 * 1024;

    /// Checks the average size.
    ///
    /// # Errors
    /// When it is not a power of two between the two limits.
    pub fn new(average: u32) -> Result<Self, ParameterError> {
        let allowed = Self::LEAST_AVERAGE..=Self::MOST_AVERAGE;
        if average.is_power_of_two() && allowed.contains(&average) {
            Ok(Self { average })
        } else {
            Err(ParameterError { average })
        }
    }

    /// The least size of a chunk that is not the last of its extent, in bytes.
    #[must_use]
    pub fn minimum(self) -> usize {
        self.average as usize / 4
    }

    /// The largest size of a chunk in bytes.
    #[must_use]
    pub fn maximum(self) -> usize {
        self.average as usize * 4
    }

    /// A window is a candidate when its value, uniform over 64 bits, is below this: once in
    /// average − minimum positions, so that with the minimum the average comes out.
    pub(super) fn threshold(self) -> u64 {
        let distance = u128::from(self.average) - self.minimum() as u128;
        u64::try_from((1u128 << 64) / distance).expect("the distance is at least 12 KiB")
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self { average: Self::DEFAULT_AVERAGE }
    }
}
