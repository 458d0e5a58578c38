//! Tests of the machine: no success that was not seen, one at a time to a point.

mod histories;

use roost_model::{ClockQuality, Command, Priority, Timestamp, Value};

use super::Answer;
use super::machine::{MAX_PENDING, MAX_SENDS, MAX_SENT, Machine, Output, Reach};
use super::moment::Moment;
use super::wanted::NewCommand;

pub(crate) fn moment(uptime_ms: u64, wall_ms: i64, boot: &str) -> Moment {
    Moment {
        wall: Timestamp::from_unix_ms(wall_ms, ClockQuality::Unknown),
        uptime_ms,
        boot: boot.into(),
    }
}

fn new(id: &str, point: &str, value: i64) -> NewCommand {
    NewCommand {
        id: id.into(),
        device: "boiler".into(),
        point: point.into(),
        value: Value::Int(value),
        within_ms: 1000,
        verify_within_ms: 500,
        key: None,
        priority: Priority::Normal,
        may_wait: true,
        supersede: false,
    }
}

/// A command that waits: to the relay of the boiler.
pub(crate) fn queued(id: &str) -> Command {
    let mut machine = Machine::default();
    machine.ask(new(id, "relay", 1), &moment(0, 0, "b"), &mut away);
    machine.get(id).unwrap().clone()
}

fn away(_: &Command) -> Reach {
    Reach::Away("not connected".into())
}

fn here(_: &Command) -> Reach {
    Reach::Here(None)
}

/// A machine with a clock and a device that is here or not.
#[derive(Default)]
struct Bench {
    machine: Machine,
    now_ms: u64,
    away: bool,
}

impl Bench {
    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Machine, &Moment, &mut dyn FnMut(&Command) -> Reach) -> T,
    ) -> T {
        let now = moment(self.now_ms, 0, "b");
        let mut reach = if self.away { away } else { here };
        act(&mut self.machine, &now, &mut reach)
    }

    fn ask(&mut self, new: NewCommand) {
        self.with(|machine, now, reach| machine.ask(new, now, reach));
    }

    fn answer(&mut self, id: Option<&str>, point: Option<&str>, answer: Answer) {
        self.with(|machine, now, reach| {
            machine.answered("boiler", id, point, answer, now);
            machine.advance("boiler", now, reach);
        });
    }

    fn advance(&mut self) {
        self.with(|machine, now, reach| machine.advance("boiler", now, reach));
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.with(|machine, now, reach| machine.expire(now, reach));
    }

    /// What was done, in short: `c1 queued`, `→ c1`.
    fn done(&mut self) -> Vec<String> {
        let outputs = self.machine.take_outputs();
        outputs
            .iter()
            .map(|output| match output {
                Output::Step(command) if command.is_final && !command.state.is_end() => {
                    format!("{} ends {}", command.id, command.state.word())
                }
                Output::Step(command) => format!("{} {}", command.id, command.state.word()),
                Output::Transmit(command) => format!("→ {}", command.id),
            })
            .collect()
    }
}

#[test]
fn a_command_is_sent_acknowledged_and_verified() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    assert_eq!(bench.done(), ["c1 queued", "c1 sent", "→ c1"]);
    bench.answer(Some("c1"), None, Answer::Acknowledged);
    bench.with(|machine, now, _| machine.observed("boiler", ("relay", &Value::Float(1.0), None), now));
    assert_eq!(bench.done(), ["c1 acknowledged", "c1 verified"]);
    assert_eq!(bench.machine.next_due_ms(), None);
}

#[test]
fn what_a_device_took_before_a_command_was_sent_does_not_verify_it() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.done();
    let sent_ms = bench
        .machine
        .get("c1")
        .unwrap()
        .at_ms(roost_model::CommandState::Sent)
        .unwrap();
    let mut observe = |said_ms| {
        let reading = ("relay", &Value::Int(1), Some(said_ms));
        bench.with(|machine, now, _| machine.observed("boiler", reading, now));
        bench.done()
    };
    assert_eq!(observe(sent_ms - 3_600_000), Vec::<String>::new());
    assert_eq!(
        observe(sent_ms - 1000),
        ["c1 verified"],
        "devices tell whole seconds"
    );
}

