//! The wiring: from a configuration to a gateway that serves.

mod error;
mod limiting;
mod listening;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::Router;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tower::util::BoxCloneSyncService;
use tracing::{error, info, warn};

pub use self::error::StartError;
use self::{
    limiting::{client_limits, door_settings, room_limits, serving},
    listening::{listen, listen_for_operators},
};
use crate::{
    api::{self, ApiSettings},
    auth::{CLOCK_SKEW, DevIssuer, DevKeyError, Verifier},
    cluster::{Cluster, ClusterSettings, SharedReleases, SubscribeError, chat::ChatKeeping},
    config::Config,
    emitter::Emitter,
    events::{Feed, FeedSettings},
    http::{self, DevMode, Readiness, Tls, TurnDesk},
    hub::{ChatSettings, Hub, Neighbours},
    limits::Door,
    services::{chat::ChatClient, media::Media, room::RoomService},
    socketio::{self, Namespace},
    telemetry::{Metrics, traces::Traces},
    turn::Issuer,
    websocket,
};

/// The time before what failed begins anew.
const RESTART: Duration = Duration::from_secs(1);

/// How long the last chat may take to be delivered when the node stops.
const DELIVERY: Duration = Duration::from_secs(5);

/// How long the last messages to other nodes, to media servers, and the last spans may take when the
/// node stops.
const FLUSH: Duration = Duration::from_secs(2);

/// A gateway that listens and is ready to serve.
#[derive(Debug)]
pub struct Gateway {
    config: Config,
    hub: Arc<Hub>,
    namespace: Namespace,
    service: http::App,
    door: Arc<Door>,
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    metrics: Arc<Metrics>,
    admin: TcpListener,
    feed: Arc<Feed>,
    traces: Option<Traces>,
    /// Ends when the gateway does.
    _emitter: Option<Emitter>,
}

impl Gateway {
    /// Builds everything and starts to listen.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let dev_issuer = dev_issuer(&config)?;
        let verifier = Verifier::new(&config.auth, dev_issuer.as_deref())?;
        preload_keys(verifier.clone());
        let (metrics, traces) = start_telemetry(&config)?;
        let neighbours = find_neighbours(&config).await?;
        let (chat, channels) = (chat_settings(&config)?, config.channels.clone());
        let (rooms, clients) = (room_limits(&config.rooms), client_limits(&config));
        let hub = Hub::new(rooms, neighbours, chat, channels, clients);
        let feed = Feed::start(&hub, feed_settings(&config))?;
        let emitter = hear_emitters(&hub, &config)?;
        let cookie: Arc<str> = config.auth.cookie.as_str().into();
        let door = Door::new(door_settings(&config.door)?);
        let entrance = Entrance {
            hub: &hub,
            verifier: &verifier,
            cookie: &cookie,
        };
        let tls = config.tls.as_ref().map(Tls::new).transpose()?;
        let (service, namespace) = entrance
            .open(&config, dev_issuer, &door, tls.is_some())
            .await?;
        let (listener, address) = listen(&config.listen, "HOST").await?;
        let admin = listen_for_operators(&config.admin).await?;
        Ok(Self {
            config,
            hub,
            namespace,
            service,
            door,
            listener,
            address,
            tls,
            metrics,
            admin,
            feed,
            traces,
            _emitter: emitter,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What reaches clients on whatever node.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn say_where(&self) {
        info!(address = %self.address, tls = self.tls.is_some(), "listening");
        if self.config.dev {
            let scheme = self.tls.as_ref().map_or("http", |_| "https");
            let url = format!("{scheme}://localhost:{}/demo/", self.address.port());
            info!(
                url,
                "development mode: anybody may log in; open the demo in two browsers"
            );
        }
    }

    /// What answers on the admin listener.
    fn for_operators(&self) -> http::App {
        let api = api::routes(&self.feed, api_settings(&self.config));
        http::admin(Arc::clone(&self.metrics), Arc::clone(&self.hub), api)
    }

    /// Serves until `shutdown` completes, then sends the clients away and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        self.say_where();
        let operators = self.for_operators();
        let stop = CancellationToken::new();
        let expiring = tokio::spawn(Arc::clone(&self.hub).watch_expiry(CLOCK_SKEW));
        let in_step = tokio::spawn(keep_in_step(Arc::clone(&self.hub)));
        let media = tokio::spawn(Arc::clone(&self.hub).watch_media());
        let upkeep = tokio::spawn(Arc::clone(&self.metrics).keep_up());
        let started = Instant::now();
        let feeding = tokio::spawn(Arc::clone(&self.feed).keep_up());
        let telling = tokio::spawn(Arc::clone(&self.feed).tell_of_itself());
        let renewing = self.tls.clone().map(|tls| tokio::spawn(tls.keep_up()));
        let public = serving(&self.config, self.tls, Some(self.door));
        let public = http::serve(self.listener, self.service, public, stop.clone());
        let public = tokio::spawn(public);
        // Those who can reach the operators' listener are trusted not to crowd it.
        let operating = serving(&self.config, None, None);
        let operating = http::serve(self.admin, operators, operating, stop.clone());
        let operating = tokio::spawn(operating);
        shutdown.await;
        let grace = self.config.shutdown.grace;
        info!(connections = self.hub.session_count(), ?grace, "draining");
        self.hub.drain(grace).await;
        expiring.abort();
        // While the node still shows that it lives: nobody is to take it for dead meanwhile.
        let (undelivered, ()) = tokio::join!(self.hub.finish_chat(DELIVERY), self.hub.hand_on());
        telling.abort();
        self.feed.tell_of_the_end(started).await;
        for task in [in_step, media, upkeep, feeding]
            .into_iter()
            .chain(renewing)
        {
            task.abort();
        }
        tell_neighbours(&self.hub, undelivered).await;
        stop.cancel();
        for serving in [public, operating] {
            if let Err(error) = serving.await {
                warn!(%error, "a server ended badly");
            }
        }
        if let Some(traces) = self.traces {
            traces.finish(FLUSH).await;
        }
        info!("stopped");
    }
}

/// What all have in common that let clients in.
struct Entrance<'a> {
    hub: &'a Arc<Hub>,
    verifier: &'a Verifier,
    cookie: &'a Arc<str>,
}

