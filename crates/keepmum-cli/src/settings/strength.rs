//! How long a password holds against somebody who has the files.
//!
//! An estimate that is honest about words, names and dates, not about the number of characters alone.

use keepmum::Passphrase;

/// Below so many bits, a hundred years of guesses, a person is asked whether this is meant. The
/// estimate gives a character drawn at random a little more than three bits, which is too few.
const BITS_ENOUGH: f64 = 46.0;
/// Guesses in a second of somebody with a rack of graphics cards: each takes 256 MiB of memory, three
/// times over.
const GUESSES: f64 = 10_000.0;
/// Of a longer password only the first bytes are looked at: the estimate takes long, and they do.
const LOOKED_AT: usize = 100;

/// What a weak password costs: how long it takes to guess it, as words. Nothing for one that holds.
pub(crate) fn weakness(password: &Passphrase) -> Option<String> {
    let text = password.expose();
    let end = (0..=text.len().min(LOOKED_AT)).rev().find(|at| text.is_char_boundary(*at));
    let guesses = zxcvbn::zxcvbn(&text[..end.unwrap_or(0)], &[]).guesses_log10();
    let bits = guesses * std::f64::consts::LOG2_10;
    // On average half of them are needed.
    (bits < BITS_ENOUGH).then(|| time(10f64.powf(guesses) / 2.0 / GUESSES))
}

fn time(seconds: f64) -> String {
    let (number, one, many) = match seconds {
        s if s < 1.0 => return "less than a second".to_owned(),
        s if s < 60.0 => (s, "second", "seconds"),
        s if s < 3_600.0 => (s / 60.0, "minute", "minutes"),
        s if s < 86_400.0 => (s / 3_600.0, "hour", "hours"),
        s if s < 86_400.0 * 365.0 => (s / 86_400.0, "day", "days"),
        s => (s / 86_400.0 / 365.0, "year", "years"),
    };
    let number = number.round().max(1.0);
    format!("about {number} {}", if number == 1.0 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::weakness;
    use keepmum::Passphrase;

    fn cost(password: &str) -> Option<String> {
        weakness(&Passphrase::new(password.to_owned()))
    }

    #[test]
    fn what_people_choose_is_weak_and_what_is_drawn_by_lot_is_not() {
        for weak in ["a", "x", "pass", "Password2024!", "anna1987", "qwertyuiop", "jdndmnn$23"] {
            assert!(cost(weak).is_some(), "{weak}");
        }
        assert_eq!(cost("a").unwrap(), "less than a second");
        assert_eq!(cost("password1").unwrap(), "less than a second");
        for strong in
            ["oven-crib-unread-late-pond", "mrsw-mz3i-nfvg-w3dn-nzxx-a4ls", "k7Q!xw9Zp0$bTr4"]
        {
            assert_eq!(cost(strong), None, "{strong}");
        }
        let long = "\u{fc}".repeat(200_000);
        assert!(cost(&long).is_some(), "the same letter for ever");
    }
}
