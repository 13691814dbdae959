//! What reaches people, and what they make of it.

use switchboard::core::{Event, PeerId, Welcome};

use crate::{
    client::Phase,
    eyes::Eyes,
    ledger::Kind,
    post::{Conn, ConnId, Line},
    world::World,
};

impl World {
    pub(crate) fn drain(&mut self, conn: ConnId) {
        if matches!(self.post.conns[conn].line, Line::Stalled | Line::Clogged) {
            self.post.conns[conn].line = Line::Open;
            for event in std::mem::take(&mut self.post.conns[conn].unsent) {
                self.show(conn, &event);
            }
        }
    }

    /// Something arrives at a client.
    pub(crate) fn show(&mut self, conn: ConnId, event: &Event<'static>) {
        let number = self.post.conns[conn].client;
        self.tell(|_| format!("    u{number} c{conn} gets {}", brief(event)));
        let client = &self.clients[number];
        assert!(
            client.conn == Some(conn),
            "outside: u{number} c{conn} {event:?}"
        );
        let me = client.stay.as_ref().unwrap().peer;
        match event {
            Event::Joined(welcome) | Event::Resumed { welcome, .. } => {
                self.be_greeted(conn, welcome);
                if let Event::Resumed { .. } = event {
                    self.be_back(conn, me);
                }
            }
            Event::Relay { from, to, body, .. } => {
                assert_eq!(*to, me, "for somebody else");
                let number = body.get().parse().unwrap();
                self.ledger.receive((*from, me), number, Kind::Relay);
            }
            Event::Chat(said) => {
                let number = said.content.parse().unwrap();
                self.ledger.receive((said.peer, me), number, Kind::Chat);
            }
            _ => {}
        }
        self.see(number, event);
        if matches!(event, Event::Kicked { .. }) {
            self.clients[number].go_out();
            self.post.conns[conn].line = Line::Lost { failing: false };
        }
    }

    fn be_greeted(&mut self, conn: ConnId, welcome: &Welcome) {
        let client = &mut self.clients[self.post.conns[conn].client];
        client.phase = Phase::In;
        let stay = client.stay.as_mut().unwrap();
        stay.secret = welcome.resume.secret;
        stay.eyes.get_or_insert_with(|| Eyes::new(welcome));
        let room = stay.room;
        if self.hears(self.post.conns[conn].node, room) {
            self.ledger.hears_again(welcome.peer, self.now);
        } else {
            self.ledger.goes_deaf(welcome.peer);
        }
    }

    fn be_back(&mut self, conn: ConnId, me: PeerId) {
        let Conn { client, node, .. } = self.post.conns[conn];
        let client = &mut self.clients[client];
        client.tries = 0;
        let room = client.stay.as_ref().unwrap().room;
        let (gone, apart) = (self.ledger.gone.get(&me), self.is_apart(room));
        assert!(gone.is_none() || apart, "resumed and gone: {me} {gone:?}");
        // While two nodes have it, each may tell it other things.
        if apart && !self.redis.rooms[room].is_of(me, node) {
            self.ledger.excuse(me, u64::MAX);
        } else if self.ledger.gap_of(me) == Some(u64::MAX) {
            self.ledger.excuse(me, self.now);
        }
    }

    fn see(&mut self, number: usize, event: &Event<'static>) {
        let stay = self.clients[number].stay.as_mut().unwrap();
        let gap = self.ledger.gap_of(stay.peer);
        let gap = gap.is_some_and(|until| until >= stay.sure);
        let apart = self.ledger.is_apart(stay.room, self.now);
        if stay.eyes.as_mut().unwrap().see(event, gap, apart) {
            stay.sure = self.now + 1;
        }
    }

    /// The node closes a connection.
    pub(crate) fn hang_up(&mut self, conn: ConnId) {
        self.tell(|_| format!("    c{conn} is cut"));
        let line = &mut self.post.conns[conn];
        line.line = Line::Closed;
        let client = &mut self.clients[line.client];
        if client.conn == Some(conn) {
            client.lose(self.now);
        }
    }

    pub(crate) fn refused_to_join(&mut self, conn: ConnId) {
        self.tell(|_| format!("    c{conn} is refused"));
        self.post.conns[conn].line = Line::Closed;
        let number = self.post.conns[conn].client;
        let client = &mut self.clients[number];
        if client.conn == Some(conn) {
            client.go_out();
        }
    }

    pub(crate) fn refused_to_resume(&mut self, conn: ConnId) {
        self.tell(|_| format!("    c{conn} may not resume"));
        let again = self.random.chance(70);
        self.post.conns[conn].line = Line::Closed;
        let number = self.post.conns[conn].client;
        let client = &mut self.clients[number];
        if client.conn != Some(conn) {
            return;
        }
        client.tries += 1;
        if again && client.tries < 4 {
            client.lose(self.now);
        } else {
            client.go_out();
        }
    }

    /// Its node died.
    pub(crate) fn bereave(&mut self, conn: ConnId) {
        self.post.conns[conn].line = Line::Closed;
        let client = &mut self.clients[self.post.conns[conn].client];
        if client.conn == Some(conn) {
            match client.phase {
                Phase::Joining | Phase::Out => client.go_out(),
                _ => {
                    client.lose(self.now);
                    client.rests_until = self.now + self.random.between(0, 4_000);
                }
            }
        }
    }
}

fn brief(event: &Event<'_>) -> String {
    let mut text = match event {
        Event::Joined(welcome) => format!(
            "Joined({:?} host {})",
            welcome
                .peers
                .iter()
                .map(|p| p.id.to_string())
                .collect::<Vec<_>>(),
            welcome.host
        ),
        Event::Resumed { welcome, missed } => format!(
            "Resumed({missed}, {:?} host {})",
            welcome
                .peers
                .iter()
                .map(|p| p.id.to_string())
                .collect::<Vec<_>>(),
            welcome.host
        ),
        Event::Chat(message) => format!("Chat({} by {})", message.content, message.peer),
        other => format!("{other:?}"),
    };
    text.truncate(900);
    text
}