#[test]
fn a_command_to_a_device_that_is_away_says_so_waits_and_is_sent_when_it_comes() {
    let mut bench = Bench {
        away: true,
        ..Bench::default()
    };
    bench.ask(new("c1", "relay", 1));
    assert_eq!(
        bench.machine.get("c1").unwrap().reason.as_deref(),
        Some("not connected")
    );
    bench.advance();
    assert_eq!(bench.done(), ["c1 queued"], "nothing new is nothing to say");
    bench.away = false;
    bench.advance();
    assert_eq!(bench.done(), ["c1 sent", "→ c1"]);
    assert_eq!(bench.machine.get("c1").unwrap().reason, None);
}

#[test]
fn a_command_that_may_not_wait_is_refused_with_the_reason() {
    let mut bench = Bench {
        away: true,
        ..Bench::default()
    };
    bench.ask(NewCommand {
        may_wait: false,
        ..new("c1", "relay", 1)
    });
    assert_eq!(bench.done(), ["c1 queued", "c1 refused"]);
    bench.away = false;
    bench.ask(new("c2", "relay", 1));
    bench.ask(NewCommand {
        may_wait: false,
        ..new("c3", "relay", 2)
    });
    assert_eq!(
        bench.done(),
        ["c2 queued", "c2 sent", "→ c2", "c3 queued"],
        "to wait for its turn is not to wait for the device"
    );
}

#[test]
fn commands_to_one_point_go_one_after_the_other_and_other_points_do_not_wait() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.ask(NewCommand {
        priority: Priority::High,
        ..new("c2", "relay", 2)
    });
    bench.ask(new("c3", "valve", 3));
    assert_eq!(
        bench.done(),
        [
            "c1 queued",
            "c1 sent",
            "→ c1",
            "c2 queued",
            "c3 queued",
            "c3 sent",
            "→ c3"
        ]
    );
    bench.answer(None, Some("relay"), Answer::Refused("locked".into()));
    assert_eq!(bench.done(), ["c1 refused", "c2 sent", "→ c2"]);
    bench.pass(1000);
    assert_eq!(bench.done(), ["c2 expired", "c3 expired"]);
}

#[test]
fn the_urgent_ones_go_first_when_a_device_comes() {
    let mut bench = Bench {
        away: true,
        ..Bench::default()
    };
    let of = |id: &str, priority| NewCommand {
        priority,
        ..new(id, id, 1)
    };
    bench.ask(of("c1", Priority::Low));
    bench.ask(of("c2", Priority::Normal));
    bench.ask(of("c3", Priority::High));
    bench.ask(of("c4", Priority::High));
    bench.done();
    bench.away = false;
    bench.advance();
    let sent: Vec<_> = bench
        .done()
        .into_iter()
        .filter(|line| line.starts_with('→'))
        .collect();
    assert_eq!(sent, ["→ c3", "→ c4", "→ c2", "→ c1"]);
}

#[test]
fn a_newer_command_takes_the_place_of_a_waiting_one_only_if_asked() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.ask(new("c2", "relay", 2));
    bench.ask(NewCommand {
        supersede: true,
        ..new("c3", "relay", 3)
    });
    assert_eq!(
        bench.done(),
        [
            "c1 queued",
            "c1 sent",
            "→ c1",
            "c2 queued",
            "c2 cancelled",
            "c3 queued"
        ]
    );
}

#[test]
fn without_a_reading_that_shows_it_a_command_ends_acknowledged_and_says_so() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.pass(900);
    bench.answer(Some("c1"), None, Answer::Acknowledged);
    bench.with(|machine, now, _| machine.observed("boiler", ("relay", &Value::Int(0), None), now));
    bench.pass(499);
    assert_eq!(
        bench.done(),
        ["c1 queued", "c1 sent", "→ c1", "c1 acknowledged"],
        "its time to be verified counts from the acknowledgement"
    );
    bench.pass(1);
    assert_eq!(bench.done(), ["c1 ends acknowledged"]);
}

