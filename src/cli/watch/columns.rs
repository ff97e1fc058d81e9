//! Which columns of the latest requests a terminal has room for: who asked is never cut for what
//! matters less.

use super::view::Row;
use crate::cli::output::safe;

/// A column, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Accepted,
    Request,
    Status,
    User,
    Tier,
    Type,
    Cost,
    Model,
}

const ALL: [Column; 8] = [
    Column::Accepted,
    Column::Request,
    Column::Status,
    Column::User,
    Column::Tier,
    Column::Type,
    Column::Cost,
    Column::Model,
];
/// What is left out first where there is no room.
const SPARED: [Column; 5] = [Column::Model, Column::Type, Column::Tier, Column::Cost, Column::Accepted];
/// Between two columns.
const GAP: u16 = 1;
/// Names and models are at most so wide.
const TEXT_MAX: usize = 40;

impl Column {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Request => "REQUEST",
            Self::Status => "STATUS",
            Self::User => "USER",
            Self::Tier => "TIER",
            Self::Type => "TYPE",
            Self::Cost => "COST",
            Self::Model => "MODEL",
        }
    }

    /// Cells that its longest text takes.
    fn width(self, rows: &[Row]) -> u16 {
        let longest = |text: &dyn Fn(&Row) -> String| {
            let cells = rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0);
            u16::try_from(cells.clamp(self.name().len(), TEXT_MAX)).unwrap_or(0)
        };
        match self {
            Self::Accepted | Self::Type => 8,
            Self::Request => 36,
            Self::Status => 11,
            Self::Tier => 10,
            Self::Cost => 9,
            Self::User => longest(&|row| safe(&row.user)),
            Self::Model => longest(&|row| safe(row.model.as_deref().unwrap_or_default())),
        }
    }
}

/// The columns that fit into so many cells, with their widths; what is left belongs to the user.
pub(super) fn fitting(rows: &[Row], room: u16) -> Vec<(Column, u16)> {
    let mut columns: Vec<(Column, u16)> = ALL.iter().map(|column| (*column, column.width(rows))).collect();
    let taken = |columns: &[(Column, u16)]| {
        let gaps = GAP.saturating_mul(u16::try_from(columns.len()).unwrap_or(0).saturating_sub(1));
        columns.iter().fold(gaps, |sum, (_, width)| sum.saturating_add(*width))
    };
    for spared in SPARED {
        if taken(&columns) <= room {
            break;
        }
        columns.retain(|(column, _)| *column != spared);
    }
    // A request is known by its beginning too.
    let over = taken(&columns).saturating_sub(room);
    for (column, width) in &mut columns {
        if *column == Column::Request {
            *width = width.saturating_sub(over).max(12);
        }
    }
    columns
}
