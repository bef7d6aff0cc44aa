//! `tidy`: which copies were deleted, and why others are kept.

use keepmum::ops::{self, KeptCopy, KeptReason, TidyReport};

use super::Session;
use crate::args::TidyArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::Asking;
use crate::terminal::look::{Look, Tone};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{json, text};

/// Deletes copies.
pub(crate) fn run(args: &TidyArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let access = session.settings()?.open(session.environment, terminal, Asking::Once)?;
    let report =
        watched(terminal, Shape::Document, |watch| ops::tidy(&access, args.dry_run, watch))?;
    let code = report.outcome().into();
    if terminal.json {
        json::document(terminal, &report)?;
    } else if !terminal.has_nothing_to_say(code) {
        let is_listed = args.dry_run || session.shared.verbose;
        terminal.write(page(&report, is_listed, terminal.out).as_bytes())?;
    }
    Ok(code)
}

/// In which order the reasons are told: the gravest first.
const REASONS: [KeptReason; 9] = [
    KeptReason::OriginalDamaged,
    KeptReason::NotDeleted,
    KeptReason::Unreadable,
    KeptReason::OriginalMissing,
    KeptReason::Differs,
    KeptReason::Changed,
    KeptReason::OnlineOnly,
    KeptReason::SameFile,
    KeptReason::Unknown,
];

fn page(report: &TidyReport, is_listed: bool, look: Look) -> String {
    let count = report.removed.len() as u64;
    let copies = text::count(count, "copy", "copies");
    let mut page = match (count, report.dry_run, report.kept.is_empty()) {
        (0, _, true) => look.wrap("There are no copies to delete."),
        (0, _, false) => look.wrap("No copy can be deleted."),
        (_, true, _) => look.wrap(&format!(
            "{copies} would be deleted, {}. The originals are here and intact.",
            text::size(report.bytes)
        )),
        (_, false, _) => look.wrap(&format!(
            "Deleted {copies}, {}. The originals are here and intact.",
            text::size(report.bytes)
        )),
    };
    if is_listed {
        for one in &report.removed {
            page.push_str(&format!("  {}\n", text::line(&one.path)));
        }
    }
    for reason in REASONS {
        let kept: Vec<&KeptCopy> = report.kept.iter().filter(|one| one.reason == reason).collect();
        if kept.is_empty() {
            continue;
        }
        let copies = text::count(kept.len() as u64, "copy", "copies");
        let tone = match reason {
            KeptReason::OriginalDamaged => Tone::Damage,
            KeptReason::NotDeleted | KeptReason::Unreadable => Tone::Warning,
            _ => Tone::Good,
        };
        let begin = match tone {
            Tone::Good => format!("Kept {copies}"),
            _ => look.toned(tone, &format!("Kept {copies}")),
        };
        page.push_str(&look.wrap(&format!("{begin}: {}", why(reason))));
        for one in kept {
            let error = one.error.as_deref().map(|error| format!(" ({})", text::line(error)));
            page.push_str(&format!("  {}{}\n", text::line(&one.path), error.unwrap_or_default()));
        }
    }
    page
}

/// Why copies are kept, and what to do.
fn why(reason: KeptReason) -> &'static str {
    match reason {
        KeptReason::Differs => "different from the original. This does no harm.",
        KeptReason::OriginalMissing => {
            "the original is not here. keepmum reads the copy in its place."
        }
        KeptReason::OriginalDamaged => {
            "the original is damaged. `keepmum check --read-data` says what that means."
        }
        KeptReason::SameFile => {
            "the original itself under another path, on this computer or on one that ignores \
             upper and lower case."
        }
        KeptReason::OnlineOnly => {
            "the copy or the original is not on this computer. Let the sync client download both."
        }
        KeptReason::Changed => {
            "the copy or the original changed meanwhile. Let the sync client finish, then try again."
        }
        KeptReason::Unreadable => "the copy or the original cannot be read.",
        KeptReason::NotDeleted => "the destination did not delete it.",
        KeptReason::Unknown => "a newer version of keepmum wrote the original.",
    }
}
