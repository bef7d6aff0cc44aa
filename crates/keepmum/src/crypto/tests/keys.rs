//! Frozen values of the key schedule, names, hashes and slots.
//!
//! The constants were computed by an independent implementation in another language; a change
//! here is a change of the format.

use super::{counting, hex, to_hex};
use crate::crypto::{
    AgreementKey, CiphertextHasher, EpochKey, RepositoryKeys, Secret, ciphertext_hash,
    key_block_mask, key_block_name, mark, mark_key, open_name, record_hash, seal_name,
};

fn keys() -> RepositoryKeys {
    RepositoryKeys::derive(&counting(0))
}

fn name_plain() -> [u8; 40] {
    *counting::<40>(200).expose()
}

#[test]
fn key_schedule_is_frozen() {
    let keys = keys();
    assert_eq!(
        to_hex(keys.chunker()),
        "abe6351abd84669a74d6fc2830834b9efc557ac2bd102b6043b9236239ce926e"
    );
    assert_eq!(
        to_hex(keys.padding()),
        "4924b4a85968de3effdf7f43aa71479a4ca91afa178d6dd3c09526b610a85149"
    );
    assert_eq!(
        to_hex(&keys.piece_id(0, b"a chunk")),
        "aa28622d05cf9967e646e547053619dda2760146cdc1c4d5c316bd8f989be8e7"
    );
    assert_eq!(
        to_hex(&keys.piece_id(1, b"a chunk")),
        "4b90d211c7547bad9b222fada6965ef2a3b3f2c8eecdf79704323122ab2a6630"
    );
    assert_eq!(to_hex(&keys.token("machine", b"abc")), "039947fc5b2c843b12bb91053cc23a5a");
    assert_eq!(
        to_hex(EpochKey::derive(&counting(32)).object().expose()),
        "5ee143e929e2c04856cdf903477d4bbb082c6e0bc6802735c27ff3fafc522afe"
    );
}

#[test]
fn token_labels_do_not_run_into_the_bytes() {
    let keys = keys();
    assert_ne!(keys.token("a", b"bc"), keys.token("ab", b"c"));
    assert_ne!(keys.token("", b"abc"), keys.token("abc", b""));
}

#[test]
fn names_are_frozen_and_open() {
    let sealed = seal_name(&keys(), &name_plain());
    assert_eq!(
        to_hex(&sealed),
        "837da5b059ba56e4cabccb74e05897a848e37f850a7871bade8834c8d79a9c0107084b2774889f1dca1a1aec3857354340fb7369a239b50f"
    );
    assert_eq!(open_name(&keys(), &sealed), Some(name_plain()));
}

#[test]
fn foreign_and_damaged_names_do_not_open() {
    let sealed = seal_name(&keys(), &name_plain());
    for at in 0..sealed.len() {
        let mut damaged = sealed;
        damaged[at] ^= 4;
        assert_eq!(open_name(&keys(), &damaged), None, "byte {at}");
    }
    assert_eq!(open_name(&RepositoryKeys::derive(&counting(1)), &sealed), None);
}

#[test]
fn hashes_are_frozen() {
    assert_eq!(to_hex(&ciphertext_hash(b"abc")), "6437b3ac38465133ffb63b75273a8db5");
    assert_eq!(
        to_hex(&record_hash(b"abc")),
        "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
    );
    assert_eq!(
        to_hex(&key_block_name(2, b"abc")),
        "a327648e35eedeef6060793ef1c56f7f9a560f52976e297b5ab9b850a209a0108128bebee5e7fa7efba34adba7fbb6cbee1ddd73a70edd81"
    );
    assert_ne!(key_block_name(0, b"abc"), key_block_name(1, b"abc"));
    let mut pieces = CiphertextHasher::new();
    pieces.update(b"a");
    pieces.update(b"bc");
    assert_eq!(pieces.finish(), ciphertext_hash(b"abc"));
}

#[test]
fn a_slot_opens_with_its_key_under_its_number_and_whole() {
    let (own, other) = (AgreementKey::of_slot(&counting(50)), AgreementKey::of_slot(&counting(51)));
    let block = AgreementKey::of_block(&[1; 32], &[2; 32], &[]);
    let slot = block.seal_slot(&own.public_key(), 3, &[1; 40]).unwrap();
    let agreed = own.with_block(&block.public_key());
    assert_eq!(agreed.open_slot(3, &slot).unwrap().expose(), &[1; 40]);
    assert!(other.with_block(&block.public_key()).open_slot(3, &slot).is_none());
    assert!(own.with_block(&other.public_key()).open_slot(3, &slot).is_none());
    assert!(agreed.open_slot(4, &slot).is_none());
    assert!(agreed.open_slot(3, &slot[..87]).is_none());
    assert!(agreed.open_slot(3, &[&slot[..], &[0]].concat()).is_none());
    for at in 0..slot.len() {
        let mut damaged = slot;
        damaged[at] ^= 128;
        assert!(agreed.open_slot(3, &damaged).is_none(), "byte {at}");
    }
}

/// A point of small order would agree on the same with everybody.
#[test]
fn an_invalid_public_key_opens_and_seals_nothing() {
    let own = AgreementKey::of_slot(&counting(50));
    let mut one = [0; 32];
    one[0] = 1;
    for none in [[0; 32], one] {
        assert!(own.seal_slot(&none, 0, &[1; 40]).is_none());
        assert!(own.with_block(&none).open_slot(0, &[7; 88]).is_none());
    }
}

#[test]
fn blocks_share_no_key_unless_all_they_are_made_of_is_the_same() {
    let of = |random, circumstances, content: &[&[u8]]| {
        AgreementKey::of_block(&[random; 32], &[circumstances; 32], content).public_key()
    };
    let all = [of(1, 1, &[b"a"]), of(2, 1, &[b"a"]), of(1, 2, &[b"a"]), of(1, 1, &[b"b"])];
    for (at, key) in all.iter().enumerate() {
        assert!(all[..at].iter().all(|other| other != key), "{at}");
    }
    assert_eq!(all[0], of(1, 1, &[b"a"]));
}

#[test]
fn masks_and_marks_depend_on_all_they_are_made_of() {
    assert_ne!(key_block_mask(&[1; 56]), key_block_mask(&[2; 56]));
    let (a, b) = (mark_key(&counting(1)), mark_key(&counting(2)));
    assert_ne!(a.expose(), b.expose());
    assert_ne!(mark(a.expose(), &[1; 32]), mark(a.expose(), &[2; 32]));
    assert_ne!(mark(a.expose(), &[1; 32]), mark(b.expose(), &[1; 32]));
}

#[test]
fn secrets_take_their_exact_length_only() {
    assert!(Secret::<4>::from_slice(&hex("01020304")).is_some());
    assert!(Secret::<4>::from_slice(&hex("010203")).is_none());
    assert!(Secret::<4>::from_slice(&hex("0102030405")).is_none());
}

/// Figures, not a test.
#[test]
#[ignore = "measures speed"]
fn listing_speed() {
    let keys = keys();
    let sealed = seal_name(&keys, &name_plain());
    let begin = std::time::Instant::now();
    for _ in 0..100_000 {
        assert!(open_name(&keys, std::hint::black_box(&sealed)).is_some());
    }
    println!("100,000 names opened in {:?}", begin.elapsed());
}
