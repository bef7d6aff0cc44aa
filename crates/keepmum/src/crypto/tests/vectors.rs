//! The published vectors of Cobblestone-256 (`tests/vectors/README.md`).

use super::hex;
use crate::crypto::seal::OpenError;
use crate::crypto::seal_layout::plain_length;
use crate::crypto::{HEADER, Opener, SALT, Secret, open, seal};
use ring::digest::{SHA512, digest};
use std::collections::HashMap;

const FILE: &str = include_str!("../../../tests/vectors/cobblestone256.txt");

type Vector = HashMap<&'static str, &'static str>;

fn vectors() -> Vec<Vector> {
    FILE.split("\n\n")
        .skip(1)
        .map(|block| block.lines().map(|line| line.split_once(' ').unwrap_or((line, ""))).collect())
        .collect()
}

/// Pieces of hex, or `XX*N` for N times the byte XX.
fn ciphertext(pieces: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces.split_whitespace() {
        match piece.split_once('*') {
            Some((byte, count)) => {
                bytes.resize(bytes.len() + count.parse::<usize>().unwrap(), hex(byte)[0]);
            }
            None => bytes.extend(hex(piece)),
        }
    }
    bytes
}

#[test]
fn all_published_vectors() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 35);
    let mut opened = 0;
    for vector in vectors {
        let name = vector["comment"];
        let sealed = ciphertext(vector["ct"]);
        let context = hex(vector["ctx"]);
        let key = Secret::<32>::from_slice(&hex(vector["key"]));
        if vector["result"] == "invalid" {
            let failed = key.is_none_or(|key| open(&key, &context, sealed).is_err());
            assert!(failed, "{name} must not open");
            continue;
        }
        let key = key.unwrap();
        let plain = open(&key, &context, sealed.clone()).unwrap();
        assert_eq!(plain.len(), vector["msgLength"].parse::<usize>().unwrap(), "{name}");
        let hash = digest(&SHA512, &plain);
        assert_eq!(hash.as_ref(), hex(vector["msgSha512"]), "{name}");
        let salt = sealed[..SALT].try_into().unwrap();
        let again = seal(&key, salt, &context, &plain);
        assert!(again == sealed, "{name} must seal to the same bytes");
        opened += 1;
    }
    assert_eq!(opened, 10);
}

#[test]
fn the_kind_of_failure_is_told() {
    for vector in vectors().iter().filter(|vector| vector["result"] == "invalid") {
        let Some(key) = Secret::from_slice(&hex(vector["key"])) else {
            assert!(vector["flags"].contains("InvalidKeySize"));
            continue;
        };
        let sealed = ciphertext(vector["ct"]);
        let header = Opener::new(&key, &sealed, sealed.len() as u64, &hex(vector["ctx"]));
        let comment = vector["comment"];
        match (header, vector["flags"].contains("HeaderFailure")) {
            (Err(OpenError::Commitment), true) => assert!(sealed.len() >= HEADER, "{comment}"),
            (Err(OpenError::BadLength), true) => assert!(sealed.len() < HEADER, "{comment}"),
            (Err(OpenError::BadLength), false) => {
                assert!(plain_length(sealed.len() as u64).is_none(), "{comment}");
            }
            (Ok(opener), false) => {
                let outcome = opener.open_segments(0, &mut sealed[HEADER..].to_vec());
                assert_eq!(outcome, Err(OpenError::Authentication), "{comment}");
            }
            (outcome, _) => panic!("{comment}: {:?}", outcome.err()),
        }
    }
}

#[test]
fn a_published_vector_opens_segment_by_segment() {
    let vectors = vectors();
    let vector =
        vectors.iter().find(|vector| vector["comment"].starts_with("256 full chunks")).unwrap();
    let key = Secret::from_slice(&hex(vector["key"])).unwrap();
    let sealed = ciphertext(vector["ct"]);
    let whole = open(&key, b"", sealed.clone()).unwrap();
    let opener = Opener::new(&key, &sealed[..HEADER], sealed.len() as u64, b"").unwrap();
    for start in [0, 16_383, 16_384, 1_000_000, 4_194_303, 4_194_304] {
        let end = (start + 40_000).min(whole.len());
        let span = opener.segments_for(start as u64..end as u64).unwrap();
        let mut part = sealed[span.sealed.start as usize..span.sealed.end as usize].to_vec();
        opener.open_segments(span.first, &mut part).unwrap();
        let skip = span.skip as usize;
        assert!(part[skip..skip + end - start] == whole[start..end]);
    }
}
