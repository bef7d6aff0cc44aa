//! Vectors of keys and of a key block, in `tests/vectors/keys.json`; the reader's tests read the
//! same file with another library.
//!
//! The committed file is authoritative. It is only written again when the environment says
//! `KEEPMUM_WRITE_VECTORS=1`.

use std::io;
use std::sync::Mutex;

use crate::crypto::{
    AgreementKey, EpochKey, Passphrase, Profile, RecoveryCode, RepositoryKeys, Secret,
    key_block_mask, mark, mark_key, password_key, recovery_key, seal_name,
};
use crate::format::{Family, Former, Further, SlotLine};
use crate::seam::Random;
use zeroize::Zeroizing;

use super::super::key_block::{SlotSecret, seal_blocks};
use super::super::key_open::{Unlock, open};
use super::keyring;

const COMMITTED: &str = include_str!("../../../tests/vectors/keys.json");
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/keys.json");

/// Bytes that count up.
fn counting<const N: usize>(start: u8) -> [u8; N] {
    std::array::from_fn(|at| start.wrapping_add(at as u8))
}

fn secret(start: u8) -> Secret<32> {
    Secret::new(counting(start))
}

/// Randomness that is the same each time and never twice.
#[derive(Default)]
struct Drawn(Mutex<u64>);

impl Random for Drawn {
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut count = self.0.lock().unwrap();
        for part in buffer.chunks_mut(32) {
            *count += 1;
            let bytes = crate::crypto::record_hash(&count.to_le_bytes());
            part.copy_from_slice(&bytes[..part.len()]);
        }
        Ok(())
    }
}

fn code() -> RecoveryCode {
    RecoveryCode::new(counting(0))
}

/// The first of the three blocks of an edition that a recovery code opens.
fn block() -> Vec<u8> {
    let salt = counting(0x20);
    let key = SlotSecret::Recovery(&code()).key(&salt, Profile::Standard).unwrap();
    let slot = |id, public_key, kind| SlotLine {
        id: [id; 8],
        public_key,
        kind,
        since: 1,
        created: 1_700_000_000,
        label: "drawer".to_owned(),
        further: Further::default(),
    };
    let other = AgreementKey::of_slot(&secret(0x77)).public_key();
    let slots = vec![slot(0x88, key.public_key(), 1), slot(0x99, other, 0)];
    let mut keyring = keyring(2, 1, &[(2, 20), (1, 10)]);
    keyring.families = vec![Family { salt, slots, further: Further::default() }];
    keyring.former = vec![Former { generation: 1, mark_key: Zeroizing::new([0xaa; 16]) }];
    seal_blocks(&keyring, &secret(0x40), &Drawn::default()).unwrap().remove(0).1
}

fn vectors() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let keys = RepositoryKeys::derive(&secret(0));
    let password = Passphrase::new("Zu\u{308}rich".to_owned());
    let kek = password_key(&password, &counting(0x20), Profile::Standard).unwrap();
    let of_code = recovery_key(&code(), &counting(0x20));
    let slot = AgreementKey::of_slot(&of_code);
    let block_key = AgreementKey::of_slot(&secret(0x60));
    let content: [u8; 40] = counting(0);
    let sealed = block_key.seal_slot(&slot.public_key(), 3, &content).unwrap();
    let mark_key = mark_key(&secret(0x40));
    vec![
        ("chunker key", "of the repository secret 00 01 … 1f", keys.chunker().to_vec()),
        (
            "piece id",
            "of a chunk with the bytes \\\"a chunk\\\" under it",
            keys.piece_id(0, b"a chunk").to_vec(),
        ),
        ("piece id", "of a node with the same bytes", keys.piece_id(1, b"a chunk").to_vec()),
        ("token", "of label machine, bytes abc", keys.token("machine", b"abc").to_vec()),
        ("sealed name", "of the 40 bytes 00 01 … 27", seal_name(&keys, &counting(0)).to_vec()),
        (
            "object key",
            "of the epoch secret 20 21 … 3f",
            EpochKey::derive(&secret(0x20)).object().expose().to_vec(),
        ),
        ("kek", "of the password Zürich (with u and ◌̈), salt 20 21 … 3f", kek.expose().to_vec()),
        ("kek", "of the recovery code 00 01 … 13 with the same salt", of_code.expose().to_vec()),
        ("public key", "of the slot key of that kek", slot.public_key().to_vec()),
        (
            "public key",
            "of the slot key of the kek 60 61 … 7f, which the next one has as ephemeral key",
            block_key.public_key().to_vec(),
        ),
        ("slot", "number 3, block key and id 00 01 … 27, to the first of them", sealed.to_vec()),
        ("mask", "of a sealed keyring that begins with 00 01 … 37", {
            key_block_mask(&counting::<56>(0)).to_vec()
        }),
        ("mark key", "of the block key 40 41 … 5f", mark_key.expose().to_vec()),
        ("mark", "of it in a block with the ephemeral key 80 81 … 9f", {
            mark(mark_key.expose(), &counting(0x80)).to_vec()
        }),
        (
            "key block",
            "salt 20 21 … 3f, block key 40 41 … 5f, opened by the recovery code 00 01 … 13 with slot \
             id 88…; generation 2 after one with mark key aa…; two epochs",
            block(),
        ),
    ]
}

fn document() -> String {
    let line = |(name, about, bytes): &(&str, &str, Vec<u8>)| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("  {{\"name\": \"{name}\", \"value\": \"{about}\", \"bytes\": \"{hex}\"}}")
    };
    let lines: Vec<String> = vectors().iter().map(line).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

#[test]
fn keys_and_key_blocks_are_those_of_the_committed_vectors() {
    let document = document();
    if std::env::var_os("KEEPMUM_WRITE_VECTORS").is_some_and(|value| value == "1") {
        std::fs::write(PATH, &document).unwrap();
        return;
    }
    for (ours, committed) in document.lines().zip(COMMITTED.lines()) {
        assert_eq!(ours, committed);
    }
    assert_eq!(document, COMMITTED);
}

#[test]
fn the_key_block_of_the_vectors_opens() {
    let (name, bytes) = ("a".repeat(90), block());
    let candidate = super::super::Candidate { path: name.clone(), name, bytes };
    let passphrase = code().to_text();
    let unlock = Unlock {
        passphrase: &passphrase,
        profile: Profile::Standard,
        random: &Drawn::default(),
        kept: Vec::new(),
        at_most: None,
        tell: &|_, _| {},
        is_all: &|_| false,
    };
    let opened = open(vec![candidate], unlock).unwrap();
    assert_eq!((opened.keyring.generation, opened.slots().len()), (2, 2));
}
