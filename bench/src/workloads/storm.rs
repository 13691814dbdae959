//! Many who join one room at once: each is told of all, and all of each.

use std::time::Instant;

use anyhow::Result;
use tokio::{task::JoinSet, time::sleep};

use super::{Figures, Setting};
use crate::{
    client::Client,
    media::Media,
    server::{Kind, Server},
};

/// How often it is measured, after the first time.
const TIMES: usize = 3;

/// Measures until all know of all.
pub(crate) async fn run(setting: &Setting<'_>, server: &Server, count: usize) -> Result<Figures> {
    let (mut cpu, mut elapsed) = (0.0, 0.0);
    for round in 0..=TIMES {
        let (used, took) = storm(setting, server, round, count).await?;
        if round > 0 {
            cpu += used / TIMES as f64;
            elapsed += took / TIMES as f64;
        }
    }
    Ok(Figures::from([
        ("CPU, ms".into(), cpu * 1e3),
        ("until all know of all, ms".into(), elapsed * 1e3),
    ]))
}

async fn storm(
    setting: &Setting<'_>,
    server: &Server,
    round: usize,
    count: usize,
) -> Result<(f64, f64)> {
    let mut clients = Vec::with_capacity(count);
    for user in 0..count {
        clients.push(Client::connect(server.address, None, setting.tokens.of(user)).await?);
    }
    let (cpu, begun) = (server.cpu()?, Instant::now());
    let mut joining = JoinSet::new();
    for mut client in clients {
        joining.spawn(async move {
            client.join(&format!("storm-{round}")).await?;
            client.await_members(count).await?;
            Ok::<_, anyhow::Error>(client)
        });
    }
    let joined = joining.join_all().await;
    let (used, took) = (server.cpu()? - cpu, begun.elapsed().as_secs_f64());
    let mut leaving = JoinSet::new();
    for client in joined {
        leaving.spawn(client?.leave());
    }
    for left in leaving.join_all().await {
        left?;
    }
    sleep(std::time::Duration::from_millis(300)).await;
    Ok((used, took))
}

/// The same with a thousand, once: in a room that becomes one on a media server with its eleventh peer.
pub(crate) async fn in_sfu_room(setting: &Setting<'_>, count: usize) -> Result<Figures> {
    let media = Media::start().await?;
    let settings = [
        ("MEDIA_SERVICE_URL", media.url()),
        ("MAX_P2P_PEERS", "10".to_owned()),
    ];
    let server = setting.house.start(Kind::Switchboard, &settings).await?;
    let (used, took) = storm(setting, &server, 0, count).await?;
    Ok(Figures::from([
        ("CPU, ms".into(), used * 1e3),
        ("until all know of all, ms".into(), took * 1e3),
    ]))
}