impl Entrance<'_> {
    /// All that clients reach, behind what decides whether they may; and what reaches them.
    /// `secure`: all comes over TLS.
    async fn open(
        &self,
        config: &Config,
        dev_issuer: Option<Arc<DevIssuer>>,
        door: &Arc<Door>,
        secure: bool,
    ) -> Result<(http::App, Namespace), StartError> {
        let routes = BoxCloneSyncService::new(self.routes(config, dev_issuer));
        let services = socketio::Services {
            hub: Arc::clone(self.hub),
            verifier: self.verifier.clone(),
            cookie: Arc::clone(self.cookie),
            admin: config.admin_ui.clone(),
        };
        let (service, namespace) = socketio::layer(routes, services, &config.engine).await?;
        let service = http::admission(service, Arc::clone(door));
        Ok((http::guard(service, &config.origins, secure), namespace))
    }

    /// All that clients reach but Socket.IO.
    fn routes(&self, config: &Config, dev_issuer: Option<Arc<DevIssuer>>) -> Router {
        let (verifier, cookie) = (|| self.verifier.clone(), || Arc::clone(self.cookie));
        let dev = dev_issuer.map(|issuer| DevMode {
            issuer,
            verifier: verifier(),
            cookie: cookie(),
            hub: Arc::clone(self.hub),
            secure: config.tls.is_some(),
        });
        let turn = TurnDesk {
            issuer: self.hub.turn().cloned(),
            verifier: verifier(),
            cookie: cookie(),
        };
        let sockets = websocket::routes(websocket::Services {
            hub: Arc::clone(self.hub),
            verifier: verifier(),
            cookie: cookie(),
            settings: (&config.engine).into(),
        });
        http::routes(Arc::clone(self.hub), readiness(config), turn, dev).merge(sockets)
    }
}

/// Leaves the other nodes and the media servers such that nothing waits for this one. `undelivered`:
/// whether there is chat that others have to deliver.
async fn tell_neighbours(hub: &Hub, undelivered: bool) {
    if let Some(cluster) = hub.cluster() {
        // Whom this node could not hand on, another looks after from now on.
        cluster.withdraw(undelivered || hub.has_peers()).await;
    } else {
        hub.give_up_media();
    }
    if let Some(media) = hub.media() {
        media.flush(FLUSH).await;
    }
    if let Some(cluster) = hub.cluster() {
        cluster.stop(FLUSH).await;
    }
}

