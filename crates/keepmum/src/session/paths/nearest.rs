//! How near a name is to one that was typed.

use unicode_normalization::UnicodeNormalization;

/// Longer names are compared by their case only.
const LONGEST: usize = 255;
/// Most letters that are wrong, missing or too many.
const MOST: usize = 3;

/// How near two names are: the smaller the nearer; nothing if they are not near. Names that differ
/// only in case, or in how accents are written, are the nearest.
pub(super) fn distance(typed: &[u8], name: &[u8]) -> Option<usize> {
    let (typed, name) = (String::from_utf8_lossy(typed), String::from_utf8_lossy(name));
    let folded = |text: &str| text.nfc().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (typed, name) = (folded(&typed), folded(&name));
    if typed == name {
        return Some(0);
    }
    let most = MOST.min((typed.len() + 1) / 3);
    let apart = typed.len().abs_diff(name.len());
    if apart > most || typed.len() > LONGEST || name.len() > LONGEST {
        return None;
    }
    Some(edits(&typed, &name)).filter(|edits| *edits <= most)
}

/// Letters to be changed, put in, taken out or exchanged with their neighbour.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, letter) in a.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let changed = last[column] + usize::from(letter != other);
            let mut best = changed.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && a[row - 1] == *other && *letter == b[column - 1] {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn case_and_accents_come_before_letters() {
        let near = [
            ("documents", "Documents", 0),
            ("ÜBER", "über", 0),
            ("über", "u\u{308}ber", 0),
            ("Docments", "Documents", 1),
            ("Documnets", "documents", 1),
            ("Dokumente", "Documents", 2),
            ("lettr.odt", "letter.odt", 1),
        ];
        for (typed, name, expected) in near {
            assert_eq!(distance(typed.as_bytes(), name.as_bytes()), Some(expected), "{typed}");
        }
        for (typed, name) in [("a", "b"), ("cat", "dog"), ("photos", "music"), ("", "a")] {
            assert_eq!(distance(typed.as_bytes(), name.as_bytes()), None, "{typed}");
        }
        assert_eq!(distance(b"caf\xff", b"caf\xfe"), Some(0), "neither is text");
        assert_eq!(distance(&[b'a'; 1000], &[b'b'; 1000]), None);
        assert_eq!(distance(&[b'a'; 1000], &[b'A'; 1000]), Some(0));
    }
}
