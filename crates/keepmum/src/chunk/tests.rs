//! Cuts are compared with a slow formulation written straight from the definition, frozen as
//! constants, and checked against their purpose.

use super::{Chunker, Cutter, Parameters, WINDOW};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use std::time::Instant;

const KEY: [u8; 32] = *b"a chunker key, only for testing!";

/// Pseudo-random bytes, the same for ever.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut output = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    output.fill(&mut bytes);
    bytes
}

fn parameters(average: u32) -> Parameters {
    Parameters::new(average).unwrap()
}

fn chunker(average: u32) -> Chunker {
    Chunker::new(parameters(average), &KEY)
}

/// The ends of all chunks of an extent, one `next_cut` after the other.
fn cuts(chunker: &Chunker, data: &[u8]) -> Vec<u64> {
    let mut cuts = Vec::new();
    let mut start = 0;
    while start < data.len() {
        start += chunker.next_cut(&data[start..]);
        cuts.push(start as u64);
    }
    cuts
}

/// The same by marks, in pieces of the given lengths, which repeat.
fn cuts_by_marks(chunker: &Chunker, data: &[u8], pieces: &[usize]) -> Vec<u64> {
    let mut cutter = Cutter::new(chunker.parameters());
    let (mut cuts, mut marks, mut start) = (Vec::new(), Vec::new(), 0);
    for length in pieces.iter().cycle() {
        let end = data.len().min(start + length);
        marks.clear();
        chunker.marks(&data[..start], &data[start..end], &mut marks);
        let least = chunker.parameters().minimum() as u32;
        assert!(marks.windows(2).all(|two| two[1] - two[0] >= least));
        let bytes = &data[start.saturating_sub(WINDOW - 1)..end];
        cutter.marked(chunker, (bytes, end - start), start as u64, &marks, &mut cuts);
        start = end;
        if start == data.len() {
            break;
        }
    }
    cutter.finish(data.len() as u64, &mut cuts);
    cuts
}

/// All offsets in `data` before which a cut may be made.
fn candidates(chunker: &Chunker, before: &[u8], data: &[u8]) -> Vec<u32> {
    let mut found = Vec::new();
    chunker.scan_after(before, data, &mut |end| {
        found.push(end as u32);
        true
    });
    found
}

/// The definition in `prf.rs`, one window at a time and without any rolling.
fn candidates_by_definition(average: u32, data: &[u8]) -> Vec<u32> {
    use aes::cipher::{BlockCipherEncrypt, KeyInit};
    let threshold = (1u128 << 64) / u128::from(average - average / 4);
    let mut derived = [0; 16 + 4096];
    let mut hasher = blake3::Hasher::new_derive_key("keepmum v0 prf chunker");
    hasher.update(&KEY).finalize_xof().fill(&mut derived);
    let word = |byte: u8, half: usize| {
        let at = 16 + usize::from(byte) * 16 + half * 8;
        u128::from(u64::from_le_bytes(*derived[at..].first_chunk().unwrap()))
    };
    let aes = aes::Aes128::new(derived[..16].try_into().unwrap());
    // Every power of x separately, with a division by the polynomial at each step.
    let times_x =
        |word: u128| if word >> 63 == 0 { word << 1 } else { (word << 1) ^ (1 << 64) ^ 0x1b };
    let value = |window: &[u8]| {
        let mut hashes = [0; 2];
        for (power, byte) in window.iter().rev().enumerate() {
            for (half, hash) in hashes.iter_mut().enumerate() {
                *hash ^= (0..power).fold(word(*byte, half), |entry, _| times_x(entry));
            }
        }
        let mut block = (hashes[0] | hashes[1] << 64).to_le_bytes().into();
        aes.encrypt_block(&mut block);
        u64::from_le_bytes(*block.first_chunk().unwrap())
    };
    let mut found = Vec::new();
    for (index, window) in data.windows(WINDOW).enumerate() {
        if u128::from(value(window)) < threshold {
            found.push((index + WINDOW) as u32);
        }
    }
    found
}

#[test]
fn candidates_follow_the_definition() {
    let data = noise(1, 200_000);
    let found = candidates(&chunker(16 << 10), &[], &data);
    assert!(found.len() > 8, "{} candidates", found.len());
    assert_eq!(found, candidates_by_definition(16 << 10, &data));
}

#[test]
fn repeated_bytes_follow_the_definition() {
    // Many equal windows.
    for (seed, byte) in [0, 255].into_iter().enumerate() {
        let mut data = vec![byte; 3_000];
        data.extend(noise(seed as u64, 70_000));
        data.extend(vec![byte; 3_000]);
        let found = candidates(&chunker(16 << 10), &[], &data);
        assert_eq!(found, candidates_by_definition(16 << 10, &data));
    }
}

/// The values were computed by an independent implementation in another language.
#[test]
fn cuts_are_frozen() {
    let data = noise(7, 1 << 20);
    let expected = vec![
        38282, 72350, 162354, 201223, 222667, 281913, 423108, 536964, 605784, 708373, 770378,
        819332, 861425, 892063, 932584, 956165, 997131, 1033654, 1048576,
    ];
    assert_eq!(cuts(&chunker(64 << 10), &data), expected);
}

#[test]
fn chunks_keep_their_bounds_and_average() {
    let data = noise(3, 24 << 20);
    let chunker = chunker(64 << 10);
    let cuts = cuts(&chunker, &data);
    assert_eq!(cuts.last(), Some(&(data.len() as u64)));
    let mut start = 0;
    for (place, cut) in cuts.iter().enumerate() {
        let size = cut - start;
        assert!(size <= 256 << 10);
        assert!(size >= 16 << 10 || place + 1 == cuts.len());
        start = *cut;
    }
    let mean = data.len() / cuts.len();
    assert!((57_000..71_000).contains(&mean), "{mean}");
}

