//! Wildcards as git matches them, byte by byte.
//!
//! Cases that git leaves open are left open in the same way: `**` counts only as a whole part of a
//! path, a class of characters never matches `/`, and a mistake matches nothing. [`check`] finds
//! mistakes before; they are errors.

/// How a match ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Match,
    /// Not here; a star before may take more.
    NoMatch,
    /// Not, whatever a star before takes.
    Abort,
    /// Not, unless a `**` before takes more.
    AbortToStars,
}

/// Whether a byte is more than itself in a pattern.
pub fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'\\')
}

/// Whether a pattern matches all of a text. With `is_path` wildcards stop at `/`.
pub(super) fn matches(pattern: &[u8], text: &[u8], is_path: bool) -> bool {
    wild(pattern, text, is_path) == End::Match
}

/// Whether a pattern matches a name: wildcards have no slash to stop at.
pub fn matches_name(pattern: &[u8], name: &[u8]) -> bool {
    matches(pattern, name, false)
}

fn wild(pattern: &[u8], text: &[u8], is_path: bool) -> End {
    let (mut p, mut t) = (0, 0);
    while let Some(&expected) = pattern.get(p) {
        let found = text.get(t).copied();
        let Some(byte) = found.or((expected == b'*').then_some(0)) else { return End::Abort };
        match expected {
            b'?' => {
                if is_path && byte == b'/' {
                    return End::NoMatch;
                }
            }
            b'[' => match class(&pattern[p + 1..], byte) {
                Some((is_in, length)) if is_in && !(is_path && byte == b'/') => p += length,
                Some(_) => return End::NoMatch,
                None => return End::Abort,
            },
            b'*' => match stars(pattern, &mut p, text, &mut t, is_path) {
                // One star before a slash has taken all up to it.
                None => {}
                Some(end) => return end,
            },
            _ => {
                if expected == b'\\' {
                    p += 1;
                }
                if pattern.get(p) != Some(&byte) {
                    return End::NoMatch;
                }
            }
        }
        p += 1;
        t += 1;
    }
    if t < text.len() { End::NoMatch } else { End::Match }
}

/// One or more stars at `p`; nothing if the match continues behind the slash at `p` and `t`.
fn stars(pattern: &[u8], p: &mut usize, text: &[u8], t: &mut usize, is_path: bool) -> Option<End> {
    let first = *p;
    while pattern.get(*p) == Some(&b'*') {
        *p += 1;
    }
    let rest = &pattern[*p..];
    let mut takes_slashes = !is_path;
    if *p - first > 1 && is_path {
        let is_part = (first == 0 || pattern[first - 1] == b'/')
            && (rest.is_empty() || rest[0] == b'/' || rest.starts_with(b"\\/"));
        if is_part {
            // It may match nothing at all, with its slash.
            if rest.first() == Some(&b'/') && wild(&rest[1..], &text[*t..], is_path) == End::Match {
                return Some(End::Match);
            }
            takes_slashes = true;
        }
    }
    let slash = text[*t..].iter().position(|byte| *byte == b'/');
    match rest.first() {
        None if takes_slashes || slash.is_none() => return Some(End::Match),
        None => return Some(End::AbortToStars),
        Some(b'/') if !takes_slashes => {
            let Some(slash) = slash else { return Some(End::Abort) };
            *t += slash;
            return None;
        }
        Some(_) => {}
    }
    Some(after_star(rest, &text[*t..], takes_slashes, is_path))
}

/// Tries the part after a star at each place that the star may reach.
fn after_star(rest: &[u8], text: &[u8], takes_slashes: bool, is_path: bool) -> End {
    let mut at = 0;
    while at < text.len() {
        if !is_special(rest[0]) {
            let here = &text[at..];
            let skipped = here
                .iter()
                .position(|byte| *byte == rest[0] || (!takes_slashes && *byte == b'/'))
                .filter(|place| here[*place] == rest[0]);
            match skipped {
                Some(skipped) => at += skipped,
                None if takes_slashes => return End::Abort,
                None => return End::AbortToStars,
            }
        }
        let end = wild(rest, &text[at..], is_path);
        if end != End::NoMatch {
            if !takes_slashes || end != End::AbortToStars {
                return end;
            }
        } else if !takes_slashes && text[at] == b'/' {
            return End::AbortToStars;
        }
        at += 1;
    }
    End::Abort
}

/// Whether a byte is in the class that begins behind `[`, and how many bytes the class has up to
/// its `]`, that included. Nothing if it has no end, or names a class that there is not.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let mut p = 0;
    let is_negated = matches!(pattern.first()?, b'!' | b'^');
    p += usize::from(is_negated);
    let (mut is_in, mut previous) = (false, None);
    let mut is_first = true;
    loop {
        let mut member = *pattern.get(p)?;
        if member == b']' && !is_first {
            return Some((is_in != is_negated, p + 1));
        }
        is_first = false;
        let next = pattern.get(p + 1).copied();
        match (member, previous, next) {
            (b'\\', ..) => {
                p += 1;
                member = *pattern.get(p)?;
                is_in |= byte == member;
                previous = Some(member);
            }
            (b'-', Some(from), Some(to)) if to != b']' => {
                p += 1;
                let mut to = to;
                if to == b'\\' {
                    p += 1;
                    to = *pattern.get(p)?;
                }
                is_in |= (from..=to).contains(&byte);
                previous = None;
            }
            (b'[', _, Some(b':')) => {
                let begin = p + 2;
                let length = pattern.get(begin..)?.iter().position(|byte| *byte == b']')?;
                match pattern[begin..begin + length].strip_suffix(b":") {
                    Some(name) => {
                        is_in |= posix(name, byte)?;
                        p = begin + length;
                        previous = None;
                    }
                    // No `:]`, so this is a bracket like any other character.
                    None => {
                        is_in |= byte == b'[';
                        previous = Some(b'[');
                    }
                }
            }
            _ => {
                is_in |= byte == member;
                previous = Some(member);
            }
        }
        p += 1;
    }
}

/// Whether a byte is in a POSIX class; nothing if there is no such class.
fn posix(name: &[u8], byte: u8) -> Option<bool> {
    Some(match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0b,
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => return None,
    })
}

/// What is wrong with a pattern, which then would match nothing.
pub fn check(pattern: &[u8]) -> Result<(), &'static str> {
    let mut p = 0;
    while let Some(byte) = pattern.get(p) {
        match byte {
            b'\\' if p + 1 == pattern.len() => {
                return Err("nothing follows the backslash at its end");
            }
            b'\\' => p += 1,
            b'[' => match class(&pattern[p + 1..], 0) {
                Some((_, length)) => p += length,
                None => {
                    return Err("a bracket is not closed, or names a class that there is not; \
                                write \\[ for the character itself");
                }
            },
            _ => {}
        }
        p += 1;
    }
    Ok(())
}
