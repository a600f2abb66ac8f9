//! What happened, as a picture: a bar per token from mint to revoke, a line for what was delivered.

use jiff::Timestamp;

use crate::programs::Ledger;

/// The columns that the terminal's picture is wide.
const WIDTH: usize = 64;

/// Everything that the picture shows.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) bars: Vec<Bar>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) kills: Vec<Timestamp>,
}

/// One token's life.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) system: String,
    pub(super) id: String,
    pub(super) revision: String,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) revoked: bool,
}

/// From when on a system's destination held a token, or nothing.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) system: &'static str,
    pub(super) from: Timestamp,
    pub(super) id: Option<String>,
}

impl Timeline {
    pub(super) fn holds(&mut self, system: &'static str, id: &str) {
        self.deliveries.push(Delivery {
            system,
            from: crate::clock::now(),
            id: Some(id.to_owned()),
        });
    }

    pub(super) fn holds_nothing(&mut self, system: &'static str) {
        self.deliveries.push(Delivery {
            system,
            from: crate::clock::now(),
            id: None,
        });
    }

    pub(super) fn killed(&mut self) {
        self.kills.push(crate::clock::now());
    }

    pub(super) fn tokens(&mut self, ledger: &Ledger) {
        let now = crate::clock::now();
        self.bars = ledger
            .tokens
            .iter()
            .map(|life| Bar {
                system: life.system.clone(),
                id: life.id.clone(),
                revision: revision(&life.name),
                from: life.minted_at,
                to: life.ended_at.unwrap_or(now),
                revoked: life.revoked_at.is_some(),
            })
            .collect();
    }

    /// From the first mint to the last end.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let from = self.bars.iter().map(|bar| bar.from).min()?;
        let to = self.bars.iter().map(|bar| bar.to).max()?;
        Some((from, to))
    }

    /// Each delivery with the instant at which the next one followed.
    pub(super) fn held<'a>(
        &'a self,
        system: &'a str,
    ) -> impl Iterator<Item = (&'a str, Timestamp, Timestamp)> {
        let of_system = || {
            self.deliveries
                .iter()
                .filter(move |delivery| delivery.system == system)
        };
        let ends = of_system().skip(1).map(|next| next.from);
        of_system()
            .zip(ends)
            .filter_map(|(delivery, end)| Some((delivery.id.as_deref()?, delivery.from, end)))
    }

    /// The systems, in the order of their first token.
    pub(super) fn systems(&self) -> Vec<&str> {
        let mut systems = Vec::new();
        for bar in &self.bars {
            if !systems.contains(&bar.system.as_str()) {
                systems.push(&bar.system);
            }
        }
        systems
    }

    pub(super) fn print(&self) {
        for line in self.lines() {
            use std::io::Write as _;
            // A closed terminal must not fail what was shown.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }

    fn lines(&self) -> Vec<String> {
        let Some((from, to)) = self.span() else {
            return Vec::new();
        };
        let whole = to.duration_since(from).as_secs_f64().max(1.0);
        let column = |at: Timestamp| {
            let part = at.duration_since(from).as_secs_f64() / whole;
            (part.clamp(0.0, 1.0) * (WIDTH - 1) as f64) as usize
        };
        let mut lines = vec![
            String::new(),
            format!("{:<22} 0 s{:>width$.0} s", "", whole, width = WIDTH - 5),
        ];
        for system in self.systems() {
            for bar in self.bars.iter().filter(|bar| bar.system == system) {
                let end = if bar.revoked { '■' } else { '□' };
                lines.push(row(
                    &format!("{system} r{}", bar.revision),
                    column(bar.from),
                    column(bar.to),
                    '━',
                    end,
                ));
            }
            let mut held = vec![' '; WIDTH];
            for (id, from, to) in self.held(system) {
                let bar = self.bars.iter().find(|bar| bar.id == id);
                let digit = bar
                    .and_then(|bar| bar.revision.chars().next())
                    .unwrap_or('?');
                held[column(from)..=column(to)].fill(digit);
            }
            lines.push(format!(
                "{:<22} {}",
                format!("{system} delivers"),
                held.iter().collect::<String>()
            ));
        }
        for kill in &self.kills {
            lines.push(row("operator", column(*kill), column(*kill), '✗', '✗'));
        }
        lines.push(
            "━■ minted to revoked, □ expired, digits: the revision that was delivered, ✗ SIGKILL"
                .to_owned(),
        );
        lines
    }
}

fn row(label: &str, from: usize, to: usize, body: char, end: char) -> String {
    let mut cells = vec![' '; WIDTH];
    cells[from..=to].fill(body);
    cells[to] = end;
    format!("{label:<22} {}", cells.iter().collect::<String>())
        .trim_end()
        .to_owned()
}

/// The revision in the marker that ends a token's name.
fn revision(name: &str) -> String {
    let marker = name.rsplit(' ').next().unwrap_or_default();
    marker.split('-').nth(3).unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::svg;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn timeline() -> Timeline {
        let bar = |revision: &str, from, to| Bar {
            system: "scaleway".into(),
            id: format!("id-{revision}"),
            revision: revision.into(),
            from: at(from),
            to: at(to),
            revoked: true,
        };
        let delivery = |from, id: Option<&str>| Delivery {
            system: "scaleway",
            from: at(from),
            id: id.map(Into::into),
        };
        Timeline {
            bars: vec![bar("1", 0, 18), bar("2", 12, 40)],
            deliveries: vec![
                delivery(1, Some("id-1")),
                delivery(13, Some("id-2")),
                delivery(40, None),
            ],
            kills: vec![at(20)],
        }
    }

    #[test]
    fn the_terminal_shows_a_bar_per_token_and_what_was_delivered() {
        let lines = timeline().lines().join("\n");
        assert!(
            lines.contains("scaleway r1") && lines.contains("scaleway r2"),
            "{lines}"
        );
        let delivers = lines
            .lines()
            .find(|line| line.starts_with("scaleway delivers"))
            .unwrap();
        assert!(
            delivers.contains("1111") && delivers.contains("2222"),
            "{lines}"
        );
        assert!(lines.contains('✗'), "{lines}");
    }

    #[test]
    fn the_picture_is_well_formed_and_names_every_token() {
        let picture = svg::draw(&timeline());
        assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"));
        assert!(picture.contains("id-1") && picture.contains("id-2"));
    }

    #[test]
    fn the_revision_is_read_from_the_marker() {
        assert_eq!(revision("my ci tw1-c3ahk-fabthxiruxgpl-42-aaaqea77"), "42");
        assert_eq!(revision("made by hand"), "?");
    }
}
