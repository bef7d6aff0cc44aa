//! Sealing and opening beyond the published vectors.

use super::counting;
use crate::crypto::seal::OpenError;
use crate::crypto::seal_layout::{SEGMENT, SegmentSpan, TAG, plain_length, segment_span};
use crate::crypto::{HEADER, Opener, SALT, Sealer, Secret, open, seal, sealed_length};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

const CONTEXT: &[u8] = b"context";

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 / 7) as u8).collect()
}

fn sealed(plain: &[u8]) -> Vec<u8> {
    seal(&counting(1), [9; SALT], CONTEXT, plain)
}

fn opened(sealed: Vec<u8>) -> Result<Vec<u8>, OpenError> {
    open(&counting::<32>(1), CONTEXT, sealed)
}

#[test]
fn lengths_follow_the_specification() {
    for (plain, length) in [(0, 72), (1, 73), (16_383, 16_455), (16_384, 16_472), (20_480, 20_568)]
    {
        assert_eq!(sealed_length(plain), length);
        assert_eq!(plain_length(length), Some(plain));
    }
    for impossible in [0, 55, 56, 71, 16_456, 16_471, u64::MAX] {
        assert_eq!(plain_length(impossible), None, "{impossible}");
    }
    let largest = (1u64 << 52) - 1;
    assert_eq!(plain_length(sealed_length(largest)), Some(largest));
    assert_eq!(plain_length(sealed_length(largest + 1)), None);
    assert_eq!(sealed_length(u64::MAX), u64::MAX);
}

#[test]
fn every_length_around_the_edges_comes_back() {
    for length in [0, 1, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 100_000] {
        let plain = content(length);
        let object = sealed(&plain);
        assert_eq!(object.len() as u64, sealed_length(length as u64));
        assert!(opened(object).unwrap() == plain, "{length}");
    }
}

#[test]
fn content_that_comes_in_pieces_is_sealed_to_the_same_bytes() {
    for length in [0, 1, 16_383, 16_384, 16_385, 50_000, 65_536] {
        let plain = content(length);
        for piece in [1, 777, 16_383, 16_384, 16_385, 40_000] {
            let mut out = b"before".to_vec();
            let mut sealer = Sealer::new(&counting(1), [9; SALT], CONTEXT, &mut out);
            for piece in plain.chunks(piece) {
                sealer.push(piece, &mut out);
            }
            sealer.finish(&mut out);
            assert!(out[6..] == sealed(&plain), "{length} in pieces of {piece}");
        }
    }
}

#[test]
fn only_sealed_bytes_leave_and_they_leave_at_once() {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(&counting(1), [9; SALT], CONTEXT, &mut out);
    let plain = content(2 * SEGMENT + 10);
    let whole = sealed(&plain);
    sealer.push(&plain[..SEGMENT - 1], &mut out);
    assert!(out == whole[..HEADER]);
    sealer.push(&plain[SEGMENT - 1..], &mut out);
    assert!(out == whole[..HEADER + 2 * (SEGMENT + TAG)]);
}

#[test]
fn any_flipped_bit_is_found() {
    let object = sealed(&content(SEGMENT + 100));
    for at in (0..object.len()).step_by(97).chain(0..HEADER) {
        let mut damaged = object.clone();
        damaged[at] ^= 1 << (at % 8);
        let expected = if at < HEADER { OpenError::Commitment } else { OpenError::Authentication };
        assert_eq!(opened(damaged), Err(expected), "byte {at}");
    }
}

#[test]
fn any_shortened_or_grown_object_is_found() {
    let object = sealed(&content(SEGMENT + 20));
    for length in 0..object.len() {
        assert!(opened(object[..length].to_vec()).is_err(), "cut to {length}");
    }
    for more in [1, TAG, SEGMENT - 20, SEGMENT, SEGMENT + TAG] {
        let mut grown = object.clone();
        grown.resize(object.len() + more, 0);
        assert!(opened(grown).is_err(), "grown by {more}");
    }
}

