//! The output equals the input, and nothing else appears.

use super::decode::CompressError;
use super::{Codec, Compressor, Decompressor, Level, MAX_BLOCK, delta, undelta};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use std::time::Instant;

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut output = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    output.fill(&mut bytes);
    bytes
}

/// Lines of words: compressible about as much as a log file.
fn text(length: usize) -> Vec<u8> {
    let words = ["error", "warning", "backup", "snapshot", "object", "chunk", "the", "of", "\n"];
    let mut bytes = Vec::with_capacity(length + 16);
    for choice in noise(99, length) {
        bytes.extend_from_slice(words[usize::from(choice) % words.len()].as_bytes());
        bytes.push(b' ');
        if bytes.len() >= length {
            break;
        }
    }
    bytes.truncate(length);
    bytes
}

fn compressed(level: Level, plain: &[u8]) -> (Codec, Vec<u8>) {
    let mut out = Vec::new();
    let codec = Compressor::new(level).compress(plain, &mut out);
    (codec, out)
}

fn decompressed(codec: Codec, stored: &[u8], length: usize) -> Result<Vec<u8>, CompressError> {
    let mut out = b"what was there before".to_vec();
    let outcome = Decompressor::new().decompress(codec, stored, length, &mut out);
    assert!(outcome.is_ok() || out.is_empty(), "a failure hands nothing out");
    let handed = Decompressor::new().plain(codec, stored.to_vec(), length);
    assert_eq!(handed, outcome.map(|()| out.clone()));
    outcome.map(|()| out)
}

#[test]
fn text_shrinks_and_comes_back_at_every_level() {
    let plain = text(1 << 20);
    for level in [Level::Fast, Level::Default, Level::High] {
        let (codec, stored) = compressed(level, &plain);
        assert_eq!(codec, Codec::Zstd);
        assert!(stored.len() < plain.len() / 2);
        assert!(decompressed(codec, &stored, plain.len()).unwrap() == plain);
    }
}

