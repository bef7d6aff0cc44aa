//! The lengths of sealed objects (§4.3), so that their sizes reveal little.

/// Salt and commitment before the first segment, in bytes.
const HEAD: u64 = 24 + 32;
/// Plain bytes of a full segment.
const SEGMENT: u64 = 16 * 1024;
/// Length of a segment's tag in bytes.
const TAG: u64 = 16;
/// Sealed length of nothing: the head and an empty last segment.
const LEAST: u64 = HEAD + TAG;
/// From this sealed length on, lengths are rounded by Padmé.
const PADME_FROM: u64 = 1 << 20;
/// The smallest object is one byte shorter than a key block.
const LEAST_POWER: u32 = 12;

/// Sealed length of `plain` bytes: every full segment and the shorter last one have a tag.
#[cfg(test)]
pub fn sealed_length(plain: u64) -> u64 {
    HEAD + plain + TAG * (plain / SEGMENT + 1)
}

/// How many plain bytes are sealed to this length; none if sealing cannot produce it.
pub fn plain_for_sealed(sealed: u64) -> Option<u64> {
    let beyond = sealed.checked_sub(LEAST)?;
    let (full, last) = (beyond / (SEGMENT + TAG), beyond % (SEGMENT + TAG));
    (last < SEGMENT).then_some(full * SEGMENT + last)
}

/// The length to which an object is padded whose sealed length would be `sealed` bytes. The
/// result is not smaller, and sealing can produce it. `sealed` is below 2^62.
pub fn padded_length(sealed: u64) -> u64 {
    let sealed = sealed.max(LEAST);
    if sealed < PADME_FROM {
        let power = (sealed + 1).next_power_of_two();
        return power.max(1 << LEAST_POWER) - 1;
    }
    let exponent = sealed.ilog2();
    let step = 1u64 << (exponent - (exponent.ilog2() + 1));
    producible(sealed.next_multiple_of(step))
}

/// The least length not below `sealed` that sealing can produce: between a full last segment and
/// one segment more there are 16 lengths that it cannot.
fn producible(sealed: u64) -> u64 {
    let last = (sealed - LEAST) % (SEGMENT + TAG);
    if last < SEGMENT { sealed } else { sealed + (SEGMENT + TAG - last) }
}

#[cfg(test)]
mod tests {
    use crate::format::tests::config;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{padded_length, plain_for_sealed, sealed_length};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_padded_length_fits_and_can_be_sealed(plain in 0u64..300 << 20) {
            let sealed = sealed_length(plain);
            prop_assert_eq!(plain_for_sealed(sealed), Some(plain));
            let padded = padded_length(sealed);
            prop_assert!(padded >= sealed);
            prop_assert!(plain_for_sealed(padded).is_some());
            prop_assert!(sealed < 4096 || padded <= sealed * 2);
            prop_assert!(sealed < 1 << 20 || padded <= sealed + sealed / 16);
        }
    }

    #[test]
    fn lengths_that_cannot_be_sealed_are_known() {
        assert_eq!(plain_for_sealed(71), None);
        assert_eq!(plain_for_sealed(72), Some(0));
        assert_eq!(plain_for_sealed(72 + 16_383), Some(16_383));
        assert!((72 + 16_384..72 + 16_400).all(|length| plain_for_sealed(length).is_none()));
        assert_eq!(plain_for_sealed(72 + 16_400), Some(16_384));
    }

    #[test]
    fn small_objects_lie_just_below_a_power_of_two() {
        assert_eq!(padded_length(0), 4095);
        assert_eq!(padded_length(4095), 4095);
        assert_eq!(padded_length(4096), 8191);
        assert_eq!(padded_length((1 << 20) - 1), (1 << 20) - 1);
        for power in 12..=20 {
            assert!(plain_for_sealed((1 << power) - 1).is_some(), "{power}");
        }
    }

    #[test]
    fn no_multiple_within_the_bound_becomes_longer_than_an_object_may_be() {
        let mut adjusted = 0;
        for multiple in 1 << 5..=1u64 << 13 {
            let length = multiple << 15;
            let padded = padded_length(length);
            assert!(padded <= 256 << 20 || length > 256 << 20, "{length}");
            adjusted += u32::from(!padded.is_multiple_of(1 << 15));
        }
        assert!(adjusted > 0, "some multiple cannot be sealed");
        assert_eq!(padded_length(64 << 20), (64 << 20) + 8);
        assert_eq!(padded_length(256 << 20), 256 << 20);
    }
}
