//! Sizes as people type them.

use keepmum::ops::Deletions;

/// Bytes from `500M`, `2 GiB` or `1000`; units are powers of 1,024.
pub(crate) fn bytes(typed: &str) -> Option<u64> {
    let digits = typed.len() - typed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = typed.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().trim_end_matches("ib") {
        "" | "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// Reads how many files may be gone.
pub(crate) fn deletions(text: &str) -> Result<Deletions, String> {
    match text {
        "all" => Ok(Deletions::All),
        _ => text
            .parse()
            .map(Deletions::AtMost)
            .map_err(|_| "it is a number of files, such as 200".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn units_are_powers_of_1024() {
        assert_eq!(bytes("1000"), Some(1000));
        assert_eq!(bytes("3k"), Some(3072));
        assert_eq!(bytes("2 GiB"), Some(2 << 30));
        for wrong in ["", "M", "-1", "1.5M", "1X", "99999999999T"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