#[test]
fn output_is_appended_and_contexts_serve_many_blocks() {
    let mut compressor = Compressor::new(Level::Default);
    let mut decompressor = Decompressor::new();
    let (mut out, mut plain_again, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let blocks = [text(100_000), noise(1, 50_000), Vec::new(), text(3), text(MAX_BLOCK)];
    for block in &blocks {
        let start = out.len();
        let codec = compressor.compress(block, &mut out);
        places.push((codec, start..out.len()));
    }
    for ((codec, place), block) in places.into_iter().zip(&blocks) {
        decompressor.decompress(codec, &out[place], block.len(), &mut plain_again).unwrap();
        assert!(plain_again == *block);
    }
}

#[test]
fn noise_and_small_savings_are_stored() {
    for length in [0, 1, 100, 31_000, 100_000, 1 << 20, MAX_BLOCK] {
        let plain = noise(2, length);
        assert_eq!(compressed(Level::Default, &plain), (Codec::Stored, plain));
    }
    // One per cent of zeros: zstd finds it, but it is not worth while.
    let mut plain = noise(3, 30_000);
    plain[500..800].fill(0);
    assert_eq!(compressed(Level::High, &plain).0, Codec::Stored);
}

#[test]
fn redundancy_at_long_range_is_not_overlooked() {
    let half = noise(4, 300_000);
    let plain = [&half[..], &noise(5, 12_345), &half].concat();
    let (codec, stored) = compressed(Level::Default, &plain);
    assert_eq!(codec, Codec::Zstd);
    assert!(stored.len() < plain.len() * 6 / 10);
}

#[test]
fn skewed_bytes_without_repetition_are_compressed() {
    let plain: Vec<u8> = noise(6, 1 << 20).into_iter().map(|byte| byte & 0x3f).collect();
    let (codec, stored) = compressed(Level::Default, &plain);
    assert_eq!(codec, Codec::Zstd);
    assert!(stored.len() < plain.len() * 8 / 10);
}

#[test]
fn a_frame_must_have_the_length_that_was_asked_for() {
    let plain = text(200_000);
    let (codec, stored) = compressed(Level::Default, &plain);
    for length in [0, 1, plain.len() - 1, plain.len() + 1, MAX_BLOCK] {
        assert_eq!(decompressed(codec, &stored, length), Err(CompressError::Malformed));
        assert_eq!(decompressed(Codec::Stored, &plain, length), Err(CompressError::Malformed));
    }
    for length in [MAX_BLOCK + 1, usize::MAX] {
        assert_eq!(decompressed(codec, &stored, length), Err(CompressError::TooLong(length)));
    }
}

#[test]
fn bombs_write_no_more_than_was_asked_for() {
    // 64 MiB of zeros in some kilobytes.
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    assert!(bomb.len() < 20_000);
    assert_eq!(decompressed(Codec::Zstd, &bomb, 1_000), Err(CompressError::Malformed));
    assert_eq!(decompressed(Codec::Zstd, &bomb, 64 << 20), Err(CompressError::TooLong(64 << 20)));
    // The same with a header that claims less: single segment, content size in four bytes.
    let mut lying = bomb.clone();
    assert_eq!(lying[4] & 0xe0, 0x80, "a window and a content size of four bytes");
    lying[6..10].copy_from_slice(&1_000u32.to_le_bytes());
    assert_eq!(decompressed(Codec::Zstd, &lying, 1_000), Err(CompressError::Malformed));
    // Two frames, each of them right.
    let frame = zstd::bulk::compress(&text(1_000), 3).unwrap();
    let two = [frame.clone(), frame].concat();
    for length in [1_000, 2_000] {
        assert_eq!(decompressed(Codec::Zstd, &two, length), Err(CompressError::Malformed));
    }
}

#[test]
fn cut_frames_fail() {
    let plain = text(5_000);
    let (codec, stored) = compressed(Level::Default, &plain);
    for length in 0..stored.len() {
        assert!(decompressed(codec, &stored[..length], plain.len()).is_err(), "{length}");
    }
    let longer = [&stored[..], &[0]].concat();
    assert!(decompressed(codec, &longer, plain.len()).is_err());
}

#[test]
fn a_delta_is_as_long_as_the_difference_and_needs_its_prefix() {
    for length in [100, 70_000, 1 << 20, MAX_BLOCK] {
        let prefix = noise(7, length);
        let middle = length / 2;
        let plain = [&prefix[..middle], b"forty bytes more", &prefix[middle + 16..]].concat();
        let frame = delta(&prefix, &plain, length).unwrap();
        assert!(frame.len() < 100 + length / 8192, "{} bytes for {length}", frame.len());
        assert!(undelta(&prefix, &frame, length).unwrap() == plain);
        assert!(undelta(&noise(8, length), &frame, length).is_ok_and(|other| other != plain));
        assert_eq!(undelta(&prefix, &frame, length - 1), Err(CompressError::Malformed));
        assert_eq!(delta(&prefix, &plain, 8), None, "longer than was asked for");
    }
}

#[test]
fn a_prefix_that_looks_like_a_dictionary_is_raw_content() {
    let prefix = [&0xec30_a437_u32.to_le_bytes()[..], &noise(9, 5_000)].concat();
    let plain = [&prefix[..], b"and more"].concat();
    let frame = delta(&prefix, &plain, 100).unwrap();
    assert!(undelta(&prefix, &frame, plain.len()).unwrap() == plain);
}

#[test]
fn deltas_write_no_more_than_was_asked_for() {
    let bomb = delta(b"prefix", &vec![0; MAX_BLOCK], 10_000).unwrap();
    assert_eq!(undelta(b"prefix", &bomb, 1_000), Err(CompressError::Malformed));
    let longer = MAX_BLOCK + 1;
    assert_eq!(undelta(b"prefix", &bomb, longer), Err(CompressError::TooLong(longer)));
    assert_eq!(undelta(&vec![0; longer], &bomb, 5), Err(CompressError::TooLong(longer)));
    let two = [bomb.clone(), bomb.clone()].concat();
    assert_eq!(undelta(b"prefix", &two, MAX_BLOCK), Err(CompressError::Malformed));
    for length in 0..bomb.len() {
        assert!(undelta(b"prefix", &bomb[..length], MAX_BLOCK).is_err(), "{length}");
    }
    assert_eq!(delta(b"prefix", &vec![0; longer], 10_000), None);
    assert_eq!(delta(&vec![0; longer], b"plain", 10_000), None);
}

#[test]
fn numbers_of_codecs_are_fixed() {
    for (number, codec) in [(0, Codec::Stored), (1, Codec::Zstd), (2, Codec::Delta)] {
        assert_eq!(Codec::from_u8(number), Some(codec));
        assert_eq!(codec.to_u8(), number);
    }
    assert!((3..=255).all(|number| Codec::from_u8(number).is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_mixture_comes_back(
        parts in proptest::collection::vec((any::<bool>(), 1usize..60_000), 0..6),
    ) {
        let mut plain = Vec::new();
        for (place, (random, length)) in parts.into_iter().enumerate() {
            plain.extend(if random { noise(place as u64, length) } else { text(length) });
        }
        let (codec, stored) = compressed(Level::Fast, &plain);
        prop_assert!(stored.len() <= plain.len());
        prop_assert!(decompressed(codec, &stored, plain.len()).unwrap() == plain);
    }

    #[test]
    fn garbage_never_panics_or_grows(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        length in 0usize..10_000,
    ) {
        let framed = [&[0x28, 0xb5, 0x2f, 0xfd][..], &bytes].concat();
        for candidate in [bytes, framed] {
            if let Ok(plain) = decompressed(Codec::Zstd, &candidate, length) {
                prop_assert_eq!(plain.len(), length);
            }
        }
    }

    #[test]
    fn flipped_bits_never_change_the_length(at in any::<proptest::sample::Index>(), bit in 0u8..8) {
        let plain = text(3_000);
        let (codec, mut stored) = compressed(Level::Default, &plain);
        let place = at.index(stored.len());
        stored[place] ^= 1 << bit;
        if let Ok(other) = decompressed(codec, &stored, plain.len()) {
            prop_assert_eq!(other.len(), plain.len());
        }
    }
}

/// Figures, not a test: `cargo test --release -p keepmum compression_speed -- --ignored --nocapture`.
#[test]
#[ignore = "measures speed"]
fn compression_speed() {
    let inputs = [("text", text(16 << 20)), ("noise", noise(1, 64 << 20))];
    for level in [Level::Fast, Level::Default, Level::High] {
        let mut compressor = Compressor::new(level);
        let mut decompressor = Decompressor::new();
        for (name, plain) in &inputs {
            let (mut out, mut codec) = (Vec::new(), Codec::Stored);
            let mut plain_again = Vec::new();
            let (mut size, mut compressing, mut decompressing) = (0, 0.0, 0.0);
            for block in plain.chunks(1 << 20) {
                out.clear();
                let begin = Instant::now();
                codec = compressor.compress(block, &mut out);
                compressing += begin.elapsed().as_secs_f64();
                let begin = Instant::now();
                decompressor.decompress(codec, &out, block.len(), &mut plain_again).unwrap();
                decompressing += begin.elapsed().as_secs_f64();
                size += out.len();
            }
            let bytes = plain.len() as f64 / 1e9;
            println!(
                "{level:?} {name}: {:.2} GB/s, back {:.2} GB/s, {codec:?} {size} bytes",
                bytes / compressing,
                bytes / decompressing,
            );
        }
    }
}
