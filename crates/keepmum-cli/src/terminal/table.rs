//! Tables without lines: columns two blanks apart, figures to the right.

use comfy_table::{CellAlignment, Table};

/// Whether a column is text or figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// To the left.
    Text,
    /// To the right.
    Figures,
}

/// The table as text, each line ended.
pub(crate) fn render(columns: &[(&str, Column)], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(columns.iter().map(|(title, _)| *title));
    table.add_rows(rows);
    for (index, (_, kind)) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
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
    use super::{Column, render};

    #[test]
    fn columns_stand_under_each_other() {
        let columns = [("id", Column::Text), ("files", Column::Figures), ("name", Column::Text)];
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let table = render(&columns, vec![row(["a1", "5", "größer"]), row(["b2", "12345", ""])]);
        let expected = "\
id  files  name
a1      5  größer
b2  12345
";
        assert_eq!(table, expected);
    }
}