#[test]
fn key_context_and_position_are_bound() {
    let object = sealed(&content(3 * SEGMENT));
    let commitment = Err(OpenError::Commitment);
    assert_eq!(open(&counting::<32>(2), CONTEXT, object.clone()), commitment);
    assert_eq!(open(&counting::<32>(1), b"other", object.clone()), commitment);
    let opener = Opener::new(&counting(1), &object, object.len() as u64, CONTEXT).unwrap();
    let second = &object[HEADER + SEGMENT + TAG..][..SEGMENT + TAG];
    assert!(opener.open_segments(1, &mut second.to_vec()).is_ok());
    let mut wrong = second.to_vec();
    assert_eq!(opener.open_segments(0, &mut wrong), Err(OpenError::Authentication));
    assert!(wrong.is_empty(), "nothing unauthenticated is handed out");
}

#[test]
fn only_whole_segments_of_this_object_are_taken() {
    let object = sealed(&content(2 * SEGMENT + 5));
    let opener = Opener::new(&counting(1), &object, object.len() as u64, CONTEXT).unwrap();
    let all = &object[HEADER..];
    for (first, run) in [
        (0, &all[..SEGMENT]),
        (0, &all[..SEGMENT + TAG + 1]),
        (1, all),
        (2, &all[..SEGMENT + TAG]),
        (2, &all[2 * (SEGMENT + TAG)..][..TAG + 4]),
        (3, &all[..0]),
        (u64::MAX, &all[..TAG]),
    ] {
        let outcome = opener.open_segments(first, &mut run.to_vec());
        assert_eq!(outcome, Err(OpenError::BadLength), "{} bytes from {first}", run.len());
    }
}

#[test]
fn a_false_length_does_not_pass_for_the_true_one() {
    let object = sealed(&content(2 * SEGMENT + 5));
    // An object cut after its first segment, announced with a length that would make it whole.
    let claimed = sealed_length(SEGMENT as u64 - 1);
    let opener = Opener::new(&counting(1), &object, claimed, CONTEXT).unwrap();
    let mut run = object[HEADER..claimed as usize].to_vec();
    assert_eq!(opener.open_segments(0, &mut run), Err(OpenError::Authentication));
}

#[test]
fn spans_are_refused_beyond_the_end() {
    let sealed = sealed_length(40_000);
    let span = segment_span(sealed, 16_384..16_384).unwrap();
    assert_eq!(span, SegmentSpan { first: 1, sealed: 16_456..32_856, skip: 0 });
    assert!(segment_span(sealed, 40_000..40_000).is_some());
    assert!(segment_span(sealed, 0..40_001).is_none());
    let (start, end) = (2, 1);
    assert!(segment_span(sealed, start..end).is_none());
    assert!(segment_span(71, 0..0).is_none());
    let exact = segment_span(sealed_length(32_768), 32_768..32_768).unwrap();
    assert_eq!((exact.first, exact.sealed), (2, 32_856..32_872));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn ranges_open_like_the_whole(
        key in any::<[u8; 32]>(),
        salt in any::<[u8; 24]>(),
        length in 0usize..70_000,
        from in 0.0f64..1.0,
        to in 0.0f64..1.0,
    ) {
        let plain = content(length);
        let key = Secret::new(key);
        let object = seal(&key, salt, b"", &plain);
        prop_assert_eq!(plain_length(object.len() as u64), Some(length as u64));
        let start = (from * length as f64) as usize;
        let end = start + (to * (length - start) as f64) as usize;
        let opener = Opener::new(&key, &object[..HEADER], object.len() as u64, b"").unwrap();
        let span = opener.segments_for(start as u64..end as u64).unwrap();
        let mut part = object[span.sealed.start as usize..span.sealed.end as usize].to_vec();
        opener.open_segments(span.first, &mut part).unwrap();
        prop_assert!(part[span.skip as usize..][..end - start] == plain[start..end]);
        prop_assert!(open(&key, b"", object).unwrap() == plain);
    }
}

/// Figures, not a test: `cargo test --release -p keepmum -- --ignored --nocapture sealing_speed`.
#[test]
#[ignore = "measures speed"]
fn sealing_speed() {
    let plain = content(16 << 20);
    let key = counting::<32>(1);
    for _ in 0..8 {
        let begin = std::time::Instant::now();
        let sealed = seal(&key, [1; SALT], b"", &plain);
        let done = begin.elapsed();
        let begin = std::time::Instant::now();
        assert!(open(&key, b"", sealed).is_ok());
        let rate = |time: std::time::Duration| plain.len() as f64 / time.as_secs_f64() / 1e9;
        println!("seal {:.2}, open {:.2} GB/s", rate(done), rate(begin.elapsed()));
    }
}
