//! Passphrases drawn by lot: easy to write down, and strong by their number.

use keepmum::Passphrase;
use rustix::rand::{GetRandomFlags, getrandom};
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};

/// Each with its licence at its head.
const WORDS: &str = include_str!("passphrase/words.txt");
/// How many words there are.
const COUNT: u16 = 7_776;
/// Words in a passphrase: 64 bits.
const LENGTH: usize = 5;
/// The bits of a passphrase: five times the logarithm of 7,776.
pub(crate) const BITS: u32 = 64;

/// So many passphrases of five words each.
pub(crate) fn passphrases<const N: usize>() -> Result<[Passphrase; N], Failure> {
    let words: Vec<&str> = WORDS.lines().filter(|line| !line.starts_with('#')).collect();
    let mut drawn = Vec::with_capacity(N);
    for _ in 0..N {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH * 12));
        for at in 0..LENGTH {
            if at > 0 {
                text.push('-');
            }
            text.push_str(words.get(usize::from(number()?)).copied().unwrap_or_default());
        }
        drawn.push(Passphrase::new(std::mem::take(&mut text)));
    }
    drawn.try_into().map_err(|_| no_randomness("too little"))
}

/// A number below [`COUNT`], each as likely as any other.
fn number() -> Result<u16, Failure> {
    let bound = u16::MAX - (u16::MAX % COUNT + 1) % COUNT;
    loop {
        let mut bytes = [0; 2];
        let length = getrandom(&mut bytes[..], GetRandomFlags::empty())
            .map_err(|error| no_randomness(&error.to_string()))?;
        let drawn = u16::from_le_bytes(bytes);
        if length == bytes.len() && drawn <= bound {
            return Ok(drawn % COUNT);
        }
    }
}

fn no_randomness(why: &str) -> Failure {
    Failure::new(Kind::Local, format!("the system gives no randomness ({why})"))
}

#[cfg(test)]
mod tests {
    use super::{BITS, COUNT, LENGTH, WORDS, number, passphrases};
    use std::collections::HashSet;

    #[test]
    fn each_word_is_there_once_and_five_have_as_many_bits_as_is_said() {
        let words: HashSet<&str> = WORDS.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(words.len(), usize::from(COUNT));
        assert!(words.iter().all(|word| !word.is_empty() && word.len() <= 10));
        assert_eq!((LENGTH as f64 * f64::from(COUNT).log2()).floor() as u32, BITS);
    }

    #[test]
    fn words_are_drawn_from_the_whole_list() {
        let drawn: Vec<u16> = (0..20_000).map(|_| number().ok().unwrap()).collect();
        assert!(drawn.iter().all(|number| *number < COUNT));
        // Of twenty thousand draws about 92 % of the words are among them; each half has half.
        let low = drawn.iter().filter(|number| **number < COUNT / 2).count();
        assert!((9_000..11_000).contains(&low), "{low}");
        let different: HashSet<&u16> = drawn.iter().collect();
        assert!(different.len() > 6_500, "{}", different.len());
    }

    #[test]
    fn no_two_passphrases_are_the_same() {
        let [one, other, third] = passphrases::<3>().ok().unwrap();
        for passphrase in [&one, &other, &third] {
            // Four words of the list have a dash of their own.
            assert!(passphrase.expose().split('-').count() >= LENGTH, "{}", passphrase.expose());
        }
        assert!(one.expose() != other.expose() && other.expose() != third.expose());
    }
}