#[test]
fn what_has_not_left_waits_again_in_its_place_and_its_deadline_stays() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.ask(new("c2", "relay", 2));
    bench.pass(400);
    bench.away = true;
    bench.with(|machine, now, reach| {
        machine.returned("boiler", "c1", now);
        machine.advance("boiler", now, reach);
    });
    let machine = &bench.machine;
    assert_eq!(
        machine.get("c1").unwrap().reason.as_deref(),
        Some("not connected")
    );
    assert_eq!(machine.awaited("boiler"), Some(0), "nothing is on its way");
    bench.answer(Some("c1"), None, Answer::Acknowledged);
    bench.away = false;
    bench.advance();
    let expected = [
        "c1 queued",
        "c1 sent",
        "→ c1",
        "c2 queued",
        "c1 queued",
        "c1 sent",
        "→ c1",
    ];
    assert_eq!(bench.done(), expected);
    bench.away = true;
    bench.with(|machine, now, _| machine.returned("boiler", "c1", now));
    assert_eq!(
        bench.with(|machine, now, _| machine.cancel("c1", now)).as_deref(),
        Some("boiler")
    );
    bench.pass(600);
    assert_eq!(bench.done(), ["c1 queued", "c1 cancelled", "c2 expired"]);
}

#[test]
fn only_what_is_on_its_way_can_return_and_not_for_ever() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.answer(Some("c1"), None, Answer::Acknowledged);
    bench.with(|machine, now, _| machine.returned("boiler", "c1", now));
    assert_eq!(bench.done(), ["c1 queued", "c1 sent", "→ c1", "c1 acknowledged"]);
    bench.ask(new("c2", "valve", 1));
    for _ in 0..=MAX_SENDS {
        bench.with(|machine, now, reach| {
            machine.returned("boiler", "c2", now);
            machine.advance("boiler", now, reach);
        });
    }
    let done = bench.done();
    assert_eq!(done.iter().filter(|line| *line == "→ c2").count(), MAX_SENDS);
    assert_eq!(done.last().unwrap(), "c2 refused");
}

#[test]
fn only_what_was_not_sent_can_be_cancelled() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.ask(new("c2", "relay", 2));
    let cancel = |bench: &mut Bench, id: &str| bench.with(|machine, now, _| machine.cancel(id, now));
    assert_eq!(cancel(&mut bench, "c1"), None);
    assert_eq!(cancel(&mut bench, "c2").as_deref(), Some("boiler"));
    assert_eq!(cancel(&mut bench, "c9"), None);
}

#[test]
fn there_is_a_limit_to_what_waits_and_to_what_is_on_its_way() {
    let mut bench = Bench::default();
    for number in 0..=MAX_PENDING {
        bench.ask(new(&format!("c{number:02}"), &format!("p{number}"), 1));
    }
    let done = bench.done();
    assert_eq!(done.iter().filter(|line| line.starts_with('→')).count(), MAX_SENT);
    assert_eq!(done.last().unwrap(), &format!("c{MAX_PENDING} refused"));
}

#[test]
fn another_point_may_be_the_one_that_shows_it() {
    let mut bench = Bench::default();
    let mut reach = |_: &Command| Reach::Here(Some("state".into()));
    let now = moment(0, 0, "b");
    bench.machine.ask(new("c1", "relay", 1), &now, &mut reach);
    bench
        .machine
        .observed("boiler", ("relay", &Value::Int(1), None), &now);
    bench
        .machine
        .observed("boiler", ("state", &Value::Int(1), None), &now);
    assert_eq!(bench.done(), ["c1 queued", "c1 sent", "→ c1", "c1 verified"]);
}

#[test]
fn nothing_of_a_removed_device_is_waited_for() {
    let mut bench = Bench::default();
    for (id, point) in [("c1", "a"), ("c2", "a"), ("c3", "b")] {
        bench.ask(new(id, point, 1));
    }
    bench.answer(Some("c3"), None, Answer::Acknowledged);
    bench.done();
    bench.with(|machine, now, _| machine.remove("boiler", now));
    assert_eq!(
        bench.done(),
        ["c1 expired", "c2 cancelled", "c3 ends acknowledged"]
    );
    assert_eq!(bench.machine.devices().count(), 0);
}
