//! An access control list as text, as GNU tar keeps it: `user::rw-,user:7:r--,group::r--,…`.

/// The beginning of the kernel's form.
const VERSION: u32 = 2;
const ENTRY: usize = 8;

/// The text of a list in the kernel's form; nothing if it is malformed.
pub(super) fn text(value: &[u8]) -> Option<String> {
    let (version, entries) = value.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != VERSION || entries.len() % ENTRY != 0 {
        return None;
    }
    let parts: Option<Vec<String>> = entries.chunks_exact(ENTRY).map(entry).collect();
    Some(parts?.join(","))
}

fn entry(bytes: &[u8]) -> Option<String> {
    let tag = u16::from_le_bytes(*bytes.first_chunk()?);
    let permissions = u16::from_le_bytes([*bytes.get(2)?, *bytes.get(3)?]);
    let id = u32::from_le_bytes(*bytes.last_chunk()?);
    let who = match tag {
        0x01 => "user:".to_owned(),
        0x02 => format!("user:{id}"),
        0x04 => "group:".to_owned(),
        0x08 => format!("group:{id}"),
        0x10 => "mask:".to_owned(),
        0x20 => "other:".to_owned(),
        _ => return None,
    };
    let letter = |bit, letter| if permissions & bit == 0 { '-' } else { letter };
    Some(format!("{who}:{}{}{}", letter(4, 'r'), letter(2, 'w'), letter(1, 'x')))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_list_becomes_text_and_nonsense_does_not() {
        let entry = |tag: u16, permissions: u16, id: u32| {
            [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        let none = u32::MAX;
        let list = [
            2_u32.to_le_bytes().to_vec(),
            entry(1, 6, none),
            entry(2, 4, 7),
            entry(4, 5, none),
            entry(8, 1, 100_000),
            entry(0x10, 7, none),
            entry(0x20, 0, none),
        ]
        .concat();
        let expected = "user::rw-,user:7:r--,group::r-x,group:100000:--x,mask::rwx,other::---";
        assert_eq!(text(&list).unwrap(), expected);
        for wrong in [&list[..10], &[], &[1, 0, 0, 0], &[list.clone(), entry(3, 0, 0)].concat()] {
            assert_eq!(text(wrong), None);
        }
    }
}
