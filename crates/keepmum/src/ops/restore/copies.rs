//! Names of the copies that a restore puts beside newer files: `NAME.restored-ID`, and with a number
//! behind it where one of that name was worked on.
//!
//! A copy must never be overwritten and never be deleted by a restore: somebody asked for it.

use crate::model::TreePath;

/// Most copies of one file from one snapshot.
pub(super) const COPIES: u32 = 100;

const MARK: &[u8] = b".restored-";
/// Digits of the snapshot's id.
const DIGITS: usize = 8;

/// The path of a copy, by the snapshot's id and a number from 1 on.
pub(super) fn copy_of(path: &TreePath, id: &str, number: u32) -> Vec<u8> {
    let digits = id.as_bytes().iter().take(DIGITS).copied().collect();
    let number = match number {
        1 => Vec::new(),
        number => format!("-{number}").into_bytes(),
    };
    [path.as_bytes().to_vec(), MARK.to_vec(), digits, number].concat()
}

/// Whether a path is that of a copy.
pub(super) fn is_copy(path: &TreePath) -> bool {
    let name = path.split().map_or(path.as_bytes().to_vec(), |(_, name)| name.as_bytes().to_vec());
    let mut ends = name.windows(MARK.len()).enumerate().filter(|(_, bytes)| *bytes == MARK);
    let Some((at, _)) = ends.next_back() else { return false };
    let (digits, number) = match name[at + MARK.len()..].split_at_checked(DIGITS) {
        Some(split) => split,
        None => return false,
    };
    let is_number = match number {
        [] => true,
        [b'-', number @ ..] => !number.is_empty() && number.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    at > 0 && is_number && digits.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::{copy_of, is_copy};
    use crate::model::TreePath;

    #[test]
    fn copies_are_known_by_their_names() {
        let path = TreePath::new(b"a/letter.txt").unwrap();
        for (number, name) in
            [(1, "a/letter.txt.restored-0a1b2c3d"), (7, "a/letter.txt.restored-0a1b2c3d-7")]
        {
            let copy = copy_of(&path, "0a1b2c3d4e5f", number);
            assert_eq!(copy, name.as_bytes());
            assert!(is_copy(&TreePath::new(&copy).unwrap()));
        }
        for other in [
            "letter.txt",
            "x.restored-",
            "x.restored-0a1b2c3",
            "x.restored-0a1b2c3g",
            "x.restored-0a1b2c3d-",
            "x.restored-0a1b2c3d-x",
            "x.restored-0a1b2c3d.txt",
            ".restored-0a1b2c3d",
        ] {
            assert!(!is_copy(&TreePath::new(other.as_bytes()).unwrap()), "{other}");
        }
    }
}
