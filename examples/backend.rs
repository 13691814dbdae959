//! A backend that tells the clients of all gateways what happens in a match, and hears what other
//! backends say.
//!
//! ```sh
//! redis-server &
//! REDIS_URL=redis://127.0.0.1:6379 DEV=true cargo run &
//! cargo run --example backend -- redis://127.0.0.1:6379
//! ```
//!
//! Clients that have sent `subscribe {channel: "match:42"}` get `match_started`.

use std::{error::Error, time::Duration};

use serde_json::json;
use switchboard::events::publisher::{Event, Publisher};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redis = std::env::args().nth(1);
    let redis = redis.as_deref().unwrap_or("redis://127.0.0.1:6379");
    let publisher = Publisher::connect(redis, "match-service")?;
    let heard = publisher
        .subscribe("match:events", |kind, data| {
            eprintln!("heard {kind} {data}");
        })
        .await?;

    let started = Event::new("match_started", &json!({ "matchId": 42, "map": "dust" }))?;
    let gateways = publisher.publish("match:events", &started).await?;
    eprintln!("{gateways} subscribers were told");

    // Of no use to anybody after ten seconds.
    let invite = Event::new("match_invite", &json!({ "userId": "anna", "matchId": 42 }))?;
    let invite = invite.lasting(Duration::from_secs(10));
    publisher.publish("player:notifications", &invite).await?;

    eprintln!("link: {:?}", publisher.health());
    let (published, _) = publisher.statistics();
    eprintln!("published: {:?}", published.total);
    publisher.unsubscribe(heard);
    publisher.shutdown().await;
    Ok(())
}
