//! Words and figures: names that cannot play tricks, sizes, durations, plurals.

use std::fmt::Write as _;

/// One line of text for a person: whatever could move the cursor, change colours or turn the
/// direction of writing is shown as an escape.
pub(crate) fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push(&mut shown, character);
    }
    shown
}

/// The same for bytes; those that are not UTF-8 appear as `\xff`.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push(&mut shown, character);
        }
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("writing to a string cannot fail");
        }
    }
    shown
}

fn push(shown: &mut String, character: char) {
    let result = match character {
        '\n' => write!(shown, "\\n"),
        '\t' => write!(shown, "\\t"),
        '\r' => write!(shown, "\\r"),
        '\0'..='\x1f' | '\x7f' => write!(shown, "\\x{:02x}", u32::from(character)),
        character if misleads(character) => write!(shown, "\\u{{{:x}}}", u32::from(character)),
        character => {
            shown.push(character);
            Ok(())
        }
    };
    result.expect("writing to a string cannot fail");
}

/// Second-set controls, line separators, and marks that turn the direction of writing.
fn misleads(character: char) -> bool {
    matches!(
        character,
        '\u{80}'..='\u{9f}'
            | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

/// Digits of an id that are shown: nearly always enough to name it by.
const DIGITS: usize = 8;

/// The beginning of an id.
pub(crate) fn id(id: &str) -> &str {
    id.get(..DIGITS).unwrap_or(id)
}

/// Bytes with two figures or more: `0 B`, `340 KiB`, `1.2 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    // 1023.9 KiB would be rounded to four figures.
    while amount >= 999.5 && unit + 1 < units.len() {
        amount /= 1024.0;
        unit += 1;
    }
    if amount < 9.95 {
        format!("{amount:.1} {}", units[unit])
    } else {
        format!("{amount:.0} {}", units[unit])
    }
}

/// Seconds: `1.4 s`, `12 min 3 s`, `2 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    let whole = seconds.round() as u64;
    if whole < 3600 {
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        format!("{} h {} min", whole / 3600, whole % 3600 / 60)
    }
}

/// A number with its noun: `1 object`, `2 objects`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, duration, line, size};

    #[test]
    fn names_cannot_play_tricks() {
        assert_eq!(line("a b/ü 密 🔑 é \\"), "a b/ü 密 🔑 é \\");
        assert_eq!(line("a\nb\tc\rd"), "a\\nb\\tc\\rd");
        assert_eq!(line("\x1b[31mred\x07\x7f"), "\\x1b[31mred\\x07\\x7f");
        assert_eq!(line("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(line("cod\u{202e}gpj.exe"), "cod\\u{202e}gpj.exe");
        assert_eq!(line("\u{2028}\u{2066}\u{feff}"), "\\u{2028}\\u{2066}\\u{feff}");
        assert_eq!(bytes(b"a\xffb\xc3\n\xe2\x82"), "a\\xffb\\xc3\\n\\xe2\\x82");
        assert_eq!(bytes("grün".as_bytes()), "grün");
    }

    #[test]
    fn no_name_leaves_a_control_character() {
        for code in 0..=0x1_0000_u32 {
            let Some(character) = char::from_u32(code) else { continue };
            assert!(!line(&character.to_string()).chars().any(char::is_control), "{code:x}");
        }
    }

    #[test]
    fn sizes() {
        let table = [
            (0, "0 B"),
            (1, "1 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (348_160, "340 KiB"),
            (1_258_291, "1.2 MiB"),
            (10 * 1024 - 1, "10 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (1023 * 1024, "1.0 MiB"),
            (16 << 20, "16 MiB"),
            (5 << 40, "5.0 TiB"),
            (u64::MAX, "16 EiB"),
        ];
        for (number, expected) in table {
            assert_eq!(size(number), expected, "{number}");
        }
    }

    #[test]
    fn durations_and_counts() {
        let table = [
            (0.0, "0.0 s"),
            (1.44, "1.4 s"),
            (59.94, "59.9 s"),
            (59.96, "1 min 0 s"),
            (723.0, "12 min 3 s"),
            (7_500.0, "2 h 5 min"),
        ];
        for (seconds, expected) in table {
            assert_eq!(duration(seconds), expected);
        }
        assert_eq!(count(1, "object", "objects"), "1 object");
        assert_eq!(count(0, "object", "objects"), "0 objects");
    }
}
