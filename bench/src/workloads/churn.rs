//! Connections that come and go for minutes: memory must not grow.

use std::time::Instant;

use anyhow::Result;
use tokio::{task::JoinSet, time::sleep};

use super::{Figures, Setting, connect};
use crate::{client::Client, server::Server};

/// How often memory is looked at.
const ROUNDS: usize = 20;

/// The round that the last is compared with: until then what a server keeps for reuse has grown.
const REFERENCE: usize = 5;

/// Clients that vanish in each round without a word; so many more leave as they should.
const VANISHING: usize = 200;

/// Half a minute of the reconnection window is too long to wait for: it is one second here.
pub(crate) const WINDOW_MS: u64 = 1_000;

/// Lets clients come and go, and compares memory.
pub(crate) async fn run(setting: &Setting<'_>, server: &Server) -> Result<Figures> {
    let round_time = setting.churn / u32::try_from(ROUNDS)?;
    let (mut reference, mut last, mut cycles) = (f64::NAN, f64::NAN, 0.0);
    for round in 1..=ROUNDS {
        let begun = Instant::now();
        let settle = std::time::Duration::from_millis(WINDOW_MS + 500);
        while begun.elapsed() + settle < round_time {
            connect::come_and_go(setting, server, 2 * VANISHING).await?;
            vanish(setting, server).await?;
            cycles += 3.0 * VANISHING as f64;
        }
        sleep(round_time.saturating_sub(begun.elapsed()).max(settle)).await;
        last = server.memory()?.rss;
        if round == REFERENCE {
            reference = last;
        }
    }
    Ok(Figures::from([
        ("connections".into(), cycles),
        ("RSS after round 5, MiB".into(), reference / 1024.0),
        ("RSS after round 20, MiB".into(), last / 1024.0),
        ("round 20 of round 5".into(), last / reference),
    ]))
}

/// Clients that join, and whose connections end without a goodbye.
async fn vanish(setting: &Setting<'_>, server: &Server) -> Result<()> {
    let mut coming = JoinSet::new();
    for user in 0..VANISHING {
        let (token, to) = (setting.tokens.of(user).to_owned(), server.address);
        coming.spawn(async move {
            let room = format!("vanish-{}", user / 2);
            Client::enter(to, None, &token, &room).await.map(drop)
        });
    }
    for came in coming.join_all().await {
        came?;
    }
    Ok(())
}
