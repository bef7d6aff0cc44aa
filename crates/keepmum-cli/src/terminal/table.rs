//! Tables without lines: columns two blanks apart, figures to the right, never wider than the
//! terminal.
//!
//! Where a table is too wide, columns are left out in the order that their makers chose. If it is
//! too wide still, texts are wrapped within their columns.

use comfy_table::{CellAlignment, Table};
use textwrap::core::display_width;

use super::look::{Look, cell};

/// Between two columns.
const GAP: usize = 2;
/// No column is made narrower.
const LEAST: usize = 8;

/// Whether a column is text or figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// To the left.
    Text,
    /// To the right.
    Figures,
}

/// The head of a column.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    title: String,
    kind: Column,
    /// The lowest is left out first; none is never.
    rank: Option<u8>,
}

impl Head {
    /// A column of text.
    pub(crate) fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), kind: Column::Text, rank: None }
    }

    /// A column of figures.
    pub(crate) fn figures(title: impl Into<String>) -> Self {
        Self { title: title.into(), kind: Column::Figures, rank: None }
    }

    /// Left out where there is no room, the lowest rank first.
    pub(crate) fn dropped(self, rank: u8) -> Self {
        Self { rank: Some(rank), ..self }
    }
}

/// The table as text, each line ended, within the width of where it goes.
pub(crate) fn fitting(mut heads: Vec<Head>, mut rows: Vec<Vec<String>>, look: Look) -> String {
    let mut widths = widths(&heads, &rows);
    let room = look.width().unwrap_or(usize::MAX);
    while total(&widths) > room {
        let ranks = heads.iter().enumerate().filter_map(|(at, head)| Some((head.rank?, at)));
        let Some((_, first)) = ranks.min() else { break };
        heads.remove(first);
        widths.remove(first);
        rows.iter_mut().for_each(|row| drop(row.remove(first)));
    }
    narrow(&heads, &mut widths, room);
    for row in &mut rows {
        for (text, width) in row.iter_mut().zip(&widths) {
            if display_width(text) > *width {
                *text = cell(text, *width);
            }
        }
    }
    let columns: Vec<_> = heads.iter().map(|head| (head.title.as_str(), head.kind)).collect();
    render(&columns, rows)
}

fn widths(heads: &[Head], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<_> = heads.iter().map(|head| display_width(&head.title)).collect();
    for row in rows {
        for (width, text) in widths.iter_mut().zip(row) {
            *width = (*width).max(display_width(text));
        }
    }
    widths
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Makes the widest column of text narrower until there is room for all.
fn narrow(heads: &[Head], widths: &mut [usize], room: usize) {
    while total(widths) > room {
        let texts = heads.iter().enumerate().filter(|(_, head)| head.kind == Column::Text);
        let widest = texts.map(|(at, head)| (widths[at], display_width(&head.title), at));
        match widest.filter(|(width, title, _)| *width > LEAST.max(*title)).max() {
            Some((_, _, at)) => widths[at] -= 1,
            None => return,
        }
    }
}

/// The table as text, each line ended, as wide as it is.
pub(crate) fn render(columns: &[(&str, Column)], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(columns.iter().map(|(title, _)| *title));
    table.add_rows(rows);
    for (index, (_, kind)) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, GAP as u16));
            column.set_cell_alignment(match kind {
                Column::Text => CellAlignment::Left,
                Column::Figures => CellAlignment::Right,
            });
        }
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::{Column, Head, Look, display_width, fitting, render};

    fn rows(rows: &[[&str; 3]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect()
    }

    #[test]
    fn columns_stand_under_each_other() {
        let columns = [("id", Column::Text), ("files", Column::Figures), ("name", Column::Text)];
        let table = render(&columns, rows(&[["a1", "5", "größer"], ["b2", "12345", ""]]));
        let expected = "\
id  files  name
a1      5  größer
b2  12345
";
        assert_eq!(table, expected);
    }

    #[test]
    fn columns_are_left_out_in_their_order_until_the_table_fits() {
        let heads = || {
            vec![
                Head::text("id"),
                Head::figures("files").dropped(2),
                Head::text("device").dropped(1),
            ]
        };
        let at = |width: usize| {
            let table = fitting(heads(), rows(&[["a1b2", "5", "laptop"]]), Look::plain(width));
            table.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(at(20), ["id    files  device", "a1b2      5  laptop"]);
        assert_eq!(at(18), ["id    files", "a1b2      5"]);
        assert_eq!(at(10), ["id", "a1b2"]);
    }

    #[test]
    fn texts_are_wrapped_where_all_that_is_left_is_too_wide() {
        let heads = vec![Head::text("id"), Head::figures("files"), Head::text("state")];
        let row = ["a1b2", "5", "arriving: 412 of 420 files, 31 MiB to come"];
        for width in 30..120 {
            let table = fitting(heads.clone(), rows(&[row]), Look::plain(width));
            assert!(table.lines().all(|line| display_width(line) <= width), "{width}:\n{table}");
        }
    }
}