/// Begins to look for all that the gateway works with.
async fn find_neighbours(config: &Config) -> Result<Neighbours, StartError> {
    let cluster = join_cluster(config).await?;
    let media = match &*config.services.media {
        [] => None,
        urls => Some(Media::start(urls).await?),
    };
    if let (Some(media), Some(cluster)) = (&media, &cluster) {
        media.share(Arc::new(SharedReleases(Arc::clone(cluster))));
    }
    let rooms = config.services.rooms.clone();
    let rooms = rooms.map(|url| RoomService::new(url, cluster.clone()));
    Ok(Neighbours {
        rooms: rooms.transpose()?,
        cluster,
        media,
        turn: config.turn.as_ref().map(|turn| Arc::new(Issuer::new(turn))),
    })
}

/// Who makes tokens in development mode.
fn dev_issuer(config: &Config) -> Result<Option<Arc<DevIssuer>>, DevKeyError> {
    let make = || DevIssuer::new(&config.auth, config.dev_key_file.as_deref()).map(Arc::new);
    config.dev.then(make).transpose()
}

/// Begins to count, and to send traces if they are to go anywhere.
fn start_telemetry(config: &Config) -> Result<(Arc<Metrics>, Option<Traces>), StartError> {
    let node = config.cluster.as_ref().map(|cluster| &*cluster.node);
    let traces = config.traces.as_ref();
    let traces = traces.map(|traces| Traces::start(traces, node));
    Ok((Metrics::start()?, traces.transpose()?))
}

fn api_settings(config: &Config) -> ApiSettings {
    ApiSettings {
        keys: config.api_keys.clone(),
        limited: config.clients.limited,
        node: feed_settings(config).server,
    }
}

/// Begins to hear what backends emit to clients, if there is a Redis through which they can.
fn hear_emitters(hub: &Arc<Hub>, config: &Config) -> Result<Option<Emitter>, SubscribeError> {
    let cluster = hub.cluster();
    let hear = |cluster| Emitter::start(hub, cluster, &config.emitter_key);
    cluster.map(|cluster| hear(cluster)).transpose()
}

fn feed_settings(config: &Config) -> FeedSettings {
    let node = config.cluster.as_ref().map(|cluster| &*cluster.node);
    FeedSettings {
        max_bytes: config.engine.max_payload_bytes,
        server: node.unwrap_or("switchboard").into(),
    }
}

fn chat_settings(config: &Config) -> Result<ChatSettings, StartError> {
    let service = config.chat.service.clone().map(ChatClient::new);
    Ok(ChatSettings {
        service: service.transpose()?,
        buffer_max: config.chat.buffer_max,
    })
}

/// Begins to look for the other nodes, if there can be any.
async fn join_cluster(config: &Config) -> Result<Option<Arc<Cluster>>, StartError> {
    let Some(settings) = &config.cluster else {
        return Ok(None);
    };
    info!(redis = %settings.redis, node = settings.node, "one of many nodes");
    let cluster = Cluster::start(ClusterSettings {
        redis: settings.redis.clone(),
        prefix: settings.prefix.clone(),
        node: settings.node.clone(),
        presence_ttl: config.rooms.presence_ttl,
        chat: match config.chat.service {
            Some(_) => ChatKeeping::Queue,
            None => ChatKeeping::Ring,
        },
    });
    Ok(Some(cluster.await?))
}

const fn readiness(config: &Config) -> Readiness {
    match &config.cluster {
        Some(cluster) if cluster.ready_without_redis => Readiness::Degraded,
        _ => Readiness::NeedsRedis,
    }
}

/// Keeps the node in step with others. Without that they would take it for dead.
async fn keep_in_step(hub: Arc<Hub>) {
    let begin = || AbortOnDropHandle::new(tokio::spawn(Arc::clone(&hub).keep_in_step()));
    while let Err(failure) = begin().await {
        error!(%failure, "keeping in step with other nodes failed, and begins anew");
        tokio::time::sleep(RESTART).await;
    }
}

/// Fetches the keys before the first client needs them. A failure is no reason not to start:
/// they are fetched again when needed.
fn preload_keys(verifier: Verifier) {
    tokio::spawn(async move {
        if let Err(error) = verifier.preload(SystemTime::now()).await {
            warn!(%error, "the key set cannot be fetched yet");
        }
    });
}
