//! The one line of progress that every command shows, at any number of columns.
//!
//! It counts what is done. Parts that have no room are left out, the least telling first, so it
//! never wraps: a line that wraps leaves one behind at each refresh.

use textwrap::core::display_width;

use super::Now;
use crate::terminal::look::Look;
use crate::terminal::text;

/// The widest a bar gets; the narrowest that says anything.
const BAR: (usize, usize) = (30, 10);
/// Before so many seconds a rate says nothing.
const SETTLED: f64 = 1.0;

/// What the command does, in the words of its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Saving files.
    Saving,
    /// Restoring files.
    Restoring,
    /// Checking what is stored.
    Checking,
    /// Making a repository.
    Making,
    /// Anything else.
    #[default]
    Reading,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Saving => "Saving",
            Self::Restoring => "Restoring",
            Self::Checking => "Checking",
            Self::Making => "Making",
            Self::Reading => "Reading",
        }
    }
}

/// What is done just now.
fn doing(verb: Verb, now: &Now) -> String {
    match (now.phase, verb) {
        ("unlocking", _) if now.entries > 0 => {
            format!("Trying the password on key file {}", now.entries)
        }
        ("unlocking", _) => "Making your key (a few seconds, on purpose)".to_owned(),
        ("opening", _) => "Looking at the destination".to_owned(),
        ("finishing", _) => "Finishing".to_owned(),
        _ => verb.word().to_owned(),
    }
}

/// The line after so many seconds, within so many columns.
pub(super) fn line(verb: Verb, now: &Now, seconds: f64, width: usize) -> String {
    let doing = doing(verb, now);
    let (done, total) = match now.bytes_total {
        0 => (now.entries, now.entries_total),
        bytes => (now.bytes, bytes),
    };
    let share = (total > 0).then(|| (done.min(total) as f64 / total as f64).clamp(0.0, 1.0));
    // In the order in which they stand; the rank says which goes first where there is no room.
    let mut parts: Vec<(u8, String)> = vec![(0, doing)];
    if let Some(share) = share {
        parts.push((1, format!("{:3.0} %", (share * 100.0).floor())));
    }
    if now.bytes_total > 0 {
        let (done, total) = (text::size(now.bytes), text::size(now.bytes_total));
        parts.push((2, format!("{done} of {total}")));
    } else if now.phase == "working" && now.entries > 0 {
        let (one, many) = match verb {
            Verb::Checking => ("stored file", "stored files"),
            _ => ("file", "files and folders"),
        };
        parts.push((2, text::count(now.entries, one, many)));
        if now.bytes > 0 {
            parts.push((3, text::size(now.bytes)));
        }
    }
    if now.bytes > 0 && seconds >= SETTLED {
        parts.push((5, format!("{}/s", text::size((now.bytes as f64 / seconds) as u64))));
    }
    match share.filter(|share| *share > 0.01 && seconds >= SETTLED) {
        Some(share) => {
            parts.push((4, format!("{} left", brief(seconds / share * (1.0 - share)))));
        }
        None => parts.push((4, brief(seconds))),
    }
    while parts.len() > 1 && length(&parts) > width {
        let last = parts.iter().enumerate().max_by_key(|(_, (rank, _))| *rank);
        let Some((at, _)) = last else { break };
        parts.remove(at);
    }
    let room = width.saturating_sub(length(&parts) + 4);
    if let Some(share) = share.filter(|_| room >= BAR.1) {
        let (cells, bar) = (room.min(BAR.0), parts.first_mut());
        let full = (share * cells as f64).round() as usize;
        let drawn = format!("[{}{}]", "#".repeat(full), "-".repeat(cells - full));
        if let Some((_, first)) = bar {
            *first = format!("{first}  {drawn}");
        }
    }
    let texts: Vec<_> = parts.into_iter().map(|(_, text)| text).collect();
    Look::cut(&texts.join("  "), width)
}

fn length(parts: &[(u8, String)]) -> usize {
    let texts = parts.iter().map(|(_, text)| display_width(text) + 2);
    texts.sum::<usize>().saturating_sub(2)
}

/// Whole seconds, which do not flicker.
fn brief(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        ..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{Now, Verb, display_width, line};

    const NOW: Now = Now {
        phase: "working",
        entries: 57_389,
        entries_total: 0,
        bytes: 806 << 20,
        bytes_total: 1_485 << 20,
    };

    #[test]
    fn one_form_at_every_width() {
        let at = |width| line(Verb::Restoring, &NOW, 1.6, width);
        assert_eq!(at(60), "Restoring   54 %  806 MiB of 1.5 GiB  504 MiB/s  1 s left");
        let wide = "Restoring  [################--------------]   54 %  806 MiB of 1.5 GiB  \
                    504 MiB/s  1 s left";
        assert_eq!(at(120), wide);
        assert_eq!(at(200), wide);
        assert_eq!(at(40), "Restoring   54 %  806 MiB of 1.5 GiB");
    }

    #[test]
    fn no_line_passes_its_width() {
        let phases = ["unlocking", "opening", "working", "finishing"];
        for (phase, entries, total, bytes, bytes_total) in phases.iter().flat_map(|phase| {
            [
                (*phase, 0, 0, 0, 0),
                (*phase, 1, 0, 0, 0),
                (*phase, u64::MAX, 0, u64::MAX, 0),
                (*phase, 5, 7_000, 9 << 30, 0),
                (*phase, 5, 7_000, 9 << 30, u64::MAX),
                (*phase, 9, 7, 9, 7),
            ]
        }) {
            let now = Now { phase, entries, entries_total: total, bytes, bytes_total };
            for verb in [Verb::Saving, Verb::Restoring, Verb::Checking, Verb::Making, Verb::Reading]
            {
                for (width, seconds) in (1..=200).flat_map(|width| [(width, 0.0), (width, 1e7)]) {
                    let line = line(verb, &now, seconds, width);
                    assert!(display_width(&line) <= width, "{width}: {line}");
                    assert!(width < 3 || !line.trim().is_empty());
                }
            }
        }
    }

    #[test]
    fn a_first_run_has_a_line_of_the_same_form_without_a_bar() {
        let first = Now { bytes_total: 0, bytes: 54 << 20, entries: 5, ..NOW };
        let said = line(Verb::Saving, &first, 3.0, 80);
        assert_eq!(said, "Saving  5 files and folders  54 MiB  18 MiB/s  3 s");
        let key = Now { phase: "unlocking", entries: 0, bytes: 0, bytes_total: 0, ..NOW };
        let said = line(Verb::Saving, &key, 2.0, 60);
        assert_eq!(said, "Making your key (a few seconds, on purpose)  2 s");
    }
}
