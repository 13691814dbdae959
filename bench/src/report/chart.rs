//! The chart: what each server spends, as a part of what Node does.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::{
    prelude::{DrawingArea, IntoDrawingArea as _, Rectangle, SVGBackend, Text},
    style::{
        Color as _, IntoFont as _, RGBColor,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::Report;
use crate::server::Kind;

/// What is shown: workload, figure, and what it is called.
const ROWS: &[(&str, &str, &str)] = &[
    ("relay", "CPU, µs", "relay, saturated: CPU"),
    ("relay-6k", "CPU, µs", "relay at 6,000/s: CPU"),
    ("cluster-relay-2", "CPU, µs", "relay between 2 nodes: CPU"),
    ("fanout-10", "CPU, µs", "chat in rooms of 10: CPU"),
    ("fanout-100", "CPU, µs", "chat in rooms of 100: CPU"),
    (
        "idle-5k",
        "connect and join, CPU, µs",
        "connect and join: CPU",
    ),
    ("cycle", "CPU, µs", "connect to disconnect: CPU"),
    ("join-200", "CPU, ms", "200 join one room: CPU"),
    ("idle-5k", "RSS, KiB", "idle connection: memory"),
];

const KINDS: [(Kind, RGBColor); 4] = [
    (Kind::Switchboard, RGBColor(0xd9, 0x48, 0x0f)),
    (Kind::Node, RGBColor(0x86, 0x8e, 0x96)),
    (Kind::Naive, RGBColor(0xff, 0xc0, 0x78)),
    (Kind::Limit, RGBColor(0x74, 0xc0, 0xfc)),
];

const WIDTH: i32 = 860;
const LEFT: i32 = 210;
const TOP: i32 = 62;
const BAR: i32 = 11;
const GAP: i32 = 14;

/// How wide what Node spends is drawn, and how many times that there is room for.
const UNIT: f64 = 480.0;
const MOST: f64 = 1.2;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

pub(super) fn draw(report: &Report, path: &Path) -> Result<()> {
    let rows: Vec<_> = ROWS
        .iter()
        .filter(|(workload, figure, _)| report.figure(workload, Kind::Node, figure).is_some())
        .collect();
    let bars = |row: &(&str, &str, &str)| {
        let shown = |kind: &&(Kind, RGBColor)| report.figure(row.0, kind.0, row.1).is_some();
        KINDS.iter().filter(shown).count()
    };
    let count: usize = rows.iter().map(|row| bars(row)).sum();
    let height = TOP + i32::try_from(count)? * BAR + i32::try_from(rows.len())? * GAP + 10;
    let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
    let area = SVGBackend::new(path, size).into_drawing_area();
    paint(&area, report, &rows).map_err(|error| anyhow!("the chart cannot be drawn: {error}"))
}

fn paint(
    area: &Area<'_>,
    report: &Report,
    rows: &[&(&str, &str, &str)],
) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&RGBColor(0xff, 0xff, 0xff))?;
    let ink = RGBColor(0x21, 0x25, 0x29);
    let text = |size: i32| ("sans-serif", size).into_font().color(&ink);
    let title = format!(
        "Spent per message, connection or storm, Node socket.io = 100 % (less is better; {})",
        report.machine.date
    );
    area.draw(&Text::new(title, (12, 12), text(15)))?;
    let mut x = LEFT;
    for (kind, colour) in KINDS {
        area.draw(&Rectangle::new([(x, 38), (x + 10, 48)], colour.filled()))?;
        area.draw(&Text::new(kind.to_string(), (x + 15, 37), text(12)))?;
        x += 30 + 7 * i32::try_from(kind.to_string().len())?;
    }
    let mut y = TOP;
    for (workload, figure, name) in rows {
        let Some((node, _)) = report.figure(workload, Kind::Node, figure) else {
            continue;
        };
        let label = text(13).pos(Pos::new(HPos::Right, VPos::Top));
        area.draw(&Text::new(*name, (LEFT - 8, y), label))?;
        for (kind, colour) in KINDS {
            let Some((value, _)) = report.figure(workload, kind, figure) else {
                continue;
            };
            let part = value / node;
            #[expect(clippy::cast_possible_truncation, reason = "it is bounded")]
            let right = LEFT + (part.clamp(0.0, MOST) * UNIT) as i32;
            area.draw(&Rectangle::new(
                [(LEFT, y), (right, y + BAR - 2)],
                colour.filled(),
            ))?;
            let told = format!("{:.0} %", part * 100.0);
            area.draw(&Text::new(told, (right + 4, y - 1), text(10)))?;
            y += BAR;
        }
        y += GAP;
    }
    area.present()?;
    Ok(())
}