#[test]
fn small_data_is_one_chunk() {
    let chunker = chunker(64 << 10);
    for length in [0, 1, 63, 64, 65, 16_383, 16_384] {
        assert_eq!(chunker.next_cut(&noise(5, length)), length);
    }
    assert!(cuts_by_marks(&chunker, &[], &[1]).is_empty());
}

#[test]
fn zeros_are_cut_at_one_size() {
    let data = vec![0; 3 << 20];
    let chunker = chunker(64 << 10);
    let cuts = cuts(&chunker, &data);
    let size = cuts[0];
    assert!(size == 256 << 10 || size == 16 << 10, "{size}");
    assert!(cuts.iter().zip(1..).all(|(cut, place)| *cut == place * size));
}

#[test]
fn an_insertion_moves_only_the_cuts_near_it() {
    let data = noise(11, 4 << 20);
    let mut longer = data.clone();
    longer.splice(1_000_000..1_000_000, *b"hello");
    let chunker = chunker(64 << 10);
    let (old, new) = (cuts(&chunker, &data), cuts(&chunker, &longer));
    let in_new = |cut: &u64| if *cut < 1_000_000 { *cut } else { *cut + 5 };
    let moved = old.iter().filter(|cut| !new.contains(&in_new(cut))).count();
    assert!(moved <= 8, "{moved} of {} moved", old.len());
    assert!(old.iter().zip(&new).take_while(|(a, b)| a == b).count() > 5);
}

#[test]
fn another_key_cuts_elsewhere() {
    let data = noise(13, 2 << 20);
    let parameters = parameters(64 << 10);
    let other = cuts(&Chunker::new(parameters, &[1; 32]), &data);
    let ours = cuts(&Chunker::new(parameters, &KEY), &data);
    assert_eq!(other.iter().filter(|cut| ours.contains(cut)).count(), 1, "only the end");
}

#[test]
fn averages_outside_the_range_are_refused() {
    for average in [0, 1, 8 << 10, 65_000, (64 << 10) + 1, 2 << 20, u32::MAX] {
        assert!(Parameters::new(average).is_err(), "{average}");
    }
    for power in 14..=20 {
        let parameters = parameters(1 << power);
        assert_eq!(parameters.minimum() * 16, parameters.maximum());
    }
}

/// Data in which noise, repetition and runs follow each other, so that forced cuts, clusters of
/// candidates and the least size all occur.
fn mixture(seed: u64, parts: Vec<(u8, usize)>) -> Vec<u8> {
    let mut data = Vec::new();
    for (part, (kind, length)) in parts.into_iter().enumerate() {
        match kind {
            0 => data.extend(noise(seed.wrapping_add(part as u64), length)),
            1 => data.resize(data.len() + length, seed as u8),
            _ => data.extend(noise(seed, 777).into_iter().cycle().take(length)),
        }
    }
    data
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Short pieces let every mark be wrong: each of them begins without knowing a cut.
    #[test]
    fn cuts_by_marks_are_the_same_for_any_pieces(
        seed in any::<u64>(),
        parts in proptest::collection::vec((0u8..3, 1usize..150_000), 1..6),
        pieces in proptest::collection::vec(1usize..60_000, 1..8),
    ) {
        let data = mixture(seed, parts);
        let chunker = chunker(16 << 10);
        let expected = cuts(&chunker, &data);
        prop_assert_eq!(&cuts_by_marks(&chunker, &data, &pieces), &expected);
        prop_assert_eq!(&cuts_by_marks(&chunker, &data, &[usize::MAX / 2]), &expected);
    }

    #[test]
    fn pieces_of_any_length_give_the_same_candidates(
        seed in any::<u64>(),
        pieces in proptest::collection::vec(1usize..3_000, 1..30),
    ) {
        let data = noise(seed, pieces.iter().sum());
        let chunker = chunker(16 << 10);
        let whole = candidates(&chunker, &[], &data);
        let (mut joined, mut start) = (Vec::new(), 0);
        for piece in pieces {
            let found = candidates(&chunker, &data[..start], &data[start..start + piece]);
            joined.extend(found.iter().map(|offset| offset + start as u32));
            start += piece;
        }
        prop_assert_eq!(whole, joined);
    }
}

/// Figures, not a test: `cargo test --release -p keepmum chunking_speed -- --ignored --nocapture`.
#[test]
#[ignore = "measures speed"]
fn chunking_speed() {
    let data = noise(1, 64 << 20);
    for average in [64 << 10, 1 << 20] {
        let chunker = chunker(average);
        for _ in 0..3 {
            let begin = Instant::now();
            let count = cuts(&chunker, &data).len();
            let cutting = begin.elapsed();
            let begin = Instant::now();
            let mut found = candidates(&chunker, &[], &data);
            let scanning = begin.elapsed();
            let begin = Instant::now();
            found.clear();
            chunker.marks(&[], &data, &mut found);
            let rate = |time: std::time::Duration| data.len() as f64 / time.as_secs_f64() / 1e9;
            println!(
                "{average}: next_cut {:.2} GB/s ({count} chunks), scan {:.2} GB/s, \
                 marks {:.2} GB/s",
                rate(cutting),
                rate(scanning),
                rate(begin.elapsed())
            );
        }
    }
}
