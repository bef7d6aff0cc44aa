//! Where a recovery code was mistyped.
//!
//! The check group says that something is wrong, not where. So the slips that people make (one
//! character, two that changed places, two groups that did) are tried: the one after which the check
//! fits names the group. What the right characters are is never said.

use zeroize::Zeroizing;

use super::recovery::{CHARACTERS, GROUP, RecoveryCode, separates, symbol, symbols_fit};

/// Groups of a code.
const GROUPS: usize = CHARACTERS / GROUP;

/// What a text is, read as a recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeReading {
    /// Something else, such as a password.
    NotACode,
    /// A code whose check group fits.
    Right,
    /// A code with a mistake in this group; the first is 1.
    WrongGroup(usize),
    /// A code in which these two groups have changed places.
    SwappedGroups(usize, usize),
    /// A code of so many groups instead of nine.
    WrongLength(usize),
    /// A code with mistakes in more than one place.
    Wrong,
}

/// Reads a text as a recovery code. A text that only looks like one may still be a password.
#[must_use]
pub fn read_code(text: &str) -> CodeReading {
    if RecoveryCode::parse(text).is_some() {
        return CodeReading::Right;
    }
    let Some(groups) = groups(text) else { return CodeReading::NotACode };
    let bad = |group: &&str| group.len() != GROUP || group.chars().any(|c| symbol(c).is_none());
    let wrong: Vec<usize> = (0..groups.len()).filter(|at| bad(&groups[*at])).collect();
    match (groups.len(), &wrong[..]) {
        (GROUPS, []) => located(&groups),
        (GROUPS, [one]) => CodeReading::WrongGroup(one + 1),
        (GROUPS, _) => CodeReading::Wrong,
        (count, _) => CodeReading::WrongLength(count),
    }
}

/// The groups of a text that was meant as a code; nothing where it looks like something else.
fn groups(text: &str) -> Option<Vec<&str>> {
    let groups: Vec<&str> = text.split(separates).filter(|group| !group.is_empty()).collect();
    if groups.iter().any(|group| !group.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return None;
    }
    if let [run] = groups[..] {
        let is_code = run.len() == CHARACTERS;
        return is_code.then(|| (0..GROUPS).map(|at| &run[at * GROUP..][..GROUP]).collect());
    }
    let odd = groups.iter().filter(|group| group.len() != GROUP).count();
    let is_code = (GROUPS - 2..=GROUPS + 2).contains(&groups.len()) && odd <= 2;
    // Nine words of four letters are a password; a code has digits in all but one of 500 cases.
    let has_digit = || groups.iter().any(|group| group.bytes().any(|byte| byte.is_ascii_digit()));
    (is_code && (has_digit() || text.contains('-'))).then_some(groups)
}

/// Which group is wrong in a code of nine groups of characters that may be in one.
fn located(groups: &[&str]) -> CodeReading {
    let mut code = Zeroizing::new([0u8; CHARACTERS]);
    let typed = groups.iter().flat_map(|group| group.chars()).filter_map(symbol);
    code.iter_mut().zip(typed).for_each(|(place, symbol)| *place = symbol);
    let mut found = Vec::new();
    for at in 0..CHARACTERS {
        let typed = code[at];
        for other in (0..32).filter(|other| *other != typed) {
            code[at] = other;
            if symbols_fit(&code) {
                found.push(CodeReading::WrongGroup(at / GROUP + 1));
            }
        }
        code[at] = typed;
    }
    for at in 1..CHARACTERS {
        code.swap(at - 1, at);
        if symbols_fit(&code) {
            found.push(CodeReading::WrongGroup((at - 1) / GROUP + 1));
        }
        code.swap(at - 1, at);
    }
    for (one, other) in (0..GROUPS).flat_map(|one| (one + 1..GROUPS).map(move |other| (one, other)))
    {
        let swap = |code: &mut [u8; CHARACTERS]| {
            (0..GROUP).for_each(|at| code.swap(one * GROUP + at, other * GROUP + at));
        };
        swap(&mut code);
        if symbols_fit(&code) {
            found.push(CodeReading::SwappedGroups(one + 1, other + 1));
        }
        swap(&mut code);
    }
    found.dedup();
    match found[..] {
        [one] => one,
        _ => CodeReading::Wrong,
    }
}
