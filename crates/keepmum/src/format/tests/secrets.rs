//! Slots and keyrings. Their types cannot be printed, so their bytes are compared.

use zeroize::Zeroizing;

use crate::format::key_block::{
    KEY_BLOCK_LENGTH, KEYRING_LENGTH, KEYRING_OFFSET, SEALED_KEYRING_LENGTH,
};
use crate::format::padding::sealed_length;
use crate::format::{
    FormatError, Keyring, KeyringRepository, Parameters, RemovedSlot, RemovedSlots, SlotContent,
    SlotKind, unite,
};
use crate::model::RepositoryId;

fn repository(id: u8, epochs: &[(u16, u8)]) -> KeyringRepository {
    KeyringRepository {
        secret: Zeroizing::new([id; 32]),
        epochs: epochs.iter().map(|(n, byte)| (*n, Zeroizing::new([*byte; 32]))).collect(),
        parameters: Parameters { chunker: 0, average: 1 << 20, padding: 0 },
        id: RepositoryId([id; 8]),
    }
}

/// Removed slots, each with its generation.
fn removed(slots: &[([u8; 8], u64)]) -> RemovedSlots {
    let slots =
        slots.iter().map(|(id, generation)| RemovedSlot { id: *id, generation: *generation });
    RemovedSlots { forgotten: 0, slots: slots.collect() }
}

/// A keyring with so many repositories of so many epochs each.
pub(super) fn keyring(repositories: u8, epochs: u8) -> Keyring {
    let epochs: Vec<_> = (1..=epochs).map(|n| (u16::from(n), 100 + n)).collect();
    Keyring {
        generation: 7,
        repositories: (1..=repositories).map(|id| repository(id, &epochs)).collect(),
        removed: removed(&[([9; 8], 7), ([3; 8], 7)]),
        slots: None,
    }
}

fn decode_error(bytes: &[u8]) -> FormatError {
    match Keyring::decode(bytes) {
        Ok(_) => panic!("this should be refused"),
        Err(error) => error,
    }
}

#[test]
fn the_parts_of_a_key_block_fill_it() {
    assert_eq!(KEYRING_OFFSET, 2080);
    assert_eq!(SEALED_KEYRING_LENGTH, 2016);
    assert_eq!(KEYRING_OFFSET + SEALED_KEYRING_LENGTH, KEY_BLOCK_LENGTH);
    assert_eq!(sealed_length(KEYRING_LENGTH as u64), SEALED_KEYRING_LENGTH as u64);
}

#[test]
fn slots_round_trip() {
    for (kind, label) in [
        (SlotKind::Password, ""),
        (SlotKind::Recovery, "exactly thirty bytes of label."),
        (SlotKind::Password, "Büro"),
    ] {
        let content = SlotContent {
            block_key: Zeroizing::new([0xab; 32]),
            slot_id: *b"slot  id",
            kind,
            created: 1 << 40,
            label: label.to_owned(),
        };
        let bytes = content.encode();
        let again = SlotContent::decode(&bytes).unwrap();
        assert!(*again.block_key == [0xab; 32] && again.slot_id == *b"slot  id");
        assert_eq!((again.kind, again.created, &again.label[..]), (kind, 1 << 40, label));
        assert!(*again.encode() == *bytes);
    }
}

#[test]
fn a_label_that_is_too_long_is_cut_at_a_character() {
    let content = SlotContent {
        block_key: Zeroizing::new([0; 32]),
        slot_id: [0; 8],
        kind: SlotKind::Password,
        created: 0,
        label: "ä".repeat(14) + "€€",
    };
    assert_eq!(SlotContent::decode(&content.encode()).unwrap().label, "ä".repeat(14));
}

#[test]
fn bad_slots_are_refused() {
    let good = SlotContent {
        block_key: Zeroizing::new([0; 32]),
        slot_id: [0; 8],
        kind: SlotKind::Password,
        created: 0,
        label: "ab".to_owned(),
    }
    .encode();
    assert!(SlotContent::decode(&good).is_ok());
    // An unknown kind, a label too long, bytes after the label, a label that is no text.
    for (at, byte) in [(40, 2), (49, 31), (52, 1), (51, 0xff)] {
        let mut bytes = good.clone();
        bytes[at] = byte;
        assert!(SlotContent::decode(&bytes).is_err(), "{at}");
    }
}

