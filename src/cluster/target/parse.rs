//! The URL parser. Lists of hosts are no part of the URL standard, so this is done by hand.

use secrecy::SecretString;

use super::{
    Address, Credentials, DEFAULT_PORT, DEFAULT_SENTINEL_PORT, RedisTarget, TargetError, Tls,
    Topology,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Sentinel,
    Cluster,
}

#[derive(Default)]
struct Query {
    db: Option<String>,
    service: Option<String>,
    sentinel: Credentials,
}

pub(super) fn parse(url: &str) -> Result<RedisTarget, TargetError> {
    let (kind, tls, rest) = scheme(url.trim())?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query = parse_query(query)?;
    // A password may hold an unencoded '@', a host cannot; but neither goes beyond the path.
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (userinfo, hosts) = match authority.rsplit_once('@') {
        Some((userinfo, hosts)) => (Some(userinfo), hosts),
        None => (None, authority),
    };
    let credentials = userinfo.map(parse_userinfo).transpose()?;
    let default_port = match kind {
        Kind::Sentinel => DEFAULT_SENTINEL_PORT,
        Kind::Plain | Kind::Cluster => DEFAULT_PORT,
    };
    let addresses = parse_addresses(hosts, default_port)?;
    let (topology, db) = arrange(kind, addresses, path, query)?;
    Ok(RedisTarget {
        topology,
        credentials: credentials.unwrap_or_default(),
        db,
        tls: tls.then(Tls::default),
    })
}

fn scheme(url: &str) -> Result<(Kind, bool, &str), TargetError> {
    let (scheme, rest) = url.split_once("://").ok_or(TargetError::Scheme)?;
    let scheme = scheme.to_ascii_lowercase();
    let (base, kind) = match scheme.split_once(['+', '-']) {
        None => (scheme.as_str(), Kind::Plain),
        Some((base, "sentinel")) => (base, Kind::Sentinel),
        Some((base, "cluster")) => (base, Kind::Cluster),
        Some(_) => return Err(TargetError::Scheme),
    };
    match base {
        "redis" => Ok((kind, false, rest)),
        "rediss" => Ok((kind, true, rest)),
        _ => Err(TargetError::Scheme),
    }
}

fn parse_query(query: &str) -> Result<Query, TargetError> {
    let mut parsed = Query::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match &*name {
            "db" => parsed.db = Some(value),
            "sentinelServiceName" => parsed.service = Some(value),
            "sentinelUsername" => parsed.sentinel.username = Some(value),
            "sentinelPassword" => parsed.sentinel.password = Some(SecretString::from(value)),
            _ => return Err(TargetError::Parameter),
        }
    }
    Ok(parsed)
}

fn parse_userinfo(userinfo: &str) -> Result<Credentials, TargetError> {
    let (username, password) = match userinfo.split_once(':') {
        Some((username, password)) => (username, Some(password)),
        None => (userinfo, None),
    };
    let username = Some(decode(username)?).filter(|name| !name.is_empty());
    let password = password.map(decode).transpose()?;
    let password = password.filter(|password| !password.is_empty());
    Ok(Credentials {
        username,
        password: password.map(SecretString::from),
    })
}

/// Decodes `%41`; a `+` stays one, unlike in a query.
fn decode(text: &str) -> Result<String, TargetError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = rest.next().map(char::from)?;
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(TargetError::Credentials);
        };
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).map_err(|_| TargetError::Credentials)
}

fn parse_addresses(hosts: &str, default_port: u16) -> Result<Vec<Address>, TargetError> {
    if hosts.trim().is_empty() {
        return Err(TargetError::NoHost);
    }
    let addresses = hosts.split(',');
    addresses
        .map(|address| parse_address(address.trim(), default_port))
        .collect()
}

fn parse_address(text: &str, default_port: u16) -> Result<Address, TargetError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(TargetError::Address)?;
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err(TargetError::Address),
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let wrong = |character: char| character.is_whitespace() || "/?#@[]%".contains(character);
    if host.is_empty() || host.contains(wrong) {
        return Err(TargetError::Address);
    }
    let port = match port {
        None => default_port,
        Some(port) => match port.parse() {
            Ok(0) | Err(_) => return Err(TargetError::Port),
            Ok(port) => port,
        },
    };
    Ok(Address::new(host, port))
}

fn arrange(
    kind: Kind,
    mut addresses: Vec<Address>,
    path: &str,
    query: Query,
) -> Result<(Topology, u16), TargetError> {
    let mut segments: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    if kind == Kind::Sentinel {
        let service = match query.service {
            Some(service) => service,
            None if segments.is_empty() => return Err(TargetError::NoService),
            None => decode(segments.remove(0)).map_err(|_| TargetError::Path)?,
        };
        let topology = Topology::Sentinel {
            sentinels: addresses,
            service,
            credentials: query.sentinel,
        };
        return Ok((topology, database(&segments, query.db.as_deref())?));
    }
    if query.service.is_some() || query.sentinel.username.is_some() {
        return Err(TargetError::Parameter);
    }
    let db = database(&segments, query.db.as_deref())?;
    if kind == Kind::Plain && addresses.len() == 1 {
        return Ok((Topology::Standalone(addresses.remove(0)), db));
    }
    if db != 0 {
        return Err(TargetError::ClusterDatabase);
    }
    Ok((Topology::Cluster(addresses), 0))
}

fn database(segments: &[&str], parameter: Option<&str>) -> Result<u16, TargetError> {
    let text = match (segments, parameter) {
        ([], None) => return Ok(0),
        ([], Some(db)) | (&[db], None) => db,
        _ => return Err(TargetError::Path),
    };
    text.parse().map_err(|_| TargetError::Database)
}