#[test]
fn keyrings_round_trip_and_do_not_overflow() {
    for (repositories, epochs) in [(1, 1), (3, 4), (1, 40)] {
        let encoded = keyring(repositories, epochs).encode().unwrap();
        assert_eq!(encoded.len(), KEYRING_LENGTH);
        let again = Keyring::decode(&encoded).unwrap();
        assert_eq!(again.generation, 7);
        assert_eq!(again.repositories.len(), usize::from(repositories));
        assert_eq!(again.repositories[0].epochs.len(), usize::from(epochs));
        assert_eq!(again.removed, removed(&[([9; 8], 7), ([3; 8], 7)]));
        assert!(again.encode().unwrap() == encoded);
    }
    assert!(matches!(keyring(1, 60).encode(), Err(FormatError::BadLength { bound: 1942, .. })));
}

#[test]
fn bad_keyrings_are_refused() {
    let good = keyring(1, 1).encode().unwrap();
    let change = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        decode_error(&bytes)
    };
    assert_eq!(change(1943, 1), FormatError::BadValue { what: "a keyring" });
    assert!(matches!(change(1, 0xff), FormatError::BadLength { .. }), "longer than there is");
    assert!(matches!(change(4, 0), FormatError::BadValue { .. }), "no generation 0");
    // The map begins after the length; key 0 and generation 7 are its first two bytes.
    assert_eq!(good[2..5], [0xa3, 0, 7]);
    assert!(matches!(change(3, 8), FormatError::Unknown { value: 8, .. }));
    assert!(matches!(decode_error(&good[1..]), FormatError::BadLength { .. }));
    let (repositories, removed) = (Vec::new(), RemovedSlots::default());
    let none = Keyring { generation: 1, repositories, removed, slots: None };
    assert!(Keyring::decode(&none.encode().unwrap()).is_err());
}

#[test]
fn keyrings_of_one_generation_unite_in_either_order() {
    let make =
        |repositories, removed| Keyring { generation: 4, repositories, removed, slots: None };
    // Both know repository 2; both made an epoch 2 of it at once; each knows one more repository.
    let a = || {
        make(
            vec![repository(2, &[(1, 1), (2, 7)]), repository(5, &[(1, 1)])],
            removed(&[([8; 8], 4)]),
        )
    };
    let b = || {
        let mut shared = repository(2, &[(1, 1), (2, 6)]);
        shared.parameters.average = 1 << 18;
        make(vec![shared, repository(3, &[(1, 1)])], removed(&[([1; 8], 2), ([8; 8], 3)]))
    };
    let united = unite(a(), b());
    assert!(united.encode().unwrap() == unite(b(), a()).encode().unwrap());
    assert!(united.encode().unwrap() == unite(unite(a(), b()), a()).encode().unwrap());
    assert_eq!(united.generation, 4);
    assert_eq!(united.removed, removed(&[([1; 8], 2), ([8; 8], 4)]));
    let ids: Vec<_> = united.repositories.iter().map(|r| (r.id.0[0], r.epochs.len())).collect();
    assert_eq!(ids, [(2, 3), (3, 1), (5, 1)]);
    assert_eq!(united.repositories[0].parameters.average, 1 << 18);
    let epochs: Vec<_> = united.repositories[0].epochs.iter().map(|(n, s)| (*n, s[0])).collect();
    assert_eq!(epochs, [(1, 1), (2, 6), (2, 7)]);
}

#[test]
fn removed_slots_are_forgotten_in_the_order_of_their_removal() {
    let mut slots = RemovedSlots::default();
    for generation in 2..=9 {
        slots.add(&[[generation as u8; 8]], generation);
    }
    let mut keyring = keyring(1, 1);
    (keyring.generation, keyring.removed) = (9, slots.clone());
    let again = Keyring::decode(&keyring.encode().unwrap()).unwrap();
    assert_eq!(again.removed, slots);
    assert!(slots.forget_oldest(9) && slots.forget_oldest(9));
    assert_eq!((slots.forgotten, slots.slots.len()), (3, 6));
    assert!(!slots.contains(&[3; 8]) && slots.contains(&[4; 8]));
    // An older list that still names them does not bring them back.
    assert_eq!(slots.united(&again.removed), slots);
    while slots.forget_oldest(9) {}
    assert!(slots.contains(&[9; 8]) && slots.slots.len() == 1, "what is removed now stays");
    (keyring.generation, keyring.removed) = (9, slots.clone());
    assert_eq!(Keyring::decode(&keyring.encode().unwrap()).unwrap().removed, slots);
}
